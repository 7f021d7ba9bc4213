"""Inserting events and getting them back, byte for byte."""

import asyncio
import json
import random

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, TRACEPARENT, make_event
from triggers.event_queries import EventQuery
from triggers.events import AT_ONCE_MS, EventState

TENANT, OTHER = "ten_0000000000000001", "ten_0000000000000002"
DUE_MS = NOW_MS + 10_000
EXPIRES_S = 2**32  # the emulator deletes what has expired by the true clock


def noise(characters: int) -> str:
    """Return a JSON string that compresses to a half at best."""
    return json.dumps(random.Random(characters).randbytes(characters // 2).hex())


PAYLOADS = {
    "small": '{"order": 1}',
    "numbers as they were": "[1.0, 1e2, -0, 12345678901234567890, 0.1000]",
    "white space and double keys": '{ "b" :\t1,\n "a":2, "b" : 3 }',
    "the shortest": "0",
    "an empty string": '""',
    "escapes of NUL and lone surrogates": '"\\u0000 \\ud800 \\/"',
    "outside the first plane": '"😀 𝔘𝔫𝔦 \U0010fffd"',
    "odd characters": '"\x7f\x85\u2028\ufeff\uffff"',
    "2 KB that compress": json.dumps("x" * 2_048),
    "2 KB that do not": noise(2_048),
    "400 KB that compress": json.dumps(["order"] * 45_000),
    "400 KB that do not": noise(400 * 1024 - 2),
    "400 KB outside ASCII": json.dumps("é😀" * 68_000, ensure_ascii=False),
}


async def test_an_inserted_event_can_be_read_back_byte_for_byte(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        events = outside.resources.events
        for kind, payload in PAYLOADS.items():
            event = make_event(payload=payload)

            await events.insert(TENANT, event, due_ms=DUE_MS, expires_s=EXPIRES_S)

            record = await events.get(TENANT, event.event_id)
            assert record is not None, kind
            assert record.event.payload == payload, kind


async def test_payloads_of_every_size_around_one_write_unit_are_kept(
    open_outside: OpenOutside,
) -> None:
    inserted = [
        make_event(payload=payload)
        for size in range(300, 1_300, 25)
        for payload in (noise(size), json.dumps("x" * size))
    ]
    async with open_outside() as outside:
        events = outside.resources.events

        await asyncio.gather(
            *(events.insert(TENANT, e, due_ms=DUE_MS, expires_s=EXPIRES_S) for e in inserted)
        )

        found = await asyncio.gather(*(events.get(TENANT, e.event_id) for e in inserted))
        assert [record.event for record in found if record] == inserted


async def test_everything_about_an_event_is_kept(open_outside: OpenOutside) -> None:
    full = make_event(
        source="café 😀",
        metadata={"": "", 'quo"te': "back\\slash\n", "é": "\u2028"},
        correlation_id="corr_~!",
        traceparent=TRACEPARENT,
        shards=32,
    )
    bare = make_event(source=None, metadata={}, traceparent=None)
    async with open_outside() as outside:
        events = outside.resources.events
        for event in (full, bare):
            await events.insert(TENANT, event, due_ms=DUE_MS, expires_s=EXPIRES_S)

            record = await events.get(TENANT, event.event_id)

            assert record is not None
            assert record.event == event


async def test_a_fresh_event_is_pending_ready_and_nobodys(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events

        await events.insert(TENANT, event, due_ms=DUE_MS, expires_s=EXPIRES_S)

        record = await events.get(TENANT, event.event_id)
        assert record is not None
        assert record.state == EventState(
            ready_ms=AT_ONCE_MS, due_ms=DUE_MS, fence=0, claims=0, lease_ms=0, deliveries=None
        )


async def test_an_event_that_is_not_there_is_none(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        assert await outside.resources.events.get(TENANT, make_event().event_id) is None


async def test_no_tenant_sees_the_event_of_another(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await events.insert(TENANT, event, due_ms=DUE_MS, expires_s=EXPIRES_S)

        assert await events.get(OTHER, event.event_id) is None


async def test_f20_an_insert_sent_again_changes_nothing(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await events.insert(TENANT, event, due_ms=DUE_MS, expires_s=EXPIRES_S)
        claimed = await events.claim(
            TENANT, event.event_id, now_ms=NOW_MS, lease_ms=NOW_MS + 45_000
        )

        await events.insert(TENANT, event, due_ms=DUE_MS, expires_s=EXPIRES_S)

        assert await events.get(TENANT, event.event_id) == claimed


async def test_the_same_insert_twice_at_once_is_one_event(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events

        await asyncio.gather(
            *(events.insert(TENANT, event, due_ms=DUE_MS, expires_s=EXPIRES_S) for _ in range(3))
        )

        page = await events.read_inbox(TENANT, EventQuery(shards=1, limit=10))
        assert [record.event for record in page.records] == [event]
