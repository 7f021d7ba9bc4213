"""Who is let in by the limits of a key and its tenant, in one process and in two that share them."""

from typing import Any

import pytest

from tests.factories import NOW_MS, FakeClock, make_key, make_tenant
from tests.fakes import FakeBuckets
from triggers.admission import Admission, RateLimits
from triggers.api_keys import ApiKey
from triggers.rate_limits import RateLimit, Standing
from triggers.tenants import Tenant, Tier


@pytest.fixture
def store() -> FakeBuckets:
    return FakeBuckets()


@pytest.fixture
def limits(store: FakeBuckets) -> RateLimits:
    return RateLimits(store)


def make_caller(own: RateLimit | None = None, key: int | None = None) -> tuple[Tenant, ApiKey]:
    """Make a tenant, of the free tier or with a limit of its own, and a key with or without one."""
    values: dict[str, Any] = {"tier": Tier.ENTERPRISE, "rate_limit": own} if own else {}
    tenant = make_tenant(**values)
    return tenant, make_key(tenant.tenant_id, rate_limit=key)[0]


async def admitted(
    limits: RateLimits, caller: tuple[Tenant, ApiKey], calls: int, now_ms: int = NOW_MS
) -> int:
    """Make so many calls one after the other; returns how many were let in."""
    answers = [await limits.admit(*caller, 1, now_ms) for _ in range(calls)]
    return sum(answer.refused is None for answer in answers)


def text_of(admission: Admission) -> str:
    assert admission.refused is not None
    return admission.refused.detail


async def test_a_free_tenant_may_make_its_burst_and_is_told_how_it_stands(
    limits: RateLimits,
) -> None:
    caller = make_caller()
    first = await limits.admit(*caller, 1, NOW_MS)
    assert first == Admission(standing=Standing(limit=100, remaining=100, reset_seconds=0))
    assert await admitted(limits, caller, 139) == 139
    then = await limits.admit(*caller, 1, NOW_MS)
    assert then.standing == Standing(limit=100, remaining=59, reset_seconds=1)


async def test_a_refused_call_says_which_limit_when_to_come_again_and_what_to_do(
    limits: RateLimits,
) -> None:
    caller = make_caller(RateLimit(per_second=100, burst=200))
    await limits.admit(*caller, 200, NOW_MS)
    over = await limits.admit(*caller, 1, NOW_MS)
    assert text_of(over) == (
        "The tenant may make 100 calls a second, 200 at once; wait for 1 s, then call more slowly"
    )
    assert over.refused is not None
    assert over.refused.retry_after_seconds == 1
    assert over.standing == Standing(limit=100, remaining=0, reset_seconds=1)


@pytest.mark.parametrize(
    ("own", "text", "seconds"),
    [
        (
            RateLimit(per_second=100, burst=200, per_day=200),
            "The tenant may make 200 calls a day; they begin anew at midnight UTC",
            66_660,
        ),
        (
            RateLimit(per_second=100, burst=200, per_month=200),
            "The tenant may make 200 calls a month; they begin anew with the next, in UTC",
            757_860,
        ),
    ],
)
async def test_a_used_up_quota_refuses_until_its_end(
    limits: RateLimits, own: RateLimit, text: str, seconds: int
) -> None:
    caller = make_caller(own)
    await limits.admit(*caller, 200, NOW_MS)
    over = await limits.admit(*caller, 1, NOW_MS + 1)
    assert text_of(over) == text
    assert over.refused is not None
    assert over.refused.retry_after_seconds == seconds
    assert over.standing == Standing(limit=100, remaining=0, reset_seconds=seconds)


async def test_the_lower_of_the_keys_and_the_tenants_limit_counts(limits: RateLimits) -> None:
    tenant, low = make_caller(key=5)
    other, _ = make_key(tenant.tenant_id)
    answer = await limits.admit(tenant, low, 1, NOW_MS)
    assert answer.standing == Standing(limit=5, remaining=5, reset_seconds=0)
    assert 9 <= await admitted(limits, (tenant, low), 50) <= 10
    over = await limits.admit(tenant, low, 1, NOW_MS)
    assert text_of(over).startswith("The key may make 5 calls a second, 10 at once")
    assert over.standing.remaining == 0
    assert (await limits.admit(tenant, other, 1, NOW_MS)).standing.limit == 100


