"""What the adapters and the worker do when DynamoDB loses, refuses, delays or forgets."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field

import pytest
from aiobotocore.config import AioConfig
from msgspec.structs import replace

from tests.factories import make_event
from tests.fault_proxy import (
    ANY,
    Answer,
    Call,
    Forward,
    delay,
    fail,
    hang,
    leave_unprocessed,
    lose_answer,
    lose_request,
    refuse_statements,
    strip_items,
    truncated,
    unreadable,
)
from tests.processes import until
from tests.receiver import Holding
from tests.testbed import Bench
from triggers.aws import clients, keys
from triggers.aws.resources import open_resources
from triggers.errors import Overloaded, StoreUnavailable
from triggers.event_queries import EventQuery
from triggers.events import EventRecord, EventStatus
from triggers.ports import ClaimLost
from triggers.times import system_clock

STATEMENTS = "BatchExecuteStatement"
OUTAGE_CALLS = 8  # so that the attempts of a call are used up, for more than one caller
OUTAGE_SECONDS = 1.5
CLAIM_CALLS_MAX = 40  # in that time, for 20 events: each call is three attempts
BACKOFF_SECONDS_MAX = 0.5 + 1 + 0.5  # between three attempts, and some slack


@dataclass
class Overhearing:
    """A fault that harms nothing, and keeps how many statements each batch had."""

    sizes: list[int] = field(default_factory=list)

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        self.sizes.append(len(call.content["Statements"]))
        return await forward(call)


async def inbox_size(bench: Bench) -> int:
    page = await bench.resources.events.read_inbox(
        bench.tenant.tenant_id, EventQuery(shards=1, limit=100)
    )
    return len(page.records)


async def claim(bench: Bench, event_id: str) -> EventRecord | ClaimLost:
    now_ms = system_clock()
    return await bench.resources.events.claim(
        bench.tenant.tenant_id, event_id, now_ms=now_ms, lease_ms=now_ms + 1000
    )


async def test_F20_F21_inserts_that_are_lost_or_not_answered_end_as_one_event_each(
    bench: Bench,
) -> None:
    events = []
    for fault in (lose_answer, lose_request, truncated):
        rule = bench.proxy.lay(STATEMENTS, fault, times=1)
        events.append(await bench.accept())
        assert rule.hits == 1
    assert await inbox_size(bench) == len(events)
    async with bench.worker():
        for event in events:
            assert (await bench.settled(event)).status is EventStatus.DELIVERED
    assert bench.receiver.counts() == {event.event_id: 1 for event in events}


async def test_F22_a_finish_is_tried_again_until_the_store_is_back(bench: Bench) -> None:
    holding = Holding()
    bench.receiver.behaviours["/"] = holding
    async with bench.worker():
        event = await bench.accept()
        await until(lambda: holding.held)
        with bench.proxy.laid("DynamoDB", fail(500)) as outage:
            holding.release()
            await until(lambda: outage.hits >= OUTAGE_CALLS)
        assert (await bench.settled(event)).status is EventStatus.DELIVERED
    assert bench.receiver.counts() == {event.event_id: 1}


async def test_an_aws_that_answers_nonsense_or_refuses_is_no_success_and_ends_no_loop(
    bench: Bench,
) -> None:
    async with bench.worker() as running:
        with bench.proxy.laid(ANY, unreadable) as fault:
            with pytest.raises(StoreUnavailable):
                await bench.accept()
            with pytest.raises(StoreUnavailable):
                await bench.accept(payload=f'"{secrets.token_hex(9_000)}"')
            await until(lambda: fault.hits >= OUTAGE_CALLS or running.done())
        await bench.proxy.refuse()
        with pytest.raises(StoreUnavailable):
            await bench.accept()
        await bench.proxy.accept()
        event = await bench.accept()
        assert (await bench.settled(event)).status is EventStatus.DELIVERED


async def test_F22_events_accepted_around_an_outage_all_arrive_once_it_is_over(
    bench: Bench,
) -> None:
    async with bench.worker():
        events = await bench.accept_many(10)
        with bench.proxy.laid("DynamoDB", fail(503, "ServiceUnavailable")) as outage:
            with pytest.raises(StoreUnavailable):
                await bench.accept()
            await until(lambda: outage.hits >= OUTAGE_CALLS)
        events += await bench.accept_many(10)
        await bench.receiver.has(*(event.event_id for event in events))
        for event in events:
            assert (await bench.settled(event)).status is EventStatus.DELIVERED
    assert bench.receiver.counts().total() == len(events)


async def test_F25_a_store_that_hangs_ends_in_store_unavailable_in_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 0.2
    short = AioConfig(connect_timeout=seconds, read_timeout=seconds)
    monkeypatch.setattr(clients, "DYNAMODB_CONFIG", clients.DYNAMODB_CONFIG.merge(short))
    rule = bench.proxy.lay("DynamoDB", hang)
    async with open_resources(bench.settings) as resources:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await resources.events.get(bench.tenant.tenant_id, make_event().event_id)
        assert time.monotonic() - started < 3 * seconds + BACKOFF_SECONDS_MAX
    assert rule.hits == 3


async def test_F26_a_slow_store_sheds_what_it_cannot_take_and_answers_the_rest(
    bench: Bench,
) -> None:
    waiting_max = 60
    bench.proxy.lay(STATEMENTS, delay(0.3))
    settings = replace(bench.settings, writes_waiting_max=waiting_max)
    async with open_resources(settings) as resources:

        async def insert() -> bool:
            event = make_event()
            try:
                await resources.events.insert(
                    bench.tenant.tenant_id, event, due_ms=1, expires_s=2**32
                )
            except Overloaded:
                return False
            return True

        started = time.monotonic()
        took = await asyncio.gather(*(insert() for _ in range(300)))
        assert time.monotonic() - started < 3
    assert took.count(True) >= waiting_max
    assert took.count(False) > 0


@pytest.mark.parametrize("code", ["ThrottlingError", "InternalServerError"])
async def test_F29_statements_refused_inside_a_batch_are_tried_again_alone(
    bench: Bench, code: str
) -> None:
    overhearing = Overhearing()
    bench.proxy.lay(STATEMENTS, overhearing)
    bench.proxy.lay(STATEMENTS, refuse_statements(code, every=4, tries=1))
    events = await bench.accept_many(20)
    assert sum(overhearing.sizes) == 20 + 5
    assert await inbox_size(bench) == len(events)


async def test_F29_a_statement_that_stays_refused_fails_for_its_caller_alone(
    bench: Bench,
) -> None:
    bench.proxy.lay(STATEMENTS, refuse_statements("ThrottlingError", every=10, tries=1000))
    results = await asyncio.gather(*(bench.accept() for _ in range(20)), return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    assert len(errors) == 2
    assert all(isinstance(error, StoreUnavailable) for error in errors)
    assert await inbox_size(bench) == 18


@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchWriteItem"])
async def test_requests_left_out_of_a_batch_are_sent_again(bench: Bench, operation: str) -> None:
    payload = '"' + "".join(chr(0x4E00 + (i * 7919) % 20_000) for i in range(300_000)) + '"'
    rule = bench.proxy.lay(operation, leave_unprocessed, times=2)
    event = make_event(payload=payload)
    tenant_id = bench.tenant.tenant_id
    await bench.resources.events.insert(tenant_id, event, due_ms=1, expires_s=2**32)
    record = await bench.resources.events.get(tenant_id, event.event_id)
    assert rule.hits == 2
    assert record is not None
    assert record.event.payload == payload


async def test_an_event_is_delivered_though_no_statement_answers_with_its_item(
    bench: Bench,
) -> None:
    bench.proxy.lay(STATEMENTS, strip_items)
    async with bench.worker():
        event = await bench.accept()
        assert (await bench.settled(event)).status is EventStatus.DELIVERED
    assert bench.receiver.counts() == {event.event_id: 1}


async def test_a_lost_claim_knows_the_lease_though_no_statement_answers_with_its_item(
    bench: Bench,
) -> None:
    bench.proxy.lay(STATEMENTS, strip_items)
    event = await bench.accept()
    won = await claim(bench, event.event_id)
    lost = await claim(bench, event.event_id)
    assert isinstance(won, EventRecord)
    assert lost == ClaimLost(lease_ms=won.state.lease_ms)


async def test_F30_an_event_that_goes_while_it_is_delivered_leaves_no_ghost(bench: Bench) -> None:
    holding = Holding()
    bench.receiver.behaviours["/"] = holding
    async with bench.worker():
        event = await bench.accept()
        await until(lambda: holding.held)
        key = {
            "pk": {"S": keys.partition_of_event(bench.tenant.tenant_id, event.event_id)},
            "sk": {"S": event.event_id},
        }
        table = bench.clients.name(keys.EVENTS)
        await bench.clients.dynamodb.delete_item(TableName=table, Key=key)
        before = bench.proxy.calls[STATEMENTS]
        holding.release()
        await until(lambda: bench.proxy.calls[STATEMENTS] > before)
    assert await bench.resources.events.get(bench.tenant.tenant_id, event.event_id) is None


async def test_F31_with_dynamodb_away_nothing_is_claimed_and_nobody_runs_hot(
    bench: Bench,
) -> None:
    async with bench.worker():
        await bench.settled(await bench.accept())
        with bench.proxy.laid("SendMessageBatch", fail(500)):
            events = await bench.accept_many(20)
        bench.proxy.calls.clear()
        with bench.proxy.laid("DynamoDB", fail(503, "ServiceUnavailable")):
            ends = time.monotonic() + OUTAGE_SECONDS
            for event in events:
                await bench.send_hint(event)
            await until(lambda: time.monotonic() > ends)
            calls = bench.proxy.calls.copy()
        assert bench.receiver.counts().total() == 1
        assert calls[STATEMENTS] + calls["BatchGetItem"] <= CLAIM_CALLS_MAX
        assert calls["ReceiveMessage"] <= len(events)
        for event in events:
            await bench.settled(event)
    assert set(bench.receiver.counts().values()) == {1}
