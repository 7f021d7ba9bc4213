"""Nothing depends on SQS remembering: hints that are lost, repeated, late, broken or unwanted."""

import asyncio
import time
from typing import Any

from tests.factories import make_event
from tests.fault_proxy import fail, hang
from tests.processes import WAIT_SECONDS, until
from tests.testbed import Bench
from triggers.aws import keys
from triggers.events import Event, EventStatus
from triggers.messages import HINT_EVENTS_MAX, Hint, encode_message
from triggers.times import system_clock

SEND_SECONDS_MAX = 0.5  # a hint's own timeout
UNSWEPT_MS = 600_000
HINT_AGAIN_SECONDS = 0.2  # a worker may just be pausing, and drops what is older than the grace


async def change_queue(bench: Bench, plain_name: str, **attributes: str) -> None:
    url = await bench.queue_url(plain_name)
    values: Any = attributes
    await bench.clients.sqs_send.set_queue_attributes(QueueUrl=url, Attributes=values)


async def insert_unswept(bench: Bench) -> Event:
    """Insert an event at which the sweeper does not look for a long time."""
    event = make_event()
    due_ms = system_clock() + UNSWEPT_MS
    await bench.resources.events.insert(
        bench.tenant.tenant_id, event, due_ms=due_ms, expires_s=2**32
    )
    return event


async def settled_by_its_hint(bench: Bench) -> None:
    """Have an event that only a fresh hint can bring forward come to its end."""
    event = await insert_unswept(bench)
    async with asyncio.timeout(WAIT_SECONDS):
        while (await bench.record(event)).state.status is EventStatus.PENDING:
            await bench.send_hint(event)
            await asyncio.sleep(HINT_AGAIN_SECONDS)
    assert bench.receiver.counts()[event.event_id] == 1


async def test_F40_hints_that_cannot_be_sent_neither_fail_nor_delay_an_insert(
    bench: Bench,
) -> None:
    events = []
    async with bench.worker():
        for fault in (fail(500), hang):
            with bench.proxy.laid("SendMessageBatch", fault):
                started = time.monotonic()
                events += await bench.accept_many(20)
                assert time.monotonic() - started < SEND_SECONDS_MAX
                await bench.receiver.has(*(event.event_id for event in events))
        for event in events:
            assert (await bench.settled(event)).status is EventStatus.DELIVERED
    assert bench.receiver.counts().total() == len(events)


async def test_F42_a_hint_that_comes_twenty_times_is_one_delivery(bench: Bench) -> None:
    event = await bench.accept()
    await asyncio.gather(*(bench.send_hint(event) for _ in range(20)))
    async with bench.worker():
        await bench.settled(event)
        await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 0)
    assert bench.receiver.counts() == {event.event_id: 1}
    assert (await bench.record(event)).state.fence == 1


async def test_F43_a_hint_at_a_completed_event_is_no_delivery(bench: Bench) -> None:
    async with bench.worker():
        event = await bench.accept()
        await bench.settled(event)
        await asyncio.gather(*(bench.send_hint(event) for _ in range(5)))
        await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 0)
    assert bench.receiver.counts() == {event.event_id: 1}
    assert (await bench.record(event)).state.fence == 1


async def test_F44_hints_that_come_late_are_dropped_unread(bench: Bench) -> None:
    event = await insert_unswept(bench)
    await bench.send_hint(event, sent_ms=system_clock() - 120_000)
    async with bench.worker():
        await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 0)
        assert (await bench.record(event)).state.fence == 0
        await settled_by_its_hint(bench)


async def test_F44_a_hint_at_an_event_that_is_not_there_yet_does_no_harm(bench: Bench) -> None:
    unknown = make_event()
    async with bench.worker():
        await bench.send_hint(unknown)
        await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 0)
        assert await bench.resources.events.get(bench.tenant.tenant_id, unknown.event_id) is None
        await bench.settled(await bench.accept())


async def test_F45_events_arrive_though_their_hints_were_purged(bench: Bench) -> None:
    events = await bench.accept_many(20)
    await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 1)
    url = await bench.queue_url(keys.DELIVERIES_QUEUE)
    await bench.clients.sqs_send.purge_queue(QueueUrl=url)
    async with bench.worker():
        await bench.receiver.has(*(event.event_id for event in events))


async def test_F45_events_arrive_while_there_is_no_queue_and_hints_once_there_is(
    bench: Bench,
) -> None:
    url = await bench.queue_url(keys.DELIVERIES_QUEUE)
    await bench.clients.sqs_send.delete_queue(QueueUrl=url)
    async with bench.worker():
        await bench.settled(await bench.accept())
        name = bench.clients.name(keys.DELIVERIES_QUEUE)
        await bench.clients.sqs_send.create_queue(QueueName=name)
        await settled_by_its_hint(bench)


async def test_F46_a_worker_that_cannot_receive_keeps_trying_and_sweeping(bench: Bench) -> None:
    rule = bench.proxy.lay("ReceiveMessage", fail(500), times=2)
    async with bench.worker(hint_grace_seconds=0.2) as running:
        event = await bench.accept()
        await bench.settled(event)
        await until(lambda: bench.proxy.calls["ReceiveMessage"] > rule.hits == 2)
        await settled_by_its_hint(bench)
        assert not running.done()


async def test_F47_a_hint_that_cannot_be_deleted_comes_again_and_does_no_harm(
    bench: Bench,
) -> None:
    await change_queue(bench, keys.DELIVERIES_QUEUE, VisibilityTimeout="1")
    rule = bench.proxy.lay("DeleteMessageBatch", fail(500), times=2)
    async with bench.worker():
        event = await bench.accept()
        await bench.settled(event)
        await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 0)
    assert rule.hits == 2
    assert bench.receiver.counts() == {event.event_id: 1}


async def test_F48_malformed_hints_end_in_the_dead_letter_queue_and_hold_up_nobody(
    bench: Bench,
) -> None:
    arn = (
        await bench.clients.sqs_send.get_queue_attributes(
            QueueUrl=await bench.queue_url(keys.DELIVERIES_DEAD_LETTER_QUEUE),
            AttributeNames=["QueueArn"],
        )
    )["Attributes"]["QueueArn"]
    await change_queue(
        bench,
        keys.DELIVERIES_QUEUE,
        VisibilityTimeout="1",
        RedrivePolicy=f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": 2}}',
    )
    ids = tuple(make_event().event_id for _ in range(HINT_EVENTS_MAX + 1))
    too_many = Hint(tenant_id="t", event_ids=ids, sent_ms=system_clock())
    malformed = [
        "no JSON at all",
        '{"kind": "hint.9", "tenant_id": "t", "event_ids": [], "sent_ms": 1}',
        '{"kind": "hint.1", "tenant_id": "t", "event_ids": ["../../x"], "sent_ms": 1}',
        '{"kind": "hint.1", "tenant_id": 5}',
        encode_message(too_many),
        "[" * 100_000,
        "x" * 250_000,
    ]
    for text in malformed:
        await bench.send_text(text)
    async with bench.worker():
        event = await bench.accept()
        assert (await bench.settled(event)).status is EventStatus.DELIVERED
        await bench.queue_comes_to(keys.DELIVERIES_DEAD_LETTER_QUEUE, len(malformed))
        await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 0)
