"""The loop over the due index: who sweeps which shard, how far, and through which failures."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from statistics import mean
from typing import Any

import pytest

from tests.factories import NOW_MS, FakeClock, make_event
from tests.fakes import FakeEvents, FakeShardLeases
from tests.processes import until
from triggers.errors import StoreUnavailable
from triggers.ids import DUE_SHARDS, due_shard_of
from triggers.ports import DueEvent
from worker.fair_queue import FairQueue, Work
from worker.health import Pulse
from worker.sweeper import FAILURES_MAX, PAGE_MAX, PAGES_MAX, Sweeper

AWAY = StoreUnavailable("test")
LEASE_SECONDS = 10
SHARD = "07"
MINUTES_MS = 5 * 60_000


class Sweeping:
    """Sweepers over one due index, each with a queue of its own."""

    def __init__(self, waiting_max: int = 100_000) -> None:
        self.clock = FakeClock()
        self.index = FakeEvents()
        self.leases = FakeShardLeases()
        self.queues: dict[str, FairQueue] = {}
        self._waiting_max = waiting_max

    def sweeper(self, owner: str, random: Callable[[], float] = lambda: 0.5) -> Sweeper:
        self.queues[owner] = FairQueue(waiting_max=self._waiting_max)
        return Sweeper(
            self.index,
            self.leases,
            self.queues[owner],
            owner=owner,
            clock=self.clock,
            pulse=Pulse(),
            sweep_seconds=0.001,
            lease_seconds=LEASE_SECONDS,
            random=random,
        )

    async def accept(self, count: int, *, tenant_id: str = "ten_1", due_ms: int = NOW_MS) -> None:
        for _ in range(count):
            await self.index.insert(tenant_id, make_event(), due_ms=due_ms, expires_s=0)

    async def accept_in_one_shard(self, count: int, *, tenant_id: str = "ten_1") -> list[str]:
        """Accept events, due one after the other; `{}` in the tenant makes each another's."""
        names: list[str] = []
        while len(names) < count:
            event = make_event()
            if due_shard_of(event.event_id) == SHARD:
                due_ms = NOW_MS - count + len(names)
                owner = tenant_id.format(len(names))
                await self.index.insert(owner, event, due_ms=due_ms, expires_s=0)
                names.append(event.event_id)
        return names

    def held_by(self, owner: str) -> set[str]:
        return {shard for shard, (holder, _) in self.leases.holders.items() if holder == owner}

    async def queued(self, owner: str) -> list[str]:
        """Take all that was queued, of both kinds."""
        queue, names = self.queues[owner], []
        for is_swept in (False, True):
            with suppress(KeyError):
                while True:
                    names.append(queue.take(is_swept=is_swept).event_id)
        return names


@pytest.mark.parametrize("failing", [None, AWAY], ids=["with leases", "f22 without leases"])
async def test_everything_that_is_due_is_queued_and_nothing_else(
    failing: StoreUnavailable | None,
) -> None:
    sweeping = Sweeping()
    sweeping.leases.failing = failing
    await sweeping.accept(50)
    due = sorted(event_id for _, event_id in sweeping.index.records)
    await sweeping.accept(50, due_ms=NOW_MS + 1)
    await sweeping.sweeper("one").sweep()
    assert sorted(await sweeping.queued("one")) == due


async def test_each_shard_is_swept_by_one_of_two() -> None:
    sweeping = Sweeping()
    await sweeping.accept(100)
    one, two = sweeping.sweeper("one"), sweeping.sweeper("two")
    await asyncio.gather(one.sweep(), two.sweep())
    assert sweeping.held_by("one") | sweeping.held_by("two") == set(DUE_SHARDS)
    names = await sweeping.queued("one") + await sweeping.queued("two")
    assert len(names) == len(set(names)) == 100


async def test_nobody_asks_for_a_shard_whose_lease_it_knows() -> None:
    sweeping = Sweeping()
    one, two = sweeping.sweeper("one"), sweeping.sweeper("two")
    for _ in range(3):
        await one.sweep()
        await two.sweep()
    assert sweeping.leases.calls["take"] == 2 * len(DUE_SHARDS)


async def test_f49_the_shards_of_a_dead_worker_are_taken_over_when_its_leases_end() -> None:
    sweeping = Sweeping()
    await sweeping.sweeper("dead").sweep()
    await sweeping.accept(20)
    alive = sweeping.sweeper("alive")
    await alive.sweep()
    assert await sweeping.queued("alive") == []
    sweeping.clock.advance(LEASE_SECONDS + 0.001)
    await alive.sweep()
    assert sweeping.held_by("alive") == set(DUE_SHARDS)
    assert len(await sweeping.queued("alive")) == 20


async def test_a_shard_that_was_ours_and_is_now_anothers_is_not_swept() -> None:
    sweeping = Sweeping()
    slow, quick = sweeping.sweeper("slow"), sweeping.sweeper("quick")
    await slow.sweep()
    sweeping.clock.advance(LEASE_SECONDS + 0.001)
    await quick.sweep()
    await sweeping.accept(20)
    await slow.sweep()
    assert await sweeping.queued("slow") == []


