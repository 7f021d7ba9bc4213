"""Finish: everything that is written about a round, in the order in which it must be.

First what explains a failure (attempts) and what recovery walks (markers), then the one update that
ends the claim, then what others are told (dead letters, a webhook disabled).
"""

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from triggers import telemetry
from triggers.attempts import is_kept
from triggers.control_changes import SERVICE
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.errors import StoreUnavailable, TriggersError, Unavailable
from triggers.events import Progress
from triggers.messages import DeadLetter
from triggers.ports import Attempts, Backlog, DeadLetters, EventClaims
from triggers.times import Clock
from triggers.trying_again import try_again_on
from triggers.webhook_changes import WebhookChanges
from worker.rounds import WEBHOOK_DISABLED, Round

GONE = 410
PAUSE_SECONDS_FIRST = 0.1
PAUSE_SECONDS_MAX = 2.0
SAVE_SECONDS_MAX = 4.0  # out of what the lease leaves for clocks that differ

_logger = logging.getLogger(__name__)


class Finisher:
    """Writes what came of rounds. A store that fails is tried again for `finish_seconds`."""

    def __init__(
        self,
        *,
        events: EventClaims,
        attempts: Attempts,
        backlog: Backlog,
        dead_letters: DeadLetters,
        webhook_changes: WebhookChanges,
        clock: Clock,
        finish_seconds: float,
        retention_days: int,
    ) -> None:
        self._events = events
        self._attempts = attempts
        self._dead_letters = dead_letters
        self._webhook_changes = webhook_changes
        self._clock = clock
        self._retention_seconds = retention_days * 86_400
        self._finish_seconds = finish_seconds
        self._finishing: set[asyncio.Task[Any] | None] = set()
        insist = try_again_on(
            Unavailable,
            # The budget of a round ends it sooner. This ends a marker that goes on alone when
            # another one has been refused for good.
            max_time=2 * finish_seconds,
            max_value=PAUSE_SECONDS_MAX,
            factor=PAUSE_SECONDS_FIRST,
        )
        self._end_claim_insistently = insist(events.finish)
        self._mark_insistently = insist(backlog.mark)

    async def save(self, round_: Round) -> None:
        """Write the deliveries that are done while others are in the air. A failure is no harm."""
        saving = self._events.save(
            round_.tenant_id, round_.event.event_id, round_.state.fence, round_.to_save()
        )
        try:
            await asyncio.gather(self._keep_attempts(round_), saving)
        except TriggersError as error:
            round_.log(_logger, "save failed", reason=str(error))

    async def finish(
        self, round_: Round, progress: Progress, *, save_at_last: bool = False
    ) -> bool:
        """End a round. False: somebody fenced us off, nothing was written.

        To be awaited by the task that the dispatcher started: that is what the drain passes over.

        The drain lets it go on to its end. Raises Unavailable when the store stays away: then the
        lease ends and the event comes again. With `save_at_last` what was delivered has been saved
        by then, if the store took that.
        """
        task = asyncio.current_task()
        self._finishing.add(task)
        try:
            return await self._finish(round_, progress, save_at_last=save_at_last)
        finally:
            self._finishing.discard(task)

    def is_finishing(self, task: asyncio.Task[Any]) -> bool:
        """Tell whether a task is at its finish, which ends by itself and must not be broken off."""
        return task in self._finishing

    async def _finish(self, round_: Round, progress: Progress, *, save_at_last: bool) -> bool:
        ended = round_.newly(DeliveryStatus.FAILED, DeliveryStatus.HELD)
        try:
            finished = await self._write(round_, progress, ended)
        except TimeoutError:
            if save_at_last:
                await self._save_at_last(round_)
            raise StoreUnavailable("finish") from None
        if not finished:
            telemetry.fenced_off.add(1)
            round_.log(_logger, "fenced off, nothing written")
        elif ended:
            await self._tell(round_, ended)
        return finished

    async def _write(self, round_: Round, progress: Progress, ended: list[Delivery]) -> bool:
        """Write all of a round in the time that its lease leaves for it. Raises TimeoutError."""
        async with asyncio.timeout(self._finish_seconds):
            await self._keep_attempts(round_)
            if ended:  # to gather nothing takes a turn of the loop all the same
                await asyncio.gather(*(self._mark(round_, delivery) for delivery in ended))
            return await self._end_claim_insistently(
                round_.tenant_id, round_.event.event_id, round_.state.fence, progress
            )

    async def _save_at_last(self, round_: Round) -> None:
        """Write what was delivered all the same, so that it is not sent again.

        A finish moves index keys, and an index can be throttled alone; this moves none.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(SAVE_SECONDS_MAX):
                await self.save(round_)

    async def _keep_attempts(self, round_: Round) -> None:
        """Keep what explains a failure; that it cannot be kept must not hold up the delivery."""
        kept = [attempt for attempt in round_.attempts if is_kept(attempt)]
        if not kept:
            return
        expires_s = self._expires_s()
        results = await asyncio.gather(
            *(self._attempts.record(round_.tenant_id, a, expires_s=expires_s) for a in kept),
            return_exceptions=True,
        )
        errors = [error for error in results if isinstance(error, BaseException)]
        written = [a for a, result in zip(kept, results, strict=True) if result is None]
        round_.attempts = [a for a in round_.attempts if a not in written]
        if errors:
            round_.log(_logger, f"{len(errors)} attempts not kept", reason=str(errors[0]))

    async def _mark(self, round_: Round, delivery: Delivery) -> None:
        await self._mark_insistently(
            round_.tenant_id,
            delivery.webhook_id,
            round_.event.event_id,
            delivery.status.value,
            expires_s=self._expires_s(),
        )

    async def _tell(self, round_: Round, ended: list[Delivery]) -> None:
        """Tell others, each as well as it goes: the truth stands in the table by now."""
        failed = [d for d in ended if d.status is DeliveryStatus.FAILED]
        letters = [self._letter(round_, d) for d in failed]
        telling = [_try(round_, self._dead_letters.send(letter)) for letter in letters]
        if telling:
            await asyncio.gather(*telling)
        for delivery in ended:
            # What was held without an attempt may still show the 410 of an earlier one.
            is_gone = delivery.last_status_code == GONE and (
                delivery.last_error != WEBHOOK_DISABLED
            )
            if delivery.status is DeliveryStatus.HELD and is_gone:
                disabling = self._webhook_changes.disable(
                    round_.tenant_id,
                    delivery.webhook_id,
                    f"receiver answered {GONE}",
                    actor=SERVICE,
                )
                await _try(round_, disabling)

    def _letter(self, round_: Round, delivery: Delivery) -> DeadLetter:
        return DeadLetter(
            tenant_id=round_.tenant_id,
            event_id=round_.event.event_id,
            webhook_id=delivery.webhook_id,
            attempts=delivery.attempts,
            last_error=delivery.last_error,
            failed_ms=self._clock(),
        )

    def _expires_s(self) -> int:
        return self._clock() // 1000 + self._retention_seconds


async def _try(round_: Round, telling: Awaitable[None]) -> None:
    try:
        await telling
    except TriggersError as error:
        round_.log(_logger, "could not be told", reason=str(error))
