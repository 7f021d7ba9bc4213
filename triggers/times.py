"""Moments are milliseconds since 1970 inside, and RFC 3339 in UTC towards people."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

Clock = Callable[[], int]
"""Returns the present moment in milliseconds since 1970."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> int:
    """Return the present moment of this machine, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def rfc3339(moment_ms: int) -> str:
    """Write a moment as RFC 3339 in UTC with milliseconds, `2026-11-22T05:29:00.123Z`."""
    second, milliseconds = divmod(moment_ms, 1000)
    return f"{_second_as_text(second)}.{milliseconds:03d}Z"


@lru_cache(maxsize=64)  # most moments are of the present second
def _second_as_text(second: int) -> str:
    moment = _EPOCH + timedelta(seconds=second)
    return moment.isoformat(timespec="seconds").removesuffix("+00:00")