async def test_a_caller_with_two_limits_is_told_what_it_may_do_within_both(
    limits: RateLimits,
) -> None:
    tenant, low = make_caller(RateLimit(per_second=100, burst=200, per_day=210), key=20)
    other, _ = make_key(tenant.tenant_id)
    await limits.admit(tenant, other, 190, NOW_MS)
    within_both = Standing(limit=20, remaining=19, reset_seconds=66_658)
    assert (await limits.admit(tenant, low, 1, NOW_MS + 2_000)).standing == within_both
    most = await limits.admit(
        tenant, make_key(tenant.tenant_id, rate_limit=9)[0], 1, NOW_MS + 2_000
    )
    assert most.standing == Standing(limit=9, remaining=9, reset_seconds=0)


async def test_a_call_that_one_of_the_limits_refuses_takes_nothing_from_the_other(
    limits: RateLimits, store: FakeBuckets
) -> None:
    tenant, low = make_caller(RateLimit(per_second=100, burst=200), key=20)
    other, _ = make_key(tenant.tenant_id)
    await limits.admit(tenant, low, 40, NOW_MS)
    for _ in range(20):
        assert (await limits.admit(tenant, low, 40, NOW_MS)).refused is not None
    assert (await limits.admit(tenant, other, 160, NOW_MS)).refused is None


async def test_a_bulk_call_is_let_in_whole_or_not_at_all(limits: RateLimits) -> None:
    caller = make_caller()
    assert (await limits.admit(*caller, 150, NOW_MS)).refused is None
    over = await limits.admit(*caller, 100, NOW_MS)
    assert over.refused is not None
    assert over.standing.remaining == 50
    assert (await limits.admit(*caller, 50, NOW_MS)).refused is None


async def test_a_bulk_call_larger_than_the_burst_is_told_that_it_never_will_be_let_in(
    limits: RateLimits, store: FakeBuckets
) -> None:
    caller = make_caller(key=20)
    over = await limits.admit(*caller, 40, NOW_MS, counted=1)
    assert text_of(over) == (
        "The call counts as 41 and the key may make 40 at once, so it will never be let through: "
        "send fewer items in one call"
    )
    assert over.standing.remaining == 20
    assert not store.buckets


async def test_tenants_do_not_share_anything(limits: RateLimits) -> None:
    flooding, quiet = make_caller(), make_caller()
    assert await admitted(limits, flooding, 1_000) <= 210
    answer = await limits.admit(*quiet, 1, NOW_MS)
    assert answer == Admission(standing=Standing(limit=100, remaining=100, reset_seconds=0))


async def test_only_so_many_shares_are_kept_and_the_longest_unused_go_first(
    store: FakeBuckets,
) -> None:
    limits = RateLimits(store, shares_max=2)
    kept, gone, newest = make_caller(), make_caller(), make_caller()
    for caller in (kept, gone, kept, newest, kept):
        await limits.admit(*caller, 1, NOW_MS)
        await limits.close()
    assert set(limits._shares) == {kept[0].tenant_id, newest[0].tenant_id}
    await limits.admit(*kept, 1, NOW_MS)
    assert store.buckets[kept[0].tenant_id, None].version == 1


@pytest.mark.parametrize(("per_second", "key"), [(10, None), (100, None), (1_000, 50)])
async def test_two_processes_share_one_limit_over_a_minute(
    store: FakeBuckets, per_second: int, key: int | None
) -> None:
    caller = make_caller(RateLimit(per_second=per_second, burst=2 * per_second), key=key)
    processes = RateLimits(store), RateLimits(store)
    clock, let_in = FakeClock(), 0
    rate = key or per_second
    for number in range(60 * 50):
        clock.advance(0.02)
        for limits in processes if number % 3 else reversed(processes):
            let_in += await admitted(limits, caller, max(1, rate // 25), clock())
            await limits.close()
    assert let_in == pytest.approx(2 * rate + 60 * rate, rel=0.03)


async def test_two_processes_share_one_quota(store: FakeBuckets) -> None:
    caller = make_caller(RateLimit(per_second=100, burst=200, per_day=1_000))
    processes = RateLimits(store), RateLimits(store)
    clock, let_in = FakeClock(), 0
    for _ in range(60):
        clock.advance(1)
        for limits in processes:
            let_in += await admitted(limits, caller, 50, clock())
            await limits.close()
    assert let_in == pytest.approx(1_000, rel=0.02)
