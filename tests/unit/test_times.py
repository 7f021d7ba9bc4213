"""Moments, as people read them."""

import time

import pytest

from tests.factories import NOW_MS
from triggers.times import rfc3339, system_clock


@pytest.mark.parametrize(
    ("moment_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (1_000, "1970-01-01T00:00:01.000Z"),
        (951_782_400_007, "2000-02-29T00:00:00.007Z"),
        (NOW_MS, "2026-11-22T05:29:00.123Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_milliseconds(moment_ms: int, text: str) -> None:
    assert rfc3339(moment_ms) == text


def test_the_clock_tells_milliseconds() -> None:
    before = time.time()

    assert before - 0.001 <= system_clock() / 1000 <= time.time()
