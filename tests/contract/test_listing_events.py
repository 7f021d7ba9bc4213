"""Lists of events: in order, filtered, with or without payloads."""

import asyncio
import json
import secrets
from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.outsides import OpenOutside
from tests.contract.test_claiming_events import DELIVERED, look_up
from tests.contract.test_reopening_events import finished, replay
from tests.factories import NOW_MS, make_delivery, make_event
from triggers.event_queries import EventFilter, EventQuery
from triggers.events import Event, EventRecord, EventStatus, Priority, progress_of
from triggers.id_ranges import created_between
from triggers.ids import make_event_id
from triggers.resources import Events

TENANT, OTHER = "ten_0000000000000001", "ten_0000000000000002"
EXPIRES_S = NOW_MS // 1000 + 86_400
LEASE_MS = NOW_MS + 45_000
PAGE_PAYLOAD_BYTES_MAX = 1024 * 1024


async def insert(events: Events, *inserted: Event, tenant_id: str = TENANT) -> None:
    await asyncio.gather(
        *(events.insert(tenant_id, e, due_ms=NOW_MS, expires_s=EXPIRES_S) for e in inserted)
    )


async def walk(events: Events, query: EventQuery) -> list[list[EventRecord]]:
    """Read a list page by page to its end."""
    pages: list[list[EventRecord]] = []
    for _ in range(100):
        page = await events.read_events(TENANT, query)
        assert len(page.records) <= query.limit
        pages.append(list(page.records))
        if page.position is None:
            return pages
        query = replace(query, after=page.position)
    raise AssertionError("the list has no end")


def make_events(number: int, shards: int, **values: Any) -> list[Event]:
    """Make events, three in each millisecond."""
    moments = (NOW_MS + n // 3 for n in range(number))
    return [
        make_event(event_id=make_event_id(ms, shards, secrets.randbits), **values) for ms in moments
    ]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(("shards", "limit"), [(1, 7), (8, 20), (32, 100)])
async def test_all_events_are_listed_in_order_whatever_their_status(
    open_outside: OpenOutside, shards: int, limit: int, newest_first: bool
) -> None:
    inserted = make_events(60, shards)
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, *inserted)
        await insert(events, *make_events(5, shards), tenant_id=OTHER)
        await events.acknowledge(TENANT, inserted[7].event_id, NOW_MS)

        query = EventQuery(shards=shards, limit=limit, newest_first=newest_first)
        pages = await walk(events, query)

        found = [record.event for page in pages for record in page]
        expected = sorted(inserted, key=lambda e: e.event_id, reverse=newest_first)
        assert found == expected


@pytest.mark.parametrize("shards", [1, 8, 32])
async def test_a_walk_under_inserts_shows_once_all_that_was_there(
    open_outside: OpenOutside, shards: int
) -> None:
    there = make_events(90, shards)
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, *there)

        async def insert_on() -> None:
            for event in make_events(60, shards):
                await insert(events, event)

        query = EventQuery(shards=shards, limit=8, newest_first=True, with_payload=False)
        pages, _ = await asyncio.gather(walk(events, query), insert_on())

        found = [record.event.event_id for page in pages for record in page]
        assert len(found) == len(set(found))
        assert {event.event_id for event in there} <= set(found)


async def test_a_list_without_payloads_is_the_same_but_for_these(
    open_outside: OpenOutside,
) -> None:
    inserted = [
        make_event(created_ms=NOW_MS + n, payload=payload, key_digest="digest")
        for n, payload in enumerate(["1", json.dumps("x" * 5_000), f'"{secrets.token_hex(2000)}"'])
    ]
    deliveries = (make_delivery(attempts=1, next_attempt_ms=NOW_MS + 5),)
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, *inserted)
        await events.claim(TENANT, inserted[0].event_id, now_ms=NOW_MS, lease_ms=LEASE_MS)
        await events.finish(TENANT, inserted[0].event_id, 1, progress_of(deliveries, NOW_MS))
        await events.acknowledge(TENANT, inserted[1].event_id, NOW_MS)

        query = EventQuery(shards=1, limit=10)
        [whole] = await walk(events, query)
        [slim] = await walk(events, replace(query, with_payload=False))

        assert [record.event for record in whole] == inserted
        assert whole == [await events.get(TENANT, event.event_id) for event in inserted]
        assert slim == [replace(r, event=replace(r.event, payload="")) for r in whole]


async def test_a_list_shows_the_replays_of_an_event_without_payloads_too(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await replay(events, event, await finished(events, event, DELIVERED), DELIVERED)

        for with_payload in (True, False):
            query = EventQuery(shards=1, limit=10, with_payload=with_payload)
            [[record]] = await walk(events, query)
            assert [replay.number for replay in record.state.replays] == [1]
            assert record.state == (await look_up(events, event)).state


async def test_a_page_of_large_events_is_short_and_loses_none(open_outside: OpenOutside) -> None:
    inserted = [
        make_event(created_ms=NOW_MS + n, payload=json.dumps("x" * 400_000), shards=8)
        for n in range(6)
    ]
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, *inserted)

        pages = await walk(events, EventQuery(shards=8, limit=100, newest_first=True))

        assert [record.event for page in pages for record in page] == inserted[::-1]
        for page in pages:
            assert sum(len(record.event.payload) for record in page) <= PAGE_PAYLOAD_BYTES_MAX


FILTERS: list[tuple[EventFilter, list[int]]] = [
    (EventFilter(), [0, 1, 2, 3]),
    (EventFilter(event_types=("order.*", "user.left")), [0, 1, 3]),
    (EventFilter(source="web"), [2]),
    (EventFilter(status=EventStatus.ACKNOWLEDGED), [1]),
    (EventFilter(priority=Priority.HIGH), [2]),
    (EventFilter(priority=Priority.NORMAL), [0, 1, 3]),
    (EventFilter(metadata={"region": "eu"}), [0, 3]),
    (EventFilter(created=created_between(NOW_MS, NOW_MS + 3)), [1, 2]),
    (EventFilter(created=created_between(NOW_MS + 1, NOW_MS + 2)), []),
    (EventFilter(created=created_between(None, -1)), []),
    (EventFilter(created=created_between(NOW_MS + 9, NOW_MS)), []),
    (EventFilter(event_types=("order.*",), metadata={"region": "eu"}), [0]),
]


async def test_a_list_and_an_inbox_are_filtered_alike(open_outside: OpenOutside) -> None:
    inserted = [
        make_event(created_ms=NOW_MS, shards=8, event_type="order.created"),
        make_event(created_ms=NOW_MS + 1, shards=8, event_type="order.paid", metadata={}),
        make_event(
            created_ms=NOW_MS + 2,
            shards=8,
            event_type="a",
            source="web",
            metadata={"priority": "high"},
        ),
        make_event(created_ms=NOW_MS + 3, shards=8, event_type="user.left"),
    ]
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, *inserted)
        await events.acknowledge(TENANT, inserted[1].event_id, NOW_MS)
        for wanted, numbers in FILTERS:
            query = EventQuery(shards=8, limit=10, filter=wanted)

            page = await events.read_events(TENANT, query)
            assert [r.event for r in page.records] == [inserted[n] for n in numbers], wanted
            assert page.position is None

            inbox = await events.read_inbox(TENANT, query)
            waiting = [inserted[n] for n in numbers if n != 1]
            assert [record.event for record in inbox.records] == waiting, wanted
