"""The way of one event through the worker: claim → match → deliver → finish."""

import asyncio
import logging
from collections.abc import Callable

from triggers import telemetry
from triggers.attempts import Attempt
from triggers.control_views import ControlViews
from triggers.deliveries import Delivery, after_attempt, postponed
from triggers.errors import Unavailable
from triggers.events import body_to_send, poisoned, progress_of, progress_to_give_back
from triggers.http.sender import LocalShortageError, Sender
from triggers.ports import ClaimLost, EventClaims
from triggers.retries import Outcome
from triggers.settings import Settings
from triggers.times import Clock, rfc3339
from triggers.webhook_requests import Request
from triggers.webhooks import Webhook, signing_secrets
from worker.fair_queue import FairQueue, Work
from worker.finishing import Finisher
from worker.lanes import Lanes
from worker.leases import STALE_INDEX_MS, lease_ms_of
from worker.rounds import Round
from worker.webhook_health import WebhookHealth

SAVE_AFTER_SECONDS = 1.0  # each time what is done is written, while other receivers still hang
GIVEN_BACK_MS = 2_000
SUSPECT_BACK_MS = 10_000
ATTEMPT_SECONDS_MIN = 0.5  # a receiver must not be blamed for the time that we lost
# An event claimed this often without a finish may be what kills the process. Such events are worked
# on one at a time, so that the others of the process do not share the fate of the one.
SUSPECT_CLAIMS = 3

_logger = logging.getLogger(__name__)


