"""A page of a list: merged over the shards, read in rounds, bounded whatever the filters."""

import random
from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from tests.factories import NOW_MS, make_event
from triggers.aws import event_records as records
from triggers.aws.event_lists import READ_MAX, ROUNDS_MAX, Entries, EventLists
from triggers.event_queries import EventFilter, EventQuery
from triggers.id_ranges import IdRange
from triggers.ids import make_event_id, shard_of
from triggers.ports import EventPage
from triggers.shard_merge import ShardMerge


class Table(EventLists):
    """Events in memory, with a count of what is read of them."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self._random_bits = random.Random(1).getrandbits
        self.given_max = READ_MAX  # by one query, as when its answer would grow too large

    def add(self, number: int, shards: int, event_type: str = "a") -> str:
        """Add an event of the so many-th millisecond."""
        event_id = make_event_id(NOW_MS + number, shards, self._random_bits)
        event = make_event(event_id=event_id, event_type=event_type)
        stored = records.encode_event(event)
        packed = records.pack("1", len(stored))
        self.items[event_id] = records.new_item(
            f"t#{shard_of(event_id)}", event_id, stored=stored, packed=packed, due_ms=0, expires_s=0
        )
        return event_id

    async def page(self, query: EventQuery) -> EventPage:
        """Read a page."""
        self.calls.clear()

        async def fetch(partition: str, within: IdRange, size: int) -> tuple[Entries, bool]:
            found = sorted(
                event_id
                for event_id, item in self.items.items()
                if item["pk"]["S"] == partition and within.first <= event_id <= within.last
            )
            if query.newest_first:
                found.reverse()
            self.calls["queries"] += 1
            given = found[: min(size, self.given_max)]
            self.calls["read"] += len(given)
            return [(event_id, self.items[event_id]) for event_id in given], len(given) == len(
                found
            )

        async def complete(entries: Entries) -> Entries:
            self.calls["runs"] += 1
            return entries

        return await self._read_page("t", query, fetch, complete)


def make_query(shards: int, **values: Any) -> EventQuery:
    return EventQuery(**({"shards": shards, "limit": 10, "with_payload": False} | values))


def ids_of(page: EventPage) -> list[str]:
    return [record.event.event_id for record in page.records]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("shards", [1, 8, 32])
async def test_a_walk_shows_once_what_was_there_though_more_comes_and_some_goes(
    shards: int, newest_first: bool
) -> None:
    table = Table()
    there = [table.add(number // 3, shards) for number in range(300)]
    shown: list[str] = []
    query = make_query(shards, newest_first=newest_first)
    for number in range(100):
        page = await table.page(query)
        shown += ids_of(page)
        if page.position is None:
            break
        assert number < 99, "the list has no end"
        query = replace(query, after=page.position)
        table.add(number, shards)
        del table.items[page.position]
    assert shown == sorted(shown, reverse=newest_first)
    assert len(shown) == len(set(shown))
    assert set(there) <= set(shown)


@pytest.mark.parametrize("shards", [1, 8, 32])
@pytest.mark.parametrize("limit", [1, 50, 100])
async def test_whatever_the_filter_a_page_reads_a_bounded_amount(shards: int, limit: int) -> None:
    table = Table()
    for number in range(3_000):
        table.add(number, shards)
    wanted = table.add(3_000, shards, "wanted")
    query = make_query(shards, limit=limit, filter=EventFilter(event_types=("wanted",)))
    found: list[str] = []
    pages = 0
    while True:
        page = await table.page(query)
        pages += 1
        assert table.calls["read"] <= 1_000
        assert table.calls["queries"] <= ROUNDS_MAX * shards
        assert table.calls["runs"] <= 2 * ROUNDS_MAX + 10
        found += ids_of(page)
        if page.position is None:
            break
        query = replace(query, after=page.position)
    assert found == [wanted]
    assert pages <= 8


async def test_however_little_a_query_gives_a_page_ends_and_a_walk_shows_all() -> None:
    table = Table()
    table.given_max = 1
    there = [table.add(number, 8) for number in range(200)]
    shown: list[str] = []
    query = make_query(8, limit=100)
    for _ in range(200):
        page = await table.page(query)
        shown += ids_of(page)
        assert table.calls["queries"] <= ROUNDS_MAX * 8
        if page.position is None:
            break
        query = replace(query, after=page.position)
    assert shown == there


@pytest.mark.parametrize(("shards", "read_max"), [(1, 60), (8, 120), (32, 300)])
async def test_a_page_without_filters_reads_little_more_than_it_shows(
    shards: int, read_max: int
) -> None:
    table = Table()
    for number in range(1_000):
        table.add(number, shards)
    page = await table.page(make_query(shards, limit=50))
    assert len(page.records) == 50
    assert table.calls["read"] <= read_max


async def test_a_list_that_ends_with_its_page_says_so() -> None:
    table = Table()
    for number in range(10):
        table.add(number, 8)
    assert (await table.page(make_query(8))).position is None
    assert (await table.page(make_query(8, limit=9))).position is not None


def test_nothing_is_taken_past_a_shard_of_which_nothing_is_known() -> None:
    merge: ShardMerge[int] = ShardMerge(2, newest_first=False)
    assert merge.low(1) == [0, 1]
    merge.feed(0, [("a", 1), ("c", 3)], ended=False)
    assert merge.take(9) == []
    merge.feed(1, [("b", 2)], ended=False)
    assert merge.take(9) == [("a", 1), ("b", 2)]
    assert merge.low(1) == [1]
    merge.feed(1, [], ended=True)
    assert merge.take(9) == [("c", 3)]
    assert not merge.is_ended
    merge.feed(0, [], ended=True)
    assert merge.is_ended
