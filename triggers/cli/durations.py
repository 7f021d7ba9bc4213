"""Spans of time as people type them: 45s, 30m, 24h, 90d."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
NONE = "none"

_SPAN = re.compile(r"([0-9]{1,9})([smhd])")


def seconds_of(text: str) -> int | None:
    """Return the seconds of a span, or None for what is none."""
    found = _SPAN.fullmatch(text)
    return int(found[1]) * UNIT_SECONDS[found[2]] if found else None


class Span(click.ParamType[int]):
    """A span of time, in seconds once it is read."""

    name = "span"

    def __init__(self, seconds_max: int) -> None:
        self.seconds_max = seconds_max

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return its seconds."""
        seconds = value if isinstance(value, int) else seconds_of(value)
        if seconds is None or seconds > self.seconds_max:
            self.fail(f"a span such as 30m, 24h or 7d, at most {self.seconds_max} s", param, ctx)
        return seconds


class Ahead(click.ParamType[str]):
    """A moment to come: RFC 3339, a span from now, or `none`, which reads as an empty text."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the moment as the API takes it."""
        if value == NONE:
            return ""
        seconds = seconds_of(value)
        if seconds is None:
            return self._checked(value, param, ctx)
        try:
            return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        except OverflowError:
            self.fail("that is after the year 9999", param, ctx)

    def _checked(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            has_zone = datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            has_zone = False
        if not has_zone:
            self.fail("a span such as 90d, or RFC 3339: 2027-01-01T00:00:00Z", param, ctx)
        return value
