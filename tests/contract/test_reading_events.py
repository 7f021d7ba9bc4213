"""The inbox, acknowledging, and the due index."""

import asyncio
import itertools
import json

import pytest

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, make_delivery, make_event
from triggers.deliveries import DeliveryStatus
from triggers.event_queries import EventQuery
from triggers.events import Event, EventOutcome, EventRecord, EventStatus, progress_of, status_after
from triggers.ids import DUE_SHARDS, due_shard_of, make_event_id, shard_of
from triggers.ports import DueEvent
from triggers.resources import Events

TENANT, OTHER = "ten_0000000000000001", "ten_0000000000000002"
LEASE_MS = NOW_MS + 45_000
PAGE_PAYLOAD_BYTES_MAX = 1024 * 1024
DELIVERED = make_delivery(status=DeliveryStatus.DELIVERED, delivered_ms=NOW_MS)
FAILED = make_delivery(status=DeliveryStatus.FAILED)
DELIVERIES = {EventStatus.DELIVERED: (DELIVERED,), EventStatus.FAILED: (FAILED,)}


async def insert(
    events: Events, event: Event, *, tenant_id: str = TENANT, due_ms: int = NOW_MS
) -> None:
    await events.insert(tenant_id, event, due_ms=due_ms, expires_s=2**32)


async def bring_to(events: Events, event: Event, status: EventStatus) -> None:
    """Insert an event and let happen what brings it to a status."""
    await insert(events, event)
    if status in DELIVERIES:
        await events.claim(TENANT, event.event_id, now_ms=NOW_MS, lease_ms=LEASE_MS)
        progress = progress_of(DELIVERIES[status], NOW_MS)
        assert await events.finish(TENANT, event.event_id, 1, progress)
    if status is EventStatus.ACKNOWLEDGED:
        await events.acknowledge(TENANT, event.event_id, NOW_MS)


async def walk_inbox(
    events: Events, *, shards: int, limit: int, pages_max: int = 200
) -> list[list[EventRecord]]:
    """Read the inbox page by page to its end."""
    pages: list[list[EventRecord]] = []
    position: str | None = None
    for _ in range(pages_max):
        page = await events.read_inbox(
            TENANT, EventQuery(shards=shards, limit=limit, after=position)
        )
        assert len(page.records) <= limit
        pages.append(list(page.records))
        if page.position is None:
            return pages
        assert position is None or page.position > position
        position = page.position
    raise AssertionError("the inbox has no end")


# The inbox


def numbered_id(number: int, shards: int) -> str:
    """Make ids that go from shard to shard, three in each millisecond, by their last two characters."""
    return make_event_id(NOW_MS + number // 3, shards, lambda _: 257 * number)


@pytest.mark.parametrize(("shards", "limit"), [(1, 7), (8, 1), (32, 100)])
async def test_the_inbox_is_read_in_order_over_all_shards_without_gap_or_repeat(
    open_outside: OpenOutside, shards: int, limit: int
) -> None:
    ids = [numbered_id(number, shards) for number in range(35)]
    waiting = [make_event(event_id=event_id, payload=json.dumps(event_id)) for event_id in ids]
    assert {shard_of(event_id) for event_id in ids} == set(range(shards))
    async with open_outside() as outside:
        events = outside.resources.events
        await asyncio.gather(*(insert(events, event) for event in reversed(waiting)))

        pages = await walk_inbox(events, shards=shards, limit=limit)

        found = [record.event for page in pages for record in page]
        assert found == sorted(waiting, key=lambda event: event.event_id)


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        (json.dumps("x" * 400_000), 6),
        (json.dumps("é" * 50_000, ensure_ascii=False), 15),  # which inflates from its event's item
    ],
)
async def test_a_page_of_large_events_is_short_and_loses_none(
    open_outside: OpenOutside, payload: str, count: int
) -> None:
    waiting = [
        make_event(created_ms=NOW_MS + number, payload=payload, shards=8) for number in range(count)
    ]
    async with open_outside() as outside:
        events = outside.resources.events
        for event in waiting:
            await insert(events, event)

        pages = await walk_inbox(events, shards=8, limit=100)

        assert [record.event for page in pages for record in page] == waiting
        for page in pages:
            payloads = [record.event.payload.encode() for record in page]
            assert sum(map(len, payloads)) <= PAGE_PAYLOAD_BYTES_MAX


