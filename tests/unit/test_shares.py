"""What a process holds of a bucket: leases in the background, credit meanwhile, and a store that fails."""

import asyncio

import pytest

from tests.factories import NOW_MS, FakeClock
from tests.fakes import FakeBuckets
from triggers import shares
from triggers.errors import StoreRefused, StoreUnavailable
from triggers.rate_limits import Bucket, RateLimit, Refusal, Span, take
from triggers.shares import CONFLICTS_MAX, PAUSE_SECONDS, Share

TENANT = "ten_1"
LIMIT = RateLimit(per_second=100, burst=200)  # blocks of 10
FAILURE = StoreUnavailable("PutItem bucket")


@pytest.fixture
def store() -> FakeBuckets:
    return FakeBuckets()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def share(store: FakeBuckets, clock: FakeClock) -> Share:
    return Share(store, TENANT, monotonic=clock.monotonic)


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the calls that were counted as let through without a limit."""
    counted: list[int] = []
    monkeypatch.setattr("triggers.shares.calls_unlimited.add", counted.append)
    return counted


async def leased(share: Share) -> None:
    """Wait for the lease that is under way."""
    assert share.lease is not None
    await share.lease


async def passes(share: Share, calls: int = 1, now_ms: int = NOW_MS) -> bool:
    return await share.take(calls, now_ms, LIMIT) is None


def used(store: FakeBuckets) -> int:
    return store.buckets[TENANT, None].day_used


async def test_the_first_call_goes_on_credit_and_a_block_is_leased_behind_it(
    share: Share, store: FakeBuckets
) -> None:
    assert await passes(share)
    assert (share.in_hand, store.calls["write"]) == (-1, 0)
    await leased(share)
    assert (share.in_hand, used(store)) == (9, 10)


async def test_what_is_in_hand_is_taken_without_asking_the_store(
    share: Share, store: FakeBuckets
) -> None:
    await passes(share)
    await leased(share)
    assert all([await passes(share) for _ in range(9)])
    assert (share.in_hand, share.lease, store.calls["write"]) == (0, None, 1)


async def test_credit_is_a_block_and_who_finds_it_used_up_waits_for_the_lease(
    share: Share, store: FakeBuckets
) -> None:
    store.gate.clear()
    assert all([await passes(share) for _ in range(10)])
    waiting = asyncio.create_task(passes(share, 4))
    await asyncio.sleep(0)
    assert not waiting.done()
    store.gate.set()
    assert await waiting
    assert used(store) + share.in_hand * -1 == 14


async def test_what_is_waited_for_is_leased_at_once_and_in_order(
    share: Share, store: FakeBuckets
) -> None:
    store.gate.clear()
    assert await passes(share, 10)
    waiting = [asyncio.create_task(passes(share, calls)) for calls in (100, 60, 60, 20)]
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(*waiting) == [True, True, False, True]
    assert used(store) == 190
    assert store.calls["write"] <= 3


async def test_what_is_owed_is_leased_together_with_what_is_waited_for(
    share: Share, store: FakeBuckets
) -> None:
    share.in_hand = -7
    assert await passes(share, 100)
    assert (used(store), store.calls["write"]) == (107, 1)


async def test_what_the_known_bucket_refuses_is_refused_without_asking_the_store(
    share: Share, store: FakeBuckets
) -> None:
    assert await passes(share, 200)
    writes = store.calls["write"]
    refusals = [await share.take(1, NOW_MS, LIMIT) for _ in range(50)]
    assert set(map(str, refusals)) == {str(Refusal(span=Span.SECOND, retry_ms=100))}
    assert store.calls["write"] == writes
    assert await passes(share, 10, NOW_MS + 100)


async def test_what_others_have_used_is_learned_with_the_first_lease(
    share: Share, store: FakeBuckets
) -> None:
    full = take(Bucket(), 200, NOW_MS, LIMIT)
    assert isinstance(full, Bucket)
    store.buckets[TENANT, None] = full
    assert await passes(share)  # on credit: nothing is known yet
    await leased(share)
    assert await share.take(1, NOW_MS, LIMIT) is not None
    assert (share.in_hand, used(store)) == (-1, 200)


async def test_a_debt_is_paid_before_anything_else(share: Share, store: FakeBuckets) -> None:
    full = take(Bucket(), 200, NOW_MS, LIMIT)
    assert isinstance(full, Bucket)
    store.buckets[TENANT, None] = full
    assert await passes(share, 10)
    await leased(share)
    assert not await passes(share, 1, NOW_MS + 100)
    await leased(share)
    assert (share.in_hand, used(store)) == (0, 210)
    assert await passes(share, 1, NOW_MS + 200)


async def test_a_call_as_large_as_the_burst_gets_through_though_there_was_a_debt(
    share: Share,
) -> None:
    share.in_hand = -5
    assert not await passes(share, 200)
    await leased(share)
    assert await passes(share, 200, NOW_MS + 2_000)


@pytest.mark.parametrize("conflicts", [1, CONFLICTS_MAX - 1])
async def test_a_lease_begins_anew_from_what_another_has_written(
    share: Share, store: FakeBuckets, conflicts: int
) -> None:
    store.conflicts = conflicts
    assert await passes(share)
    await leased(share)
    assert (share.in_hand, store.calls["write"]) == (9, conflicts + 1)


async def test_a_lease_gives_up_after_so_many_conflicts(share: Share, store: FakeBuckets) -> None:
    store.conflicts = 100
    assert await passes(share)
    await leased(share)
    assert (share.in_hand, store.calls["write"]) == (-1, CONFLICTS_MAX)


@pytest.mark.parametrize("error", [FAILURE, StoreRefused("no such table")])
async def test_a_store_that_fails_refuses_nobody_and_is_asked_once_a_pause(
    share: Share,
    store: FakeBuckets,
    clock: FakeClock,
    unlimited: list[int],
    error: StoreUnavailable | StoreRefused,
) -> None:
    store.failing = error
    assert await passes(share)
    await leased(share)
    for _ in range(500):
        assert await passes(share)
        await asyncio.sleep(0)
    assert (store.calls["write"], sum(unlimited), share.in_hand) == (1, 500, -1)

    clock.advance(PAUSE_SECONDS)
    assert all([await passes(share) for _ in range(5)])
    await leased(share)
    assert all([await passes(share) for _ in range(5)])
    assert (store.calls["write"], sum(unlimited)) == (2, 510)


async def test_with_the_store_back_the_limit_is_enforced_again(
    share: Share, store: FakeBuckets, clock: FakeClock, unlimited: list[int]
) -> None:
    store.failing = FAILURE
    assert await passes(share)
    await leased(share)
    store.failing = None
    clock.advance(PAUSE_SECONDS)
    assert await passes(share)
    await leased(share)
    assert share.in_hand == 9
    results = [await passes(share) for _ in range(300)]
    await asyncio.sleep(0)
    assert 199 - 10 <= sum(results) <= 199 + 10
    assert unlimited == [1]


async def test_who_waits_for_a_store_that_hangs_is_let_through_soon_and_those_after_at_once(
    share: Share, store: FakeBuckets, unlimited: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "WAIT_SECONDS", 0.01)
    store.gate.clear()
    assert await passes(share, 10)
    waiting = [asyncio.create_task(passes(share)) for _ in range(20)]
    assert all(await asyncio.gather(*waiting))
    assert all([await passes(share) for _ in range(20)])
    assert (store.calls["write"], sum(unlimited)) == (1, 40)
    store.gate.set()
    await leased(share)
    assert share.in_hand == 0


async def test_what_is_known_to_be_used_up_stays_refused_while_the_store_is_away(
    share: Share, store: FakeBuckets, unlimited: list[int]
) -> None:
    assert await passes(share, 200)
    store.failing = FAILURE
    assert not await passes(share)
    assert not unlimited


async def test_a_changed_limit_counts_with_the_next_call(share: Share) -> None:
    assert await passes(share, 200)
    assert await share.take(11, NOW_MS + 100, LIMIT) is not None
    assert await share.take(11, NOW_MS + 100, RateLimit(per_second=1_000, burst=2_000)) is None


async def test_a_caller_who_leaves_while_waiting_takes_nothing(
    share: Share, store: FakeBuckets
) -> None:
    store.gate.clear()
    assert await passes(share, 10)
    waiting = asyncio.create_task(passes(share, 100))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    store.gate.set()
    await leased(share)
    assert (share.in_hand, used(store)) == (0, 10)
    assert await passes(share)
    await leased(share)
    assert (share.in_hand, used(store)) == (9, 20)
