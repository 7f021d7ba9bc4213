"""How many calls a tenant or a key may make: a rate with a burst, and quotas by day and month.

What has been used stands in a bucket that all processes share. The rate is the generic cell rate
algorithm (ITU-T I.371): a bucket keeps the moment at which the next call would arrive if all so far
had come evenly, and may run ahead of the present by as much as the burst allows.
"""

import sys
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

BURST_SECONDS = 2  # of a key's own limit, as of the tiers'
BLOCKS_A_SECOND = 10
# A bucket from further ahead was written by a clock gone wrong, and counts as new.
CLOCK_AHEAD_MS_MAX = 60_000

_DAY_MS = 86_400_000
_SECOND_US = 1_000_000
_NO_QUOTA = sys.maxsize


class RateLimit(Struct, frozen=True, kw_only=True):
    """Calls a second and at once, at least 1 each; calls in a UTC day and month, None: no quota."""

    per_second: int
    burst: int
    per_day: int | None = None
    per_month: int | None = None

    @property
    def block(self) -> int:
        """How many calls a process takes out of the bucket at a time, at least."""
        return max(1, min(self.per_second // BLOCKS_A_SECOND, self.burst))


class Span(StrEnum):
    """What a limit counts in."""

    SECOND = "second"
    DAY = "day"
    MONTH = "month"


class Bucket(Struct, frozen=True, kw_only=True):
    """What has been used, as all processes see it; as it is made here nothing has been.

    `arrival_us` is the theoretical arrival time in microseconds since 1970, `seen_ms` the latest
    moment at which anything was taken. What was used in the present day and month counts until they
    end. `version` goes up with each change.
    """

    version: int = 0
    arrival_us: int = 0
    seen_ms: int = 0
    day_used: int = 0
    day_ends_ms: int = 0
    month_used: int = 0
    month_ends_ms: int = 0


class Refusal(Struct, frozen=True, kw_only=True):
    """Why calls could not be taken, and when they may be."""

    span: Span
    retry_ms: int


class Standing(Struct, frozen=True, kw_only=True):
    """What a caller is told: calls that may be made at once, and when there are `limit` again."""

    limit: int
    remaining: int
    reset_seconds: int


def limit_of_key(per_second: int) -> RateLimit:
    """Return the limit of a key that may make so many calls a second."""
    return RateLimit(per_second=per_second, burst=BURST_SECONDS * per_second)


def largest_call(limit: RateLimit) -> int:
    """Return as how many calls one may count at most, if it is ever to be let through."""
    return min(limit.burst, limit.per_day or limit.burst, limit.per_month or limit.burst)


def room(bucket: Bucket, now_ms: int, limit: RateLimit) -> int:
    """Return how many calls can be taken now: none by the rate before there is a whole block."""
    bucket = _at(bucket, now_ms)
    gathered = _gathered(bucket, now_ms, limit)
    if gathered < limit.block:
        return 0
    left = gathered  # every call comes by here
    if limit.per_day is not None:
        left = min(left, limit.per_day - bucket.day_used)
    if limit.per_month is not None:
        left = min(left, limit.per_month - bucket.month_used)
    return max(left, 0)


def refusal_of(bucket: Bucket, calls: int, now_ms: int, limit: RateLimit) -> Refusal | None:
    """Tell whether calls, 1 at least, could not be taken now; the longest wait counts."""
    bucket = _at(bucket, now_ms)
    if calls > _month_left(bucket, limit):
        return Refusal(span=Span.MONTH, retry_ms=bucket.month_ends_ms - now_ms)
    if calls > _day_left(bucket, limit):
        return Refusal(span=Span.DAY, retry_ms=bucket.day_ends_ms - now_ms)
    missing = max(calls, limit.block) - _gathered(bucket, now_ms, limit)
    if missing > 0:
        return Refusal(span=Span.SECOND, retry_ms=_ceil(missing * 1000, limit.per_second))
    return None


def take(bucket: Bucket, calls: int, now_ms: int, limit: RateLimit) -> Bucket | Refusal:
    """Take calls, 1 at least: all or none. While a clock is behind the bucket nothing gathers."""
    refusal = refusal_of(bucket, calls, now_ms, limit)
    if refusal is not None:
        return refusal
    bucket = _at(bucket, now_ms)
    seen_ms = max(now_ms, bucket.seen_ms)
    return replace(
        bucket,
        version=bucket.version + 1,
        arrival_us=max(bucket.arrival_us, seen_ms * 1000) + calls * _SECOND_US // limit.per_second,
        seen_ms=seen_ms,
        day_used=bucket.day_used + calls,
        month_used=bucket.month_used + calls,
    )


def standing(bucket: Bucket, in_hand: int, now_ms: int, limit: RateLimit, most: int) -> Standing:
    """Tell how a caller stands who has calls in hand, or owes some, besides what the bucket holds.

    `most` is how many calls a second its lowest limit allows; it is told of no more.
    """
    full = min(most, limit.burst)
    remaining = in_hand + room(bucket, now_ms, limit)
    if remaining >= full:
        return Standing(limit=most, remaining=full, reset_seconds=0)
    bucket = _at(bucket, now_ms)
    missing = full - in_hand - _gathered(bucket, now_ms, limit)
    waits_ms = [_ceil(max(missing, 1) * 1000, limit.per_second)]
    if in_hand + _day_left(bucket, limit) < full:
        waits_ms.append(bucket.day_ends_ms - now_ms)
    if in_hand + _month_left(bucket, limit) < full:
        waits_ms.append(bucket.month_ends_ms - now_ms)
    return Standing(
        limit=most,
        remaining=max(remaining, 0),
        reset_seconds=_ceil(max(waits_ms), 1000),
    )


def _at(bucket: Bucket, now_ms: int) -> Bucket:
    """Return a bucket in the day and month of a moment; those that are over no longer count."""
    if bucket.seen_ms > now_ms + CLOCK_AHEAD_MS_MAX:
        bucket = Bucket(version=bucket.version)
    if now_ms < bucket.day_ends_ms:
        return bucket  # and a month ends with a day
    bucket = replace(bucket, day_used=0, day_ends_ms=(now_ms // _DAY_MS + 1) * _DAY_MS)
    if now_ms < bucket.month_ends_ms:
        return bucket
    return replace(bucket, month_used=0, month_ends_ms=_end_of_month(now_ms))


def _end_of_month(now_ms: int) -> int:
    today = datetime.fromtimestamp(now_ms // 1000, UTC)
    month = today.year * 12 + today.month  # of the next one, counted from 0
    return int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000


def _gathered(bucket: Bucket, now_ms: int, limit: RateLimit) -> int:
    """Return how many calls the rate allows at once, by the latest clock that was seen."""
    ahead_us = bucket.arrival_us - max(now_ms, bucket.seen_ms) * 1000
    if ahead_us <= 0:
        return limit.burst
    return limit.burst - _ceil(ahead_us * limit.per_second, _SECOND_US)


def _day_left(bucket: Bucket, limit: RateLimit) -> int:
    return _NO_QUOTA if limit.per_day is None else limit.per_day - bucket.day_used


def _month_left(bucket: Bucket, limit: RateLimit) -> int:
    return _NO_QUOTA if limit.per_month is None else limit.per_month - bucket.month_used


def _ceil(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
