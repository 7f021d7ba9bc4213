"""Times on the wire."""

from typing import Annotated

from msgspec import Meta

from triggers.times import rfc3339

Moment = Annotated[
    str,
    Meta(
        description="A time, RFC 3339 in UTC with milliseconds",
        examples=["2026-11-22T05:29:00.123Z"],
        extra_json_schema={"format": "date-time"},
    ),
]


def moment_or_none(moment_ms: int | None) -> str | None:
    """Write a moment, where there is one."""
    return None if moment_ms is None else rfc3339(moment_ms)
