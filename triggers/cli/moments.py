"""Moments and spans of time as people type them: RFC 3339, or 45s, 30m, 24h, 90d."""

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


class Moment(click.ParamType[str]):
    """A moment as the API takes it, RFC 3339; a span is so long ago, or so far ahead."""

    name = "moment"

    def __init__(self, *, ahead: bool = False) -> None:
        self.ahead = ahead

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the moment."""
        moment = self._read(str(value))
        if moment is None:
            example = "90d, from now" if self.ahead else "2h, ago"
            self.fail(f"a span such as {example}, or RFC 3339: 2026-11-22T05:29:00Z", param, ctx)
        return moment

    def _read(self, text: str) -> str | None:
        seconds = seconds_of(text)
        try:
            if seconds is None:
                return text if datetime.fromisoformat(text).tzinfo is not None else None
            span = timedelta(seconds=seconds if self.ahead else -seconds)
            return (datetime.now(UTC) + span).isoformat(timespec="milliseconds")
        except (ValueError, OverflowError):
            return None


class Expiry(Moment):
    """A moment to come, or `none`, which reads as an empty text."""

    def __init__(self) -> None:
        super().__init__(ahead=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the moment, or nothing."""
        return "" if value in (NONE, "") else super().convert(value, param, ctx)
