"""How what we depend on answers just now, for `/health`."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from app.lifecycle import Phase
from app.wire.service import Condition, DependencyOut
from triggers.errors import TriggersError
from triggers.ports import Reachable

CHECK_SECONDS = 2.0
AGE_SECONDS_MAX = 1.0  # `/health` is open to all: asking often must not become a load on the store

Dependencies = dict[str, DependencyOut]


class DependencyHealth:
    """Measures how dependencies answer, at most once a second, for all who ask."""

    def __init__(
        self, reachable: Reachable, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._reachable = reachable
        self._monotonic = monotonic
        self._turn = asyncio.Lock()
        self._last: tuple[float, Dependencies] | None = None

    async def measure(self) -> Dependencies:
        """Return how each dependency answers, within CHECK_SECONDS."""
        async with self._turn:
            if self._last is None or self._monotonic() - self._last[0] > AGE_SECONDS_MAX:
                tables, queues = await asyncio.gather(
                    _measure(self._reachable.check), _measure(self._reachable.check_queues)
                )
                self._last = self._monotonic(), {"tables": tables, "queues": queues}
            return self._last[1]


def condition_of(phase: Phase, dependencies: Dependencies) -> Condition:
    """Judge the service: without queues it goes on, only later; without tables it cannot."""
    if phase is not Phase.READY:
        return Condition(phase)
    if dependencies["tables"].status is not Condition.OK:
        return Condition.UNAVAILABLE
    return Condition.OK if dependencies["queues"].status is Condition.OK else Condition.DEGRADED


async def _measure(check: Callable[[], Awaitable[None]]) -> DependencyOut:
    started, status = time.perf_counter(), Condition.OK
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except (TriggersError, TimeoutError):
        status = Condition.UNAVAILABLE
    milliseconds = round((time.perf_counter() - started) * 1000, 2)
    return DependencyOut(status=status, milliseconds=milliseconds)
