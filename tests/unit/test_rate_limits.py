"""What may be taken from a bucket, as tables: bursts, refilling, quotas, and clocks that disagree."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.factories import NOW_MS
from triggers.rate_limits import (
    CLOCK_AHEAD_MS_MAX,
    Bucket,
    RateLimit,
    Refusal,
    Span,
    Standing,
    largest_call,
    refusal_of,
    room,
    standing,
    take,
)

PLAIN = RateLimit(per_second=100, burst=200)  # blocks of 10
SLOW = RateLimit(per_second=2, burst=4)  # blocks of 1
DAILY = RateLimit(per_second=100, burst=200, per_day=300)
MONTHLY = RateLimit(per_second=100, burst=200, per_month=300)
BOTH = RateLimit(per_second=100, burst=200, per_day=300, per_month=450)
ODD = RateLimit(per_second=3, burst=7)


def ms(text: str) -> int:
    """Return a moment in UTC in milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def taken(calls: int, now_ms: int, limit: RateLimit, bucket: Bucket | None = None) -> Bucket:
    """Return a bucket after calls that must have been let through."""
    after = take(bucket or Bucket(), calls, now_ms, limit)
    assert isinstance(after, Bucket), after
    return after


@pytest.mark.parametrize(
    ("limit", "used", "later_ms", "left"),
    [
        (PLAIN, 0, 0, 200),
        (PLAIN, 1, 0, 199),
        (PLAIN, 200, 0, 0),
        (PLAIN, 200, 99, 0),  # 9, less than a block
        (PLAIN, 200, 100, 10),
        (PLAIN, 200, 1_000, 100),
        (PLAIN, 200, 2_000, 200),
        (PLAIN, 200, 3_600_000, 200),
        (SLOW, 4, 499, 0),
        (SLOW, 4, 500, 1),
        (ODD, 7, 333, 0),
        (ODD, 7, 334, 1),
        (ODD, 1, 0, 6),
        (DAILY, 200, 2_000, 100),
        (DAILY, 195, 2_000, 105),
    ],
)
def test_a_bucket_allows_its_burst_and_fills_again_at_its_rate(
    limit: RateLimit, used: int, later_ms: int, left: int
) -> None:
    bucket = taken(used, NOW_MS, limit) if used else Bucket()
    assert room(bucket, NOW_MS + later_ms, limit) == left
    if left:
        assert isinstance(take(bucket, left, NOW_MS + later_ms, limit), Bucket)
    assert isinstance(take(bucket, left + 1, NOW_MS + later_ms, limit), Refusal)


@pytest.mark.parametrize(
    ("calls", "retry_ms"),
    [(1, 100), (10, 100), (11, 110), (200, 2_000)],
)
def test_a_refusal_by_the_rate_says_when_there_will_be_enough(calls: int, retry_ms: int) -> None:
    empty = taken(200, NOW_MS, PLAIN)
    assert take(empty, calls, NOW_MS, PLAIN) == Refusal(span=Span.SECOND, retry_ms=retry_ms)
    assert refusal_of(empty, calls, NOW_MS + retry_ms - 1, PLAIN) is not None
    assert refusal_of(empty, calls, NOW_MS + retry_ms, PLAIN) is None


def test_what_is_refused_takes_nothing_and_what_is_taken_raises_the_version() -> None:
    once = taken(150, NOW_MS, PLAIN)
    assert isinstance(take(once, 51, NOW_MS, PLAIN), Refusal)
    twice = taken(50, NOW_MS, PLAIN, once)
    assert (once.version, twice.version) == (1, 2)


EVENING, NIGHT = ms("2026-11-22T23:59:59"), ms("2026-11-23T00:00:00")
LAST, FIRST = ms("2026-12-31T23:59:59"), ms("2027-01-01T00:00:00")


@pytest.mark.parametrize(
    ("limit", "at_ms", "span", "ends_ms"),
    [
        (DAILY, EVENING, Span.DAY, NIGHT),
        (DAILY, NIGHT - 1, Span.DAY, NIGHT),
        (DAILY, NIGHT, Span.DAY, ms("2026-11-24T00:00:00")),
        (MONTHLY, EVENING, Span.MONTH, ms("2026-12-01T00:00:00")),
        (MONTHLY, LAST, Span.MONTH, FIRST),
        (MONTHLY, ms("2028-02-29T12:00:00"), Span.MONTH, ms("2028-03-01T00:00:00")),
    ],
)
def test_a_used_up_quota_refuses_until_the_day_or_the_month_is_over(
    limit: RateLimit, at_ms: int, span: Span, ends_ms: int
) -> None:
    full = replace(taken(1, at_ms, limit), day_used=300, month_used=300)
    assert take(full, 1, at_ms, limit) == Refusal(span=span, retry_ms=ends_ms - at_ms)
    assert refusal_of(full, 1, ends_ms - 1, limit) is not None
    assert taken(1, ends_ms, limit, full).day_used == 1


def test_a_new_day_of_the_same_month_leaves_what_the_month_has_used() -> None:
    evening = taken(200, EVENING, BOTH)
    night = taken(100, NIGHT + 1_000, BOTH, evening)
    assert (night.day_used, night.month_used) == (100, 300)
    assert room(night, NIGHT + 60_000, BOTH) == 150
    assert taken(1, FIRST, BOTH, night).month_used == 1


