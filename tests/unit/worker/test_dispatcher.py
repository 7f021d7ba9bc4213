"""The dispatcher: how many events are in work at once, and what failures do to it."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from tests.factories import NOW_MS, FakeClock
from tests.processes import until
from triggers.errors import StoreUnavailable
from worker import dispatcher as dispatcher_module
from worker.dispatcher import PUT_ASIDE_MS, WORK_SECONDS_MAX, Dispatcher
from worker.fair_queue import FairQueue, Work

SWEPT_CLAIMS_MAX = 4
AWAY = StoreUnavailable("test")


class FakeWorker:
    """Works on events as a test wants, and notes when each was begun."""

    def __init__(self, behaviour: Callable[[Work], Awaitable[None]]) -> None:
        self._behaviour = behaviour
        self.finishing: set[asyncio.Task[None] | None] = set()
        self.begun: list[tuple[str, float]] = []
        self.ended: list[str] = []

    async def work(self, work: Work) -> None:
        self.begun.append((work.event_id, asyncio.get_running_loop().time()))
        await self._behaviour(work)
        self.ended.append(work.event_id)


class Hanging:
    def __init__(self) -> None:
        self.end = asyncio.Event()

    async def __call__(self, work: Work) -> None:
        await self.end.wait()


async def fail_for_want_of_a_store(work: Work) -> None:
    raise AWAY


@asynccontextmanager
async def dispatching(
    worker: FakeWorker, *event_ids: str, in_flight_max: int = 3, jobs: FakeWorker | None = None
) -> AsyncIterator[tuple[Dispatcher, FairQueue]]:
    """Run a dispatcher over events that wait."""
    queue = FairQueue(waiting_max=1_000)
    for event_id in event_ids:
        queue.put(Work(tenant_id="ten_1", event_id=event_id), NOW_MS)
    dispatcher = Dispatcher(
        queue,
        worker,
        jobs or worker,
        is_finishing=worker.finishing.__contains__,
        clock=FakeClock(),
        in_flight_max=in_flight_max,
        swept_claims_max=SWEPT_CLAIMS_MAX,
    )
    running = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher, queue
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        async with asyncio.timeout(5):
            await dispatcher.drain(0)


async def test_no_more_events_are_in_work_than_may_be() -> None:
    hanging = Hanging()
    worker = FakeWorker(hanging)
    names = [f"evt_{number}" for number in range(7)]
    async with dispatching(worker, *names) as (dispatcher, _):
        await until(lambda: len(worker.begun) == 3)
        assert dispatcher.in_flight == 3
        hanging.end.set()
        await until(lambda: worker.ended == names)
        assert dispatcher.in_flight == 0


async def test_of_what_was_swept_only_some_are_in_a_claim_and_nobody_else_waits_for_them() -> None:
    hanging = Hanging()
    worker = FakeWorker(hanging)
    swept = [f"evt_{number}" for number in range(2 * SWEPT_CLAIMS_MAX)]
    async with dispatching(worker, in_flight_max=1_000) as (dispatcher, queue):
        for name in swept:
            queue.put(Work(tenant_id="ten_1", event_id=name, is_swept=True), NOW_MS)
        await until(lambda: dispatcher.in_flight == SWEPT_CLAIMS_MAX)
        queue.put(Work(tenant_id="ten_1", event_id="evt_hinted"), NOW_MS)
        await until(lambda: worker.begun[-1][0] == "evt_hinted")
        assert dispatcher.in_flight == SWEPT_CLAIMS_MAX + 1
        hanging.end.set()
        await until(lambda: sorted(worker.ended) == sorted([*swept, "evt_hinted"]))


async def test_a_claim_that_is_decided_makes_room_for_one_more_although_the_event_is_in_work() -> (
    None
):
    deciding, undecided = Hanging(), Hanging()

    async def claim(work: Work) -> None:
        if work.event_id.startswith("evt_undecided"):
            await undecided(work)
        assert work.claimed is not None
        work.claimed()
        await deciding(work)

    def put(queue: FairQueue, name: str) -> None:
        for number in range(2 * SWEPT_CLAIMS_MAX):
            event_id = f"evt_{name}_{number}"
            queue.put(Work(tenant_id="ten_1", event_id=event_id, is_swept=True), NOW_MS)

    async with dispatching(FakeWorker(claim), in_flight_max=1_000) as (dispatcher, queue):
        put(queue, "decided")
        await until(lambda: dispatcher.in_flight == 2 * SWEPT_CLAIMS_MAX)
        deciding.end.set()
        await until(lambda: dispatcher.in_flight == 0)
        put(queue, "undecided")  # what was done makes no room a second time
        await until(lambda: dispatcher.in_flight == SWEPT_CLAIMS_MAX)
        await asyncio.sleep(0)
        assert dispatcher.in_flight == SWEPT_CLAIMS_MAX
        undecided.end.set()
        await until(lambda: dispatcher.in_flight == 0)


async def test_an_event_may_come_again_once_it_is_done() -> None:
    hanging = Hanging()
    work = Work(tenant_id="ten_1", event_id="evt_1")
    async with dispatching(FakeWorker(hanging), "evt_1") as (dispatcher, queue):
        await until(lambda: dispatcher.in_flight == 1)
        assert not queue.put(work, NOW_MS)
        hanging.end.set()
        await until(lambda: dispatcher.in_flight == 0)
        assert queue.put(work, NOW_MS)


async def test_an_event_that_fails_ends_nothing_is_said_once_and_left_alone_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail_the_first(work: Work) -> None:
        if work.event_id == "evt_1":
            raise RuntimeError("a bug")

    worker = FakeWorker(fail_the_first)
    async with dispatching(worker, "evt_1", "evt_2", in_flight_max=1) as (_, queue):
        await until(lambda: worker.ended == ["evt_2"])
        again = Work(tenant_id="ten_1", event_id="evt_1")
        assert not queue.put(again, NOW_MS + PUT_ASIDE_MS - 1)
        [said] = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert queue.put(again, NOW_MS + PUT_ASIDE_MS)
    assert vars(said)["fields"] == {"tenant_id": "ten_1", "event_id": "evt_1"}
    assert said.exc_info


@pytest.mark.parametrize("error", [AWAY, ValueError("test")])
async def test_a_claim_that_fails_keeps_no_message_from_being_deleted(error: Exception) -> None:
    decided: list[str] = []

    async def fail(work: Work) -> None:
        assert not decided
        raise error

    async with dispatching(FakeWorker(fail)) as (_, queue):
        claimed = partial(decided.append, "evt_1")
        queue.put(Work(tenant_id="ten_1", event_id="evt_1", claimed=claimed), NOW_MS)
        await until(lambda: decided)
    assert decided == ["evt_1"]


async def test_it_is_dead_when_an_event_is_in_work_for_longer_than_any_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, first, second = FakeClock(), Hanging(), Hanging()
    monkeypatch.setattr("worker.dispatcher.time", clock)

    async def hang(work: Work) -> None:
        await (first(work) if work.event_id == "evt_1" else second(work))

    async with dispatching(FakeWorker(hang), "evt_1") as (dispatcher, queue):
        alive = [dispatcher.is_alive()]
        await until(lambda: dispatcher.in_flight == 1)
        clock.advance(WORK_SECONDS_MAX - 1)
        queue.put(Work(tenant_id="ten_1", event_id="evt_2"), NOW_MS)
        await until(lambda: dispatcher.in_flight == 2)
        alive.append(dispatcher.is_alive())
        clock.advance(1)
        alive.append(dispatcher.is_alive())
        first.end.set()
        await until(lambda: dispatcher.in_flight == 1)
        alive.append(dispatcher.is_alive())
    assert alive == [True, True, False, True]


async def test_f31_while_the_store_is_away_events_are_taken_ever_more_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatcher_module, "STORE_PAUSE_SECONDS_FIRST", 0.02)
    monkeypatch.setattr(dispatcher_module, "STORE_PAUSE_SECONDS_MAX", 0.08)
    worker = FakeWorker(fail_for_want_of_a_store)
    names = [f"evt_{number}" for number in range(9)]
    async with dispatching(worker, *names, in_flight_max=1):
        await until(lambda: len(worker.begun) == len(names))
    moments = [moment for _, moment in worker.begun]
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert min(pauses) >= 0.9 * 0.02
    assert max(pauses) >= 0.9 * 0.08


async def test_f27_a_store_that_is_back_is_used_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher_module, "STORE_PAUSE_SECONDS_FIRST", 3_600.0)
    slow = Hanging()

    async def fail_but_for_the_slow(work: Work) -> None:
        await (slow(work) if work.event_id == "slow" else asyncio.sleep(0))
        if work.event_id == "fails":
            raise AWAY

    worker = FakeWorker(fail_but_for_the_slow)
    async with dispatching(worker, "slow", "fails", "evt_1", "evt_2", in_flight_max=2) as (d, _):
        await until(lambda: d.in_flight == 1)
        slow.end.set()
        await until(lambda: worker.ended == ["slow", "evt_1", "evt_2"])


async def test_f12_a_drain_waits_for_what_is_in_work() -> None:
    hanging = Hanging()
    worker = FakeWorker(hanging)
    async with dispatching(worker, "evt_1", "evt_2") as (dispatcher, _):
        await until(lambda: dispatcher.in_flight == 2)
        draining = asyncio.create_task(dispatcher.drain(60))
        hanging.end.set()
        await draining
        assert sorted(worker.ended) == ["evt_1", "evt_2"]


async def test_f13_a_drain_breaks_off_what_hangs_and_lets_it_write() -> None:
    written = []

    async def hang_and_write(work: Work) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            written.append(work.event_id)

    worker = FakeWorker(hang_and_write)
    async with dispatching(worker, "evt_1", "evt_2") as (dispatcher, _):
        await until(lambda: dispatcher.in_flight == 2)
        await dispatcher.drain(0.01)
        assert sorted(written) == ["evt_1", "evt_2"]
        assert dispatcher.in_flight == 0


async def test_f12_a_drain_lets_what_is_at_its_finish_go_on_to_its_end() -> None:
    hanging = Hanging()

    async def finish_or_hang(work: Work) -> None:
        if work.event_id == "finishing":
            worker.finishing.add(asyncio.current_task())
        await hanging(work)

    worker = FakeWorker(finish_or_hang)
    async with dispatching(worker, "finishing", "other") as (dispatcher, _):
        await until(lambda: dispatcher.in_flight == 2)
        draining = asyncio.create_task(dispatcher.drain(0))
        await until(lambda: dispatcher.in_flight == 1)
        hanging.end.set()
        await draining
        assert worker.ended == ["finishing"]


async def test_a_drain_with_nothing_in_work_is_over_at_once() -> None:
    async with dispatching(FakeWorker(Hanging())) as (dispatcher, _), asyncio.timeout(1):
        await dispatcher.drain(60)


async def test_a_job_is_carried_by_who_knows_jobs() -> None:
    async def carry(work: Work) -> None:
        return

    events, jobs = FakeWorker(carry), FakeWorker(carry)
    async with dispatching(events, "evt_1", "job_1", jobs=jobs):
        await until(lambda: events.ended and jobs.ended)
    assert (events.ended, jobs.ended) == (["evt_1"], ["job_1"])