async def test_the_shards_of_a_worker_that_stops_are_free_at_once() -> None:
    sweeping = Sweeping()
    stopping = sweeping.sweeper("stopping")
    await stopping.sweep()
    await stopping.release()
    await sweeping.sweeper("other").sweep()
    assert sweeping.held_by("other") == set(DUE_SHARDS)


async def test_a_release_that_fails_is_left_to_the_leases() -> None:
    sweeping = Sweeping()
    sweeper = sweeping.sweeper("one")
    await sweeper.sweep()
    sweeping.leases.failing = AWAY
    await sweeper.release()
    assert sweeping.leases.calls["release"] == len(DUE_SHARDS)


async def test_it_reads_on_while_pages_are_full() -> None:
    sweeping = Sweeping()
    names = await sweeping.accept_in_one_shard(3 * PAGE_MAX)
    await sweeping.sweeper("one").sweep()
    assert await sweeping.queued("one") == names
    assert sweeping.index.calls["read_due"] == 4 + len(DUE_SHARDS) - 1


async def test_it_reads_no_further_when_there_is_no_room() -> None:
    sweeping = Sweeping(waiting_max=2 * PAGE_MAX - 1)
    names = await sweeping.accept_in_one_shard(5 * PAGE_MAX, tenant_id="ten_{}")
    await sweeping.sweeper("one").sweep()
    assert await sweeping.queued("one") == names[:PAGE_MAX]


async def test_what_has_just_become_due_is_found_soon_though_a_long_backlog_stands_before_it() -> (
    None
):
    sweeping = Sweeping(waiting_max=2_000)
    await sweeping.accept_in_one_shard(20 * PAGE_MAX)
    sweeper = sweeping.sweeper("one")
    await sweeper.sweep()  # its tenant has its share waiting
    [behind] = await sweeping.accept_in_one_shard(1, tenant_id="ten_2")
    sweeping.clock.advance(1)
    for _ in range(2):
        await sweeper.sweep()
    assert behind in await sweeping.queued("one")


async def test_a_backlog_of_which_its_tenant_has_enough_waiting_is_read_on_by_a_page_a_round() -> (
    None
):
    sweeping = Sweeping(waiting_max=4 * PAGE_MAX)
    await sweeping.accept_in_one_shard(4 * PAGE_MAX)
    [behind] = await sweeping.accept_in_one_shard(1, tenant_id="ten_2")  # as early as the others
    await sweeping.accept_in_one_shard(2 * PAGE_MAX)
    sweeper, reads = sweeping.sweeper("one"), sweeping.index.calls
    seen = []
    for _ in range(4):
        before = reads["read_due"]
        await sweeper.sweep()
        seen.append(reads["read_due"] - before - (len(DUE_SHARDS) - 1))
    assert seen == [2, 1, 1, 1]  # a page that is of use and one that is not, then by turns the ends
    assert behind in await sweeping.queued("one")


async def test_a_backlog_in_front_hides_nobody_behind_it() -> None:
    sweeping = Sweeping(waiting_max=2_000)
    await sweeping.accept_in_one_shard(3 * PAGES_MAX * PAGE_MAX)
    [behind] = await sweeping.accept_in_one_shard(1, tenant_id="ten_2")
    sweeping.clock.advance(1)
    sweeper, queue = sweeping.sweeper("one"), sweeping.queues["one"]
    carried: list[str] = []
    for _ in range(4):
        await sweeper.sweep()
        carried += [queue.take(is_swept=True).event_id for _ in range(2)]
    assert behind in carried


async def test_an_event_that_somebody_else_works_on_is_skipped_until_that_lease_ends() -> None:
    sweeping = Sweeping()
    [name] = await sweeping.accept_in_one_shard(1)
    sweeper = sweeping.sweeper("one")
    sweeping.queues["one"].leave_alone(name, NOW_MS + 5_000)
    await sweeper.sweep()
    assert await sweeping.queued("one") == []
    sweeping.clock.advance(5)
    await sweeper.sweep()
    assert await sweeping.queued("one") == [name]
    assert not sweeping.queues["one"]._left_alone


async def test_f28_a_stale_page_queues_an_event_that_is_known_only_once() -> None:
    sweeping = Sweeping()
    [name] = await sweeping.accept_in_one_shard(1)
    sweeper = sweeping.sweeper("one")
    sweeping.queues["one"].put(Work(tenant_id="ten_1", event_id=name), NOW_MS)
    await sweeper.sweep()
    assert await sweeping.queued("one") == [name]