def test_with_both_quotas_used_up_the_longer_wait_is_told() -> None:
    full = replace(taken(1, EVENING, BOTH), day_used=300, month_used=450)
    refusal = take(full, 1, EVENING, BOTH)
    assert isinstance(refusal, Refusal)
    assert refusal.span is Span.MONTH


def test_the_last_of_a_quota_can_be_taken_though_it_is_less_than_a_block() -> None:
    bucket = replace(taken(1, NOW_MS, DAILY), day_used=297)
    assert room(bucket, NOW_MS, DAILY) == 3
    assert isinstance(take(bucket, 4, NOW_MS, DAILY), Refusal)
    assert taken(3, NOW_MS, DAILY, bucket).day_used == 300


def test_another_tier_counts_on_from_what_was_used() -> None:
    bucket = taken(200, NOW_MS, PLAIN)
    assert room(bucket, NOW_MS, RateLimit(per_second=1_000, burst=2_000)) == 0
    assert room(bucket, NOW_MS + 100, RateLimit(per_second=1_000, burst=2_000)) == 100
    assert room(bucket, NOW_MS + 2_000, DAILY) == 100


def test_a_quota_lowered_below_what_was_used_leaves_nothing() -> None:
    bucket = replace(taken(1, NOW_MS, PLAIN), day_used=500)
    assert room(bucket, NOW_MS, DAILY) == 0
    assert isinstance(take(bucket, 1, NOW_MS, DAILY), Refusal)


@pytest.mark.parametrize("back_ms", [1, 5_000, CLOCK_AHEAD_MS_MAX])
def test_F10_a_clock_that_is_behind_takes_what_is_left_and_lets_nothing_gather(
    back_ms: int,
) -> None:
    bucket = taken(150, NOW_MS, PLAIN)
    assert room(bucket, NOW_MS - back_ms, PLAIN) == 50
    again = taken(50, NOW_MS - back_ms, PLAIN, bucket)
    assert again.seen_ms == NOW_MS
    assert refusal_of(again, 1, NOW_MS - back_ms, PLAIN) == Refusal(span=Span.SECOND, retry_ms=100)


def test_a_clock_behind_midnight_counts_in_the_day_that_has_begun() -> None:
    bucket = taken(200, NIGHT, DAILY)
    behind = taken(100, EVENING, DAILY, replace(bucket, arrival_us=0))
    assert (behind.day_used, behind.day_ends_ms) == (300, bucket.day_ends_ms)


def test_F10_a_bucket_of_a_clock_gone_wrong_counts_as_new() -> None:
    ahead = replace(taken(200, NOW_MS + CLOCK_AHEAD_MS_MAX + 1, DAILY), day_used=300, version=7)
    assert room(ahead, NOW_MS, DAILY) == 200
    mended = taken(1, NOW_MS, DAILY, ahead)
    assert (mended.version, mended.seen_ms, mended.day_used) == (8, NOW_MS, 1)


@pytest.mark.parametrize(
    ("limit", "used", "in_hand", "later_ms", "told"),
    [
        (PLAIN, 0, 0, 0, (100, 100, 0)),
        (PLAIN, 100, 0, 0, (100, 100, 0)),
        (PLAIN, 110, 10, 0, (100, 100, 0)),
        (PLAIN, 150, 5, 0, (100, 55, 1)),
        (PLAIN, 195, 5, 0, (100, 5, 1)),
        (PLAIN, 200, -10, 0, (100, 0, 2)),
        (PLAIN, 200, 0, 1_000, (100, 100, 0)),
        (RateLimit(per_second=100, burst=50), 0, 0, 0, (100, 50, 0)),
        (replace(DAILY, per_day=210), 150, 0, 0, (100, 50, 66_660)),
        (replace(MONTHLY, per_month=210), 150, 0, 0, (100, 50, 757_860)),
    ],
)
def test_a_caller_is_told_how_it_stands(
    limit: RateLimit, used: int, in_hand: int, later_ms: int, told: tuple[int, int, int]
) -> None:
    bucket = taken(used, NOW_MS, limit) if used else Bucket()
    stands = standing(bucket, in_hand, NOW_MS + later_ms, limit, limit.per_second)
    assert (stands.limit, stands.remaining, stands.reset_seconds) == told
    assert isinstance(stands, Standing)


@pytest.mark.parametrize(
    ("limit", "most"),
    [
        (PLAIN, 200),
        (DAILY, 200),
        (replace(DAILY, per_day=50), 50),
        (replace(BOTH, per_month=20), 20),
    ],
)
def test_no_call_may_count_as_more_than_the_burst_and_the_quotas_allow(
    limit: RateLimit, most: int
) -> None:
    assert largest_call(limit) == most


@given(
    limit=st.builds(
        lambda per_second, seconds: RateLimit(per_second=per_second, burst=per_second * seconds),
        st.integers(1, 20_000),
        st.integers(1, 3),
    ),
    steps=st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 5_000)), max_size=30),
)
def test_whatever_is_asked_for_no_more_is_taken_than_burst_and_rate_allow(
    limit: RateLimit, steps: list[tuple[int, int]]
) -> None:
    bucket, total, moments = Bucket(), 0, itertools.accumulate(wait for wait, _ in steps)
    for moment, (_, calls) in zip(moments, steps, strict=True):
        after = take(bucket, calls, NOW_MS + moment, limit)
        if isinstance(after, Bucket):
            bucket, total = after, total + calls
        allowed = limit.burst + limit.per_second * moment / 1000
        assert total <= allowed + 1  # a call's part that microseconds do not hold
