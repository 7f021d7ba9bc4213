"""Deleting an event, and what belongs to it."""

import asyncio
import secrets

import pytest

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, make_attempt, make_delivery, make_event, make_webhook
from triggers.event_queries import EventQuery
from triggers.events import progress_of
from triggers.ids import due_shard_of
from triggers.ports import ClaimLost

TENANT, OTHER = "ten_0000000000000001", "ten_0000000000000002"
EXPIRES_S = NOW_MS // 1000 + 86_400
LEASE_MS = NOW_MS + 45_000
LARGE = '"' + secrets.token_hex(200_000) + '"'  # which is two chunks


@pytest.mark.parametrize("payload", ["1", LARGE])
async def test_a_deleted_event_is_gone_from_everywhere(
    open_outside: OpenOutside, payload: str
) -> None:
    event, kept = make_event(payload=payload), make_event(payload=payload)
    async with open_outside() as outside:
        events = outside.resources.events
        for each in (event, kept):
            await events.insert(TENANT, each, due_ms=NOW_MS, expires_s=EXPIRES_S)

        assert await events.delete(TENANT, event.event_id)

        assert not await events.delete(TENANT, event.event_id)
        assert await events.get(TENANT, event.event_id) is None
        assert await events.acknowledge(TENANT, event.event_id, NOW_MS) is None
        page = await events.read_inbox(TENANT, EventQuery(shards=1, limit=10))
        assert [record.event for record in page.records] == [kept]
        due = await events.read_due(
            due_shard_of(event.event_id), now_ms=NOW_MS, limit=10, after=None
        )
        assert event.event_id not in {entry.event_id for entry in due}
        # The payload went too: an event of the same id that says less finds no chunks to read.
        again = make_event(event_id=event.event_id, payload="2")
        await events.insert(TENANT, again, due_ms=NOW_MS, expires_s=EXPIRES_S)
        record = await events.get(TENANT, event.event_id)
        assert record is not None
        assert record.event == again


async def test_nobody_deletes_the_event_of_another_tenant(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await events.insert(TENANT, event, due_ms=NOW_MS, expires_s=EXPIRES_S)

        assert not await events.delete(OTHER, event.event_id)

        assert await events.get(TENANT, event.event_id) is not None


async def test_a_worker_that_comes_late_to_a_deleted_event_changes_nothing(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await events.insert(TENANT, event, due_ms=NOW_MS, expires_s=EXPIRES_S)
        await events.claim(TENANT, event.event_id, now_ms=NOW_MS, lease_ms=LEASE_MS)

        await events.delete(TENANT, event.event_id)

        deliveries = (make_delivery(),)
        assert not await events.save(TENANT, event.event_id, 1, deliveries)
        assert not await events.finish(TENANT, event.event_id, 1, progress_of(deliveries, NOW_MS))
        again = await events.claim(TENANT, event.event_id, now_ms=NOW_MS, lease_ms=LEASE_MS)
        assert again == ClaimLost()
        assert await events.get(TENANT, event.event_id) is None


async def test_an_event_is_read_without_its_payload(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        events = outside.resources.events
        for payload in ("1", LARGE):
            event = make_event(payload=payload)
            await events.insert(TENANT, event, due_ms=NOW_MS, expires_s=EXPIRES_S)

            whole = await events.get(TENANT, event.event_id)
            slim = await events.get(TENANT, event.event_id, with_payload=False)

            assert whole is not None
            assert slim is not None
            assert slim.event == make_event(event_id=event.event_id, payload="")
            assert slim.state == whole.state


async def test_the_attempts_of_an_event_are_deleted_and_no_others(
    open_outside: OpenOutside,
) -> None:
    event_id, other_id = make_event().event_id, make_event().event_id
    webhooks = [make_webhook().webhook_id for _ in range(3)]
    gone = [
        make_attempt(event_id=event_id, webhook_id=webhook_id, number=number)
        for webhook_id in webhooks
        for number in range(1, 21)
    ]
    kept = make_attempt(event_id=other_id, webhook_id=webhooks[0])
    async with open_outside() as outside:
        attempts = outside.resources.attempts
        await asyncio.gather(
            *(attempts.record(TENANT, attempt, expires_s=EXPIRES_S) for attempt in (*gone, kept)),
            attempts.record(OTHER, gone[0], expires_s=EXPIRES_S),
        )

        await attempts.delete(TENANT, event_id)

        assert await attempts.read(TENANT, event_id) == []
        assert await attempts.read(TENANT, other_id) == [kept]
        assert await attempts.read(OTHER, event_id) == [gone[0]]
        await attempts.delete(TENANT, event_id)
