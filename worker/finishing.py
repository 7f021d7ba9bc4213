"""Finish: everything that is written about a round, in the order in which it must be.

First what explains a failure (attempts) and what recovery walks (markers), then the one update that
ends the claim, then what others are told (dead letters, a webhook disabled).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import backoff

from triggers import telemetry
from triggers.attempts import is_kept
from triggers.control import ControlPlane
from triggers.control_changes import SERVICE
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.errors import TriggersError, Unavailable
from triggers.events import Progress
from triggers.messages import DeadLetter
from triggers.ports import Attempts, Backlog, DeadLetters, EventClaims
from triggers.times import Clock
from worker.rounds import Round

GONE = 410
PAUSE_SECONDS_FIRST = 0.1
PAUSE_SECONDS_MAX = 2.0

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
        control: ControlPlane,
        clock: Clock,
        finish_seconds: float,
        retention_days: int,
    ) -> None:
        self._events = events
        self._attempts = attempts
        self._backlog = backlog
        self._dead_letters = dead_letters
        self._control = control
        self._clock = clock
        self._retention_seconds = retention_days * 86_400
        self._insist: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]] = (
            backoff.on_exception(
                backoff.expo,
                Unavailable,
                max_time=finish_seconds,
                max_value=PAUSE_SECONDS_MAX,
                factor=PAUSE_SECONDS_FIRST,
                logger=None,
            )(_call)
        )

    async def save(self, round_: Round) -> None:
        """Write the deliveries that are done while others are in the air. A failure is no harm."""
        try:
            await self._keep_attempts(round_)
            for delivery in round_.newly(DeliveryStatus.FAILED, DeliveryStatus.HELD):
                await self._mark(round_, delivery)
            await self._events.save(
                round_.tenant_id, round_.event.event_id, round_.state.fence, round_.deliveries
            )
        except Unavailable as error:
            _log(round_, "early save failed", error)

    async def finish(self, round_: Round, progress: Progress) -> bool:
        """End a round. False: somebody fenced us off, nothing was written.

        It goes on to its end when the drain breaks off its caller. Raises Unavailable when the store
        stays away: then the lease ends and the event comes again.
        """
        writing = asyncio.create_task(self._write(round_, progress), name="finish")
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            return await writing

    async def _write(self, round_: Round, progress: Progress) -> bool:
        await self._keep_attempts(round_)
        for delivery in round_.newly(DeliveryStatus.FAILED, DeliveryStatus.HELD):
            await self._insist(lambda d=delivery: self._mark(round_, d))  # type: ignore[misc]
        finished: bool = await self._insist(
            lambda: self._events.finish(
                round_.tenant_id, round_.event.event_id, round_.state.fence, progress
            )
        )
        if not finished:
            telemetry.fenced_off.add(1)
            _log(round_, "fenced off, nothing written", None)
            return False
        await self._tell(round_)
        return True

    async def _keep_attempts(self, round_: Round) -> None:
        """Keep what explains a failure; that it cannot be kept must not hold up the delivery."""
        kept = [attempt for attempt in round_.attempts if is_kept(attempt)]
        round_.attempts.clear()
        expires_s = self._expires_s()
        results = await asyncio.gather(
            *(self._attempts.record(round_.tenant_id, a, expires_s=expires_s) for a in kept),
            return_exceptions=True,
        )
        for error in results:
            if isinstance(error, BaseException):
                _log(round_, "attempt not kept", error)

    async def _mark(self, round_: Round, delivery: Delivery) -> None:
        await self._backlog.mark(
            round_.tenant_id,
            delivery.webhook_id,
            round_.event.event_id,
            delivery.status.value,
            expires_s=self._expires_s(),
        )

    async def _tell(self, round_: Round) -> None:
        """Tell others, each as well as it goes: the truth stands in the table by now."""
        for delivery in round_.newly(DeliveryStatus.FAILED):
            await _try(round_, self._dead_letters.send(self._letter(round_, delivery)))
        for delivery in round_.newly(DeliveryStatus.HELD):
            if delivery.last_status_code == GONE:
                disabling = self._control.disable_webhook(
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


async def _call(operation: Callable[[], Awaitable[Any]]) -> Any:
    return await operation()


async def _try(round_: Round, telling: Awaitable[None]) -> None:
    try:
        await telling
    except TriggersError as error:
        _log(round_, "could not be told", error)


def _log(round_: Round, message: str, error: BaseException | None) -> None:
    telemetry.log(
        _logger,
        message,
        level=logging.WARNING,
        tenant_id=round_.tenant_id,
        event_id=round_.event.event_id,
        reason=str(error) if error else None,
    )