class Deliverer:
    """Works on events that may be due. `random` returns values in [0, 1)."""

    def __init__(
        self,
        *,
        events: EventClaims,
        views: ControlViews,
        sender: Sender,
        finisher: Finisher,
        lanes: Lanes,
        health: WebhookHealth,
        queue: FairQueue,
        settings: Settings,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self._events = events
        self._views = views
        self._sender = sender
        self._finisher = finisher
        self._lanes = lanes
        self._health = health
        self._queue = queue
        self._settings = settings
        self._clock = clock
        self._random = random
        self._suspect: str | None = None

    async def work(self, work: Work) -> None:
        """Claim an event and carry it as far as it goes now. Losing the claim is no error.

        When the drain ends and attempts are cancelled, what came of it so far is still written.
        Raises Unavailable when the store is away.
        """
        round_ = await self._claim(work)
        if round_ is None:
            return
        claims = round_.state.claims
        if claims > self._settings.claims_max:
            await self._fail_as_poison(round_)
        elif claims < SUSPECT_CLAIMS:
            await self._deliver(round_)
        elif self._suspect is None:
            await self._deliver_alone(round_)
        else:
            await self._give_back(round_, "another suspect is worked on", SUSPECT_BACK_MS)

    async def _claim(self, work: Work) -> Round | None:
        view = await self._views.view(work.tenant_id)
        now_ms = self._clock()
        lease_ms = now_ms + lease_ms_of(view, self._settings)
        claim = await self._events.claim(
            work.tenant_id, work.event_id, now_ms=now_ms, lease_ms=lease_ms
        )
        if work.claimed is not None:
            work.claimed()
        if isinstance(claim, ClaimLost):
            telemetry.claims_lost.add(1)
            self._queue.leave_alone(
                work.event_id, max(claim.lease_ms or 0, now_ms + STALE_INDEX_MS)
            )
            return None
        try:
            view = await self._views.view(work.tenant_id)
        except Unavailable:
            round_ = Round(work.tenant_id, claim, view, lease_ms)
            await self._give_back(round_, "no view", GIVEN_BACK_MS)
            return None
        return Round(work.tenant_id, claim, view, lease_ms)

    async def _deliver_alone(self, round_: Round) -> None:
        self._suspect = round_.event.event_id
        try:
            await self._deliver(round_)
        finally:
            self._suspect = None

    async def _deliver(self, round_: Round) -> None:
        """Make all due attempts at once, and finish."""
        body = body_to_send(round_.event)  # before any slot is taken, should it fail
        sends = round_.plan(self._lanes, self._clock())
        try:
            if len(sends) == 1:
                await self._attempt(round_, sends[0], body)
            elif sends:
                await self._attempt_all(round_, sends, body)
        except asyncio.CancelledError:
            # The drain is over. What was broken off is due again at once, elsewhere.
            round_.log(_logger, "attempts broken off by the stop")
        progress = progress_of(round_.deliveries, self._clock())
        await self._finisher.finish(round_, progress, save_at_last=True)

    async def _attempt_all(self, round_: Round, sends: list[Webhook], body: bytes) -> None:
        async with asyncio.TaskGroup() as group:
            attempts = [
                group.create_task(self._attempt(round_, webhook, body)) for webhook in sends
            ]
            waiting = set(attempts)
            while waiting:
                done, waiting = await asyncio.wait(waiting, timeout=SAVE_AFTER_SECONDS)
                if done and waiting:
                    await self._finisher.save(round_)

    async def _attempt(self, round_: Round, webhook: Webhook, body: bytes) -> None:
        """Make one attempt, in a slot of its lane that was taken before, and note how it went."""
        started_ms = self._clock()
        outcome: Outcome | None = None
        delivery = round_.delivery(webhook.webhook_id)
        try:
            outcome = await self._sender.send(self._request(round_, webhook, body, started_ms))
        except LocalShortageError as error:
            round_.log(_logger, f"attempt put off: {error}")
            round_.replace(postponed(delivery, started_ms + self._a_while_ms(GIVEN_BACK_MS)))
        finally:
            self._lanes.leave(round_.tenant_id, webhook.webhook_id, outcome, self._clock())
        if outcome is not None:
            attempted = after_attempt(
                delivery, outcome, webhook.schedule, self._clock(), self._random()
            )
            self._health.note(round_.tenant_id, attempted, self._clock())
            round_.replace(attempted)
            round_.attempts.append(
                Attempt(
                    event_id=round_.event.event_id,
                    webhook_id=webhook.webhook_id,
                    number=attempted.attempts,
                    started_ms=started_ms,
                    outcome=outcome,
                )
            )
            _log_attempt(round_, attempted)

    def _request(self, round_: Round, webhook: Webhook, body: bytes, now_ms: int) -> Request:
        """Return the attempt to make, which must leave time to finish before the lease ends.

        Raises LocalShortageError when that is no time to speak of.
        """
        spare = self._settings.finish_seconds + 2 * self._settings.clock_skew_seconds
        left = (round_.lease_end_ms - now_ms) / 1000 - spare
        if left < ATTEMPT_SECONDS_MIN:
            raise LocalShortageError("too little is left of the lease")
        return Request(
            url=webhook.url,
            secrets=signing_secrets(webhook, now_ms),
            timestamp=now_ms // 1000,
            headers=webhook.headers,
            event_id=round_.event.event_id,
            correlation_id=round_.event.correlation_id,
            body=body,
            timeout_seconds=min(webhook.timeout_seconds, left),
            replay=round_.delivery(webhook.webhook_id).replay,
        )

    async def _fail_as_poison(self, round_: Round) -> None:
        round_.log(_logger, "poison: claimed too often without a finish", level=logging.ERROR)
        round_.replace(*poisoned(round_.deliveries))
        await self._finisher.finish(round_, progress_of(round_.deliveries, self._clock()))

    async def _give_back(self, round_: Round, reason: str, pause_ms: int) -> None:
        round_.log(_logger, f"claim given back: {reason}")
        due_ms = self._clock() + self._a_while_ms(pause_ms)
        await self._finisher.finish(round_, progress_to_give_back(round_.state, due_ms))

    def _a_while_ms(self, least_ms: int) -> int:
        """Return once to twice as much, so that what was put off together comes back apart."""
        return int(least_ms * (1 + self._random()))


def _log_attempt(round_: Round, delivery: Delivery) -> None:
    """Write the one wide line of an attempt."""
    next_ms = delivery.next_attempt_ms
    round_.log(
        _logger,
        "attempt",
        level=logging.INFO,
        webhook_id=delivery.webhook_id,
        attempt=delivery.attempts,
        status=delivery.status.value,
        status_code=delivery.last_status_code,
        error=delivery.last_error,
        milliseconds=delivery.duration_ms,
        next_attempt_at=rfc3339(next_ms) if next_ms else None,
        traceparent=round_.event.traceparent,
    )