async def test_the_inbox_shows_what_is_neither_delivered_nor_acknowledged(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        events = outside.resources.events
        for status in EventStatus:
            await bring_to(events, make_event(), status)

        (page,) = await walk_inbox(events, shards=1, limit=10)

        shown = {record.state.status for record in page}
        assert shown == {EventStatus.PENDING, EventStatus.FAILED}
        assert len(page) == 2


async def test_an_inbox_is_its_tenants_alone(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, make_event(), tenant_id=OTHER)

        assert await walk_inbox(events, shards=8, limit=10) == [[]]


# Acknowledging


@pytest.mark.parametrize("status", EventStatus)
async def test_acknowledging_ends_an_event_once(
    open_outside: OpenOutside, status: EventStatus
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await bring_to(events, event, status)
        before = await events.get(TENANT, event.event_id)
        assert before is not None

        assert await events.acknowledge(TENANT, event.event_id, NOW_MS + 5) is status

        after = await events.get(TENANT, event.event_id)
        assert after is not None
        if status_after(status, EventOutcome.ACKNOWLEDGED) is None:
            assert after == before
        else:
            assert after.state.status is EventStatus.ACKNOWLEDGED
            assert after.state.acknowledged_ms == NOW_MS + 5
            assert after.state.delivered_ms == before.state.delivered_ms
            assert after.state.deliveries == before.state.deliveries
            assert after.state.fence == before.state.fence + 1
        assert after.state.due_ms is None
        assert await walk_inbox(events, shards=1, limit=10) == [[]]
        shard = due_shard_of(event.event_id)
        assert await events.read_due(shard, now_ms=NOW_MS, limit=10, after=None) == []


async def test_acknowledging_fences_a_worker_off(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, event)
        await events.claim(TENANT, event.event_id, now_ms=NOW_MS, lease_ms=LEASE_MS)

        await events.acknowledge(TENANT, event.event_id, NOW_MS)

        assert not await events.save(TENANT, event.event_id, 1, (FAILED,))
        assert not await events.finish(TENANT, event.event_id, 1, progress_of((FAILED,), NOW_MS))
        record = await events.get(TENANT, event.event_id)
        assert record is not None
        assert record.state.status is EventStatus.ACKNOWLEDGED
        assert record.state.deliveries is None


async def test_what_is_not_there_cannot_be_acknowledged_and_does_not_come_to_be(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, event, tenant_id=OTHER)

        assert await events.acknowledge(TENANT, event.event_id, NOW_MS) is None

        assert await events.get(TENANT, event.event_id) is None
        others = await events.get(OTHER, event.event_id)
        assert others is not None
        assert others.state.status is EventStatus.PENDING


# The due index


def events_due_in(due_shard: str, count: int) -> list[Event]:
    found = (make_event(shards=8) for _ in itertools.count())
    return list(
        itertools.islice((e for e in found if due_shard_of(e.event_id) == due_shard), count)
    )


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_due_events_are_read_in_order_page_by_page(
    open_outside: OpenOutside, limit: int
) -> None:
    due_events = events_due_in("07", 10)
    async with open_outside() as outside:
        events = outside.resources.events
        expected = []
        for number, event in enumerate(due_events):
            tenant_id = (TENANT, OTHER)[number % 2]
            due_ms = NOW_MS - 10 * (number // 2)
            await insert(events, event, tenant_id=tenant_id, due_ms=due_ms)
            expected.append(DueEvent(tenant_id=tenant_id, event_id=event.event_id, due_ms=due_ms))

        found: list[DueEvent] = []
        while len(found) <= len(expected):
            after = found[-1] if found else None
            page = await events.read_due("07", now_ms=NOW_MS, limit=limit, after=after)
            if not page:
                break
            assert len(page) <= limit
            found += page

        assert [entry.due_ms for entry in found] == sorted(entry.due_ms for entry in expected)
        assert sorted(found, key=str) == sorted(expected, key=str)


async def test_what_became_due_last_can_be_read_first(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        events = outside.resources.events
        for number, event in enumerate([*events_due_in("07", 4)]):
            await insert(events, event, due_ms=NOW_MS - 2 + number)
        found = await events.read_due("07", now_ms=NOW_MS, limit=2, after=None, latest_first=True)
        assert [entry.due_ms for entry in found] == [NOW_MS, NOW_MS - 1]


async def test_f10_behind_what_is_due_only_by_a_clock_that_was_set_back_nothing_is_due(
    open_outside: OpenOutside,
) -> None:
    first, second = events_due_in("07", 2)
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, first, due_ms=NOW_MS - 1)
        await insert(events, second, due_ms=NOW_MS + 1)
        page = await events.read_due("07", now_ms=NOW_MS + 1, limit=10, after=None)

        assert await events.read_due("07", now_ms=NOW_MS, limit=10, after=page[-1]) == []


async def test_an_event_is_due_from_its_moment_on(open_outside: OpenOutside) -> None:
    past, present, future = events_due_in("07", 3)
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, past, due_ms=NOW_MS - 1)
        await insert(events, present, due_ms=NOW_MS)
        await insert(events, future, due_ms=NOW_MS + 1)

        found = await events.read_due("07", now_ms=NOW_MS, limit=10, after=None)

        assert [entry.event_id for entry in found] == [past.event_id, present.event_id]


async def test_an_event_is_due_in_one_shard(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, event)

        found = {
            shard: await events.read_due(shard, now_ms=NOW_MS, limit=10, after=None)
            for shard in DUE_SHARDS
        }

        assert [shard for shard, entries in found.items() if entries] == [
            due_shard_of(event.event_id)
        ]
