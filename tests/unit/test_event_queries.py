"""Which events a list takes, and the ranges of ids that moments stand for."""

import string
from typing import Any

import pytest

from tests.factories import NOW_MS, make_event
from triggers.event_queries import EventFilter, EventQuery
from triggers.events import EventRecord, EventState, EventStatus, Priority
from triggers.id_ranges import IdRange, created_between
from triggers.ids import make_event_id


def takes(values: dict[str, Any], **event: Any) -> bool:
    record = EventRecord(event=make_event(**event), state=EventState(status=EventStatus.FAILED))
    return EventFilter(**values).takes(record)


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ({}, True),
        ({"event_types": ("order.created",)}, True),
        ({"event_types": ("order",)}, False),
        ({"event_types": ("order.*",)}, True),
        ({"event_types": ("orders.*",)}, False),
        ({"event_types": ("a", "*")}, True),
        ({"source": "shop"}, True),
        ({"source": "sho"}, False),
        ({"status": EventStatus.FAILED}, True),
        ({"status": EventStatus.PENDING}, False),
        ({"priority": Priority.NORMAL}, True),
        ({"priority": Priority.HIGH}, False),
        ({"metadata": {"region": "eu"}}, True),
        ({"metadata": {"region": "us"}}, False),
        ({"metadata": {"region": "eu", "": ""}}, False),
        ({"source": "shop", "metadata": {"region": "us"}}, False),
    ],
)
def test_a_filter_takes_that_of_which_all_holds(values: dict[str, Any], taken: bool) -> None:
    assert takes(values) is taken


def test_a_priority_is_the_one_in_the_metadata() -> None:
    high = {"metadata": {"priority": "high"}}
    assert takes({"priority": Priority.HIGH}, **high)
    assert not takes({"priority": Priority.NORMAL}, **high)


def test_an_event_without_a_source_is_not_that_of_any() -> None:
    assert not takes({"source": "shop"}, source=None)


def ids_at(moment_ms: int) -> list[str]:
    """Return the least and the greatest id of a millisecond."""
    zeros, ones = (lambda _: 0), (lambda bits: (1 << bits) - 1)
    return [make_event_id(moment_ms, 32, random_bits) for random_bits in (zeros, ones)]


def test_moments_are_bounds_that_are_not_included() -> None:
    within = created_between(NOW_MS, NOW_MS + 2)
    assert all(within.first <= event_id <= within.last for event_id in ids_at(NOW_MS + 1))
    for moment_ms in (NOW_MS - 1, NOW_MS, NOW_MS + 2, NOW_MS + 3):
        assert not any(within.first <= event_id <= within.last for event_id in ids_at(moment_ms))
    assert created_between(NOW_MS, NOW_MS + 1).is_empty
    assert created_between(NOW_MS, NOW_MS - 1).is_empty


def test_moments_before_1970_are_before_every_event() -> None:
    [first, _] = ids_at(0)
    for moment_ms in (-1, -(10**14)):
        assert created_between(moment_ms, None).first <= first
        assert created_between(None, moment_ms).last < first
    assert created_between(None, 0).last < first


@pytest.mark.parametrize("last", string.digits + "ABCXYZ")
def test_a_position_divides_the_ids_into_those_before_and_those_behind(last: str) -> None:
    position = ids_at(NOW_MS)[0][:-1] + last
    neighbours = [position[:-1] + c for c in "0123456789ABCDEFGHJKMNPQRSTVWXYZ"]
    above, below = IdRange().above(position), IdRange().below(position)
    for event_id in (*neighbours, *ids_at(NOW_MS - 1), *ids_at(NOW_MS + 1)):
        assert (above.first <= event_id <= above.last) == (event_id > position)
        assert (below.first <= event_id <= below.last) == (event_id < position)


def test_a_query_has_one_spelling_whatever_the_order_of_its_parts() -> None:
    def text(**values: Any) -> str:
        return EventQuery(shards=1, limit=1, filter=EventFilter(**values)).text

    assert text(event_types=("a", "b"), metadata={"a": "1", "b": "2"}) == text(
        event_types=("b", "a", "a"), metadata={"b": "2", "a": "1"}
    )
    assert len({text(), text(source="a"), text(event_types=("a",)), text(metadata={"a": ""})}) == 4
    one = EventQuery(shards=1, limit=1)
    assert one.text == EventQuery(shards=8, limit=9, after="x", with_payload=False).text
    assert one.text != EventQuery(shards=1, limit=1, newest_first=True).text
