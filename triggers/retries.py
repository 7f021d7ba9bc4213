"""The retry policy: which outcome of an attempt means what, and when the next attempt is due."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from msgspec import Struct

RETRY_AFTER_SECONDS_MAX = 24 * 3600
JITTER_SHARE = 0.2  # upward only, so that no retry comes before its time
SCHEDULES: dict[str, tuple[int, ...]] = {
    "standard": (5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 36_000, 86_400, 86_400),
    "short": (1, 2, 4, 8, 16),
}

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OVERLOAD_STATUSES = frozenset({429, 502, 503, 504})


class Verdict(StrEnum):
    """What an attempt means for its delivery."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GONE = "gone"  # the receiver says that it will never want events again


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one attempt ended: with a status code, or with an error in words.

    `excerpt` is at most the first 4 KB of the response body, made printable.
    """

    status_code: int | None = None
    error: str | None = None
    timed_out: bool = False
    retry_after_seconds: int | None = None
    excerpt: str = ""
    duration_ms: int = 0

    @property
    def description(self) -> str | None:
        """Say in words what went wrong; None when nothing did."""
        if self.error is not None or verdict_of(self) is Verdict.DELIVERED:
            return self.error
        redirect = ", a redirect: these are not followed" if self.status_code in _REDIRECTS else ""
        return f"receiver answered {self.status_code}{redirect}"

    @property
    def overloaded(self) -> bool:
        """Tell whether the receiver showed that it cannot take more: by a timeout or in words."""
        return self.timed_out or self.status_code in _OVERLOAD_STATUSES


def verdict_of(outcome: Outcome) -> Verdict:
    """Judge an attempt. 2xx is delivered, 410 is gone, everything else is tried again.

    A redirect is never followed. Other 4xx answers are retried on the full schedule, so that a
    receiver's bad deployment loses nothing.
    """
    if outcome.status_code is None:
        return Verdict.RETRY
    if 200 <= outcome.status_code <= 299:
        return Verdict.DELIVERED
    return Verdict.GONE if outcome.status_code == 410 else Verdict.RETRY


def next_delay_seconds(
    schedule: tuple[int, ...], attempts: int, jitter: float, retry_after_seconds: int | None
) -> float | None:
    """Return the pause before the next attempt, or None when the schedule is exhausted.

    `attempts` counts those already made, at least one; `jitter` lies in [0, 1). A receiver's
    Retry-After can lengthen the pause, never shorten it.
    """
    if attempts > len(schedule):
        return None
    delay = schedule[attempts - 1] * (1 + JITTER_SHARE * jitter)
    return max(delay, float(retry_after_seconds or 0))


def parse_retry_after(value: str | None, now_ms: int) -> int | None:
    """Read a Retry-After header (RFC 9110, 10.2.3) as seconds, 0 to 24 hours; None: no sense."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:12]), RETRY_AFTER_SECONDS_MAX)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.fromtimestamp(now_ms / 1000, UTC)).total_seconds()
    return min(int(seconds), RETRY_AFTER_SECONDS_MAX) if seconds >= 0 else None
