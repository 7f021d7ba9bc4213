"""Moments are milliseconds since 1970 inside, and RFC 3339 in UTC towards people."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], int]
"""Returns the present moment in milliseconds since 1970."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> int:
    """Return the present moment of this machine, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def rfc3339(moment_ms: int) -> str:
    """Write a moment as RFC 3339 in UTC with milliseconds, `2026-11-22T05:29:00.123Z`."""
    moment = _EPOCH + timedelta(milliseconds=moment_ms)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
