"""Takes events from the queue, tenant by tenant, and has as many worked on at once as may be."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from msgspec import structs

from triggers import telemetry
from triggers.errors import Unavailable
from triggers.times import Clock
from worker.fair_queue import FairQueue, Work, once

STORE_PAUSE_SECONDS_FIRST = 0.25
STORE_PAUSE_SECONDS_MAX = 5.0
PUT_ASIDE_MS = 30_000
WORK_SECONDS_MAX = 240.0  # more than claim, attempt and finish can take together

_logger = logging.getLogger(__name__)


class Worker(Protocol):
    """What carries an event or a job through."""

    async def work(self, work: Work) -> None:
        """Work on it. Raises Unavailable when the store is away."""


class Dispatcher:
    """Keeps up to `in_flight_max` events in work. While the store is away it claims next to nothing.

    What is hinted at and what was swept take turns, as far as there is both. Of what was swept, up
    to `swept_claims_max` claims are under way: a backlog must wait here, where tenants take turns,
    and not at the store in front of fresh events.
    """

    def __init__(
        self,
        queue: FairQueue,
        worker: Worker,
        worker_on_jobs: Worker,
        *,
        is_finishing: Callable[[asyncio.Task[None]], bool],
        clock: Clock,
        in_flight_max: int,
        swept_claims_max: int,
    ) -> None:
        self._queue = queue
        self._worker = worker
        self._worker_on_jobs = worker_on_jobs
        self._is_finishing = is_finishing
        self._clock = clock
        self._slots = asyncio.Semaphore(in_flight_max)
        self._swept_claims = asyncio.Semaphore(swept_claims_max)
        self._in_flight: dict[asyncio.Task[None], float] = {}  # since when, the oldest first
        self._pause = _StorePause()

    @property
    def in_flight(self) -> int:
        """How many events are worked on now."""
        return len(self._in_flight)

    def is_alive(self) -> bool:
        """Tell whether no event has been in work for longer than any can be."""
        oldest = next(iter(self._in_flight.values()), None)
        return oldest is None or time.monotonic() - oldest < WORK_SECONDS_MAX

    async def run(self) -> None:
        """Take and start, for ever. Whose turn it is, is decided when a slot is free."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_hinted())
            group.create_task(self._run_swept())

    async def drain(self, seconds: float) -> None:
        """Wait for what is in work; after `seconds` break off the attempts and write what came of it."""
        if not self._in_flight:
            return
        _, late = await asyncio.wait(self._in_flight, timeout=seconds)
        for task in late:
            if not self._is_finishing(task):  # that goes on to its end
                task.cancel()
        if late:
            await asyncio.wait(late)

    async def _run_hinted(self) -> None:
        while True:
            self._start(await self._take(is_swept=False))

    async def _run_swept(self) -> None:
        while True:
            await self._swept_claims.acquire()
            work = await self._take(is_swept=True)
            self._start(structs.replace(work, claimed=once(self._swept_claims.release)))

    async def _take(self, *, is_swept: bool) -> Work:
        await self._queue.filled(is_swept=is_swept)
        await self._slots.acquire()
        await self._pause.wait()
        return self._queue.take(is_swept=is_swept)

    def _start(self, work: Work) -> None:
        task = asyncio.create_task(self._carry(work), name=f"event {work.event_id}")
        self._in_flight[task] = time.monotonic()
        task.add_done_callback(self._ended)

    async def _carry(self, work: Work) -> None:
        try:
            is_job = work.event_id.startswith("job_")
            await (self._worker_on_jobs if is_job else self._worker).work(work)
        except Unavailable as error:
            self._pause.store_failed()
            _log(work, "put off: the store is away", error)
        except Exception:  # one event must not end the loop, nor come again at once
            _logger.exception("event not carried through", extra={"fields": _ids(work)})
            self._queue.leave_alone(work.event_id, self._clock() + PUT_ASIDE_MS)
        else:
            self._pause.store_answered()
        finally:
            self._queue.done(work)
            if work.claimed is not None:
                work.claimed()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._in_flight[task]
        self._slots.release()


class _StorePause:
    """How long to wait before the next claim: not at all while the store answers, else ever longer.

    What fails during one pause counts once: a moment's outage meets everything in the air.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._counted_until = 0.0
        self._answers = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the pause to end, or for the store to answer."""
        if self._seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._answers.wait(), self._seconds)

    def store_answered(self) -> None:
        """Note that the store is there."""
        self._seconds = self._counted_until = 0.0
        self._answers.set()

    def store_failed(self) -> None:
        """Note that it is away."""
        now = asyncio.get_running_loop().time()
        if now >= self._counted_until:
            self._seconds = min(STORE_PAUSE_SECONDS_MAX, 2 * self._seconds) or (
                STORE_PAUSE_SECONDS_FIRST
            )
            self._counted_until = now + self._seconds
            self._answers.clear()


def _log(work: Work, message: str, error: Exception) -> None:
    telemetry.log(_logger, message, level=logging.WARNING, reason=str(error), **_ids(work))


def _ids(work: Work) -> dict[str, str]:
    return {"tenant_id": work.tenant_id, "event_id": work.event_id}
