"""Receives hints and puts the events they name into the queue."""

import asyncio
import logging

from triggers import telemetry
from triggers.errors import TriggersError
from triggers.messages import Hint
from triggers.ports import HintReceiver, ReceivedHint
from triggers.times import Clock
from worker.fair_queue import FairQueue, Work, once
from worker.health import Pulse

PAUSE_SECONDS_FIRST = 0.5
PAUSE_SECONDS_MAX = 30.0
FULL_PAUSE_SECONDS = 0.1  # until the queue is looked at again

_logger = logging.getLogger(__name__)


class Consumer:
    """The loop over hints. SQS away is no reason to end: the sweeper delivers meanwhile."""

    def __init__(
        self,
        hints: HintReceiver,
        queue: FairQueue,
        *,
        clock: Clock,
        pulse: Pulse,
        grace_seconds: float,
    ) -> None:
        self._hints = hints
        self._queue = queue
        self._clock = clock
        self._pulse = pulse
        self._grace_ms = int(grace_seconds * 1000)

    async def run(self) -> None:
        """Receive, for ever; after a failure with growing pauses."""
        pause = PAUSE_SECONDS_FIRST
        while True:
            self._pulse.beat()
            if not self._queue.has_room(is_swept=False):
                await asyncio.sleep(FULL_PAUSE_SECONDS)
                continue
            try:
                received = await self._hints.receive()
            except TriggersError as error:
                telemetry.log(
                    _logger, "no hints: SQS is away", level=logging.WARNING, reason=str(error)
                )
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
                continue
            pause = PAUSE_SECONDS_FIRST
            for message in received:
                self.accept(message)

    def accept(self, received: ReceivedHint) -> None:
        """Queue the events of a hint. A malformed one stays, so that SQS puts it to the dead letters.

        One older than the grace is dropped unread: by then the sweeper owns its events.
        """
        hint = received.hint
        if hint is None:
            return
        now_ms = self._clock()
        if now_ms - hint.sent_ms > self._grace_ms:
            telemetry.hints_stale.add(1)
            self._hints.delete(received.handle)
            return
        self._queue_events(hint, received.handle, now_ms)

    def _queue_events(self, hint: Hint, handle: str, now_ms: int) -> None:
        """Queue events; the message goes when all their claims are decided: then leases hold them.

        A claim that failed is the sweeper's: when the message came again it would be too old, as a rule.
        """
        events = hint.events
        undecided = len(events)

        def decided() -> None:
            nonlocal undecided
            undecided -= 1
            if undecided == 0:
                self._hints.delete(handle)

        for tenant_id, event_id in events:
            work = Work(tenant_id=tenant_id, event_id=event_id, claimed=once(decided))
            if not self._queue.put(work, now_ms):
                decided()
        if not events:
            self._hints.delete(handle)
