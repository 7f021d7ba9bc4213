"""Turns: whoever has one item waiting gets it out before another's second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggers.lines import Lines


def filled(items: list[str]) -> Lines[str]:
    """Put items into the lines that their first letters name."""
    lines: Lines[str] = Lines()
    for item in items:
        lines.put(item[0], item)
    return lines


def taken(lines: Lines[str]) -> list[str]:
    return [lines.take() for _ in range(len(lines))]


def test_each_line_gives_one_in_turn_and_its_oldest_first() -> None:
    assert taken(filled(["a1", "a2", "a3", "b1", "c1", "c2"])) == [
        *("a1", "b1", "c1"),
        *("a2", "c2"),
        "a3",
    ]


def test_a_line_that_was_empty_has_its_turn_after_all_others() -> None:
    lines = filled(["a1", "a2", "b1"])
    assert lines.take() == "a1"
    lines.put("c", "c1")
    assert taken(lines) == ["b1", "a2", "c1"]


def test_what_is_put_back_is_the_oldest_again() -> None:
    lines = filled(["a1", "a2"])
    lines.put_back("a", lines.take())
    assert taken(lines) == ["a1", "a2"]


def test_lines_tell_their_length() -> None:
    lines = filled(["a1", "a2", "b1"])
    assert (len(lines), lines.length("a"), lines.length("b"), lines.length("c")) == (3, 2, 1, 0)


def test_nothing_can_be_taken_where_nothing_waits() -> None:
    with pytest.raises(KeyError):
        filled([]).take()


@given(st.lists(st.sampled_from("abcd"), max_size=40))
def test_everything_comes_out_once_and_nobody_waits_for_more_than_one_of_each_other(
    names: list[str],
) -> None:
    items = [f"{name}{number:02d}" for number, name in enumerate(names)]
    out = taken(filled(items))
    assert sorted(out) == sorted(items)
    for name in set(names):
        its = [item for item in out if item[0] == name]
        assert its == sorted(its)
        for number, item in enumerate(its):
            before = [other for other in out[: out.index(item)] if other[0] != name]
            assert all(sum(o[0] == n for o in before) <= number + 1 for n in set(names) - {name})