async def test_f22_a_failing_store_does_not_end_the_loop() -> None:
    sweeping = Sweeping()
    sweeping.index.failing_calls["read_due"] = AWAY
    sweeper = sweeping.sweeper("one")
    running = asyncio.create_task(sweeper.run())
    await until(lambda: sweeping.index.calls["read_due"] > 2 * FAILURES_MAX)
    sweeping.index.failing_calls.clear()
    await sweeping.accept(10)
    await until(lambda: sweeping.queues["one"].waiting == 10)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_without_room_the_other_end_is_not_read_either() -> None:
    sweeping = Sweeping(waiting_max=2 * PAGE_MAX)
    await sweeping.accept_in_one_shard(3 * PAGE_MAX)
    sweeper, queue = sweeping.sweeper("one"), sweeping.queues["one"]
    await sweeper.sweep()  # the tenant has its share, and the last page brought nothing
    for number in range(PAGE_MAX):
        work = Work(tenant_id=f"ten_{number + 2}", event_id=f"evt_{number}", is_swept=True)
        queue.put(work, NOW_MS)
    before = sweeping.index.calls["read_due"]
    await sweeper.sweep()
    assert sweeping.index.calls["read_due"] == before


async def test_a_worker_without_room_takes_no_shards() -> None:
    sweeping = Sweeping(waiting_max=2)
    sweeper, queue = sweeping.sweeper("full"), sweeping.queues["full"]
    for number in range(2):
        queue.put(Work(tenant_id=f"ten_{number}", event_id=f"evt_{number}", is_swept=True), NOW_MS)
    await sweeper.sweep()
    assert sweeping.held_by("full") == set()
    queue.take(is_swept=True)
    await sweeper.sweep()
    assert sweeping.held_by("full") == set(DUE_SHARDS)


@pytest.mark.parametrize(("random", "seconds"), [(0.0, 5), (0.5, 7.5), (0.999, 9.995)])
async def test_a_lease_lasts_half_to_the_whole_of_its_time(random: float, seconds: float) -> None:
    sweeping = Sweeping()
    await sweeping.sweeper("one", lambda: random).sweep()
    ends = {ends_ms for _, ends_ms in sweeping.leases.holders.values()}
    assert ends == {NOW_MS + int(seconds * 1_000)}


@pytest.mark.parametrize("phase_ms", [1, 100, 500, 999])
async def test_shards_spread_over_two_workers_whoever_started_first(phase_ms: int) -> None:
    sweeping, numbers = Sweeping(), Random(phase_ms)
    sweepers = {name: sweeping.sweeper(name, numbers.random) for name in ("one", "two")}
    ticks = {"one": NOW_MS, "two": NOW_MS + phase_ms}
    moments: list[Counter[str]] = []
    while sweeping.clock.now_ms < NOW_MS + MINUTES_MS:
        name = min(ticks, key=lambda each: ticks[each])
        sweeping.clock.now_ms = ticks[name]
        await sweepers[name].sweep()
        ticks[name] += int(1_000 * (0.75 + numbers.random() / 2))
        leases = sweeping.leases.holders.values()
        moments.append(Counter(who for who, ends_ms in leases if ends_ms > sweeping.clock.now_ms))
    for name in sweepers:
        assert mean(held[name] for held in moments) > 0.2 * len(DUE_SHARDS)
        assert mean(held[name] >= 2 for held in moments) > 0.9
    assert mean(held.total() for held in moments) > 0.95 * len(DUE_SHARDS)


class ThrottledIndex(FakeEvents):
    """A due index that fails for some shards."""

    def __init__(self, *failing: str) -> None:
        super().__init__()
        self._failing_shards = failing

    async def read_due(self, due_shard: str, **wanted: Any) -> list[DueEvent]:
        page = await super().read_due(due_shard, **wanted)
        if due_shard in self._failing_shards:
            raise AWAY
        return page


async def test_f24_the_other_shards_are_swept_although_one_fails() -> None:
    sweeping = Sweeping()
    sweeping.index = ThrottledIndex(SHARD)
    await sweeping.accept(40)
    with pytest.raises(StoreUnavailable):
        await sweeping.sweeper("one").sweep()
    others = [name for _, name in sweeping.index.records if due_shard_of(name) != SHARD]
    assert sorted(await sweeping.queued("one")) == sorted(others)


async def test_f31_a_store_that_fails_for_all_is_asked_twice_in_a_round() -> None:
    sweeping = Sweeping()
    sweeping.index = ThrottledIndex(*DUE_SHARDS)
    with pytest.raises(StoreUnavailable):
        await sweeping.sweeper("one").sweep()
    assert sweeping.index.calls["read_due"] == FAILURES_MAX


async def test_every_shard_has_its_turn_when_there_is_more_than_room() -> None:
    sweeping = Sweeping(waiting_max=1)
    await sweeping.accept(200)
    sweeper = sweeping.sweeper("one")
    shards = set()
    for _ in DUE_SHARDS:
        await sweeper.sweep()
        shards |= {due_shard_of(name) for name in await sweeping.queued("one")}
    assert shards == set(DUE_SHARDS)


async def test_f26_a_long_round_over_a_slow_store_is_no_dead_loop() -> None:
    sweeping = Sweeping()
    await sweeping.accept_in_one_shard(2 * PAGE_MAX)
    sweeper = sweeping.sweeper("one")
    beats: list[int] = []
    sweeper._pulse.beat = lambda: beats.append(1)  # type: ignore[method-assign]
    await sweeper.sweep()
    assert len(beats) == sweeping.index.calls["read_due"] + sweeping.leases.calls["take"]
