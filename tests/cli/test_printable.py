"""What came from outside, as a terminal may have it."""

import pytest

from triggers.cli.printable import printable, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("", "–"),
        ([], "–"),
        ({}, "–"),
        (0, "0"),
        (False, "no"),
        ({"a": "1", "b": None}, "a=1, b=–"),
        (["a", ["b"]], "a, b"),
        ("2026-11-22T05:29:00.123Z", "2026-11-22 05:29:00Z"),
        ("\x1b[2J\u202e", "\\x1b[2J\\u202e"),
    ],
)
def test_a_value_is_shown_as_people_read_it(value: object, text: str) -> None:
    assert shown(value) == text


def test_lines_stay_lines() -> None:
    assert printable("a\nb\r\x00") == "a\nb\\r\\x00"
