"""What a page of a list asks the store for, and what it makes of an index that lags."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from tests.factories import NOW_MS, make_event
from tests.fault_proxy import Answer, Call, Fault, Forward
from tests.testbed import Bench
from triggers.aws.event_lists import READ_MAX, ROUNDS_MAX
from triggers.event_queries import EventFilter, EventQuery
from triggers.times import system_clock

LARGE = f'"{secrets.token_hex(5_000)}"'  # it does not fit into the item even compressed
EVENTS_PER_SHARD = 5


@dataclass
class Overhearing:
    """A fault that harms nothing, and keeps what was asked and answered."""

    asked: list[Any] = field(default_factory=list)
    answered: list[Any] = field(default_factory=list)

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        answer = await forward(call)
        assert answer is not None
        self.asked.append(call.content)
        self.answered.append(answer.content)
        return answer


def answering_as_before(answers: list[Any]) -> Fault:
    """Return the fault of an index that lags: it answers as it did."""

    async def fault(call: Call, forward: Forward) -> Answer | None:
        return Answer().with_content(answers[0])

    return fault


async def test_F28_what_is_done_is_not_in_the_inbox_though_the_index_still_says_so(
    bench: Bench,
) -> None:
    events, tenant_id = bench.resources.events, bench.tenant.tenant_id
    acknowledged, deleted, waiting = await bench.accept_many(3)
    query = EventQuery(shards=1, limit=10)
    overhearing = Overhearing()
    with bench.proxy.laid("Query", overhearing):
        assert len((await events.read_inbox(tenant_id, query)).records) == 3
    await events.acknowledge(tenant_id, acknowledged.event_id, system_clock())
    await events.delete(tenant_id, deleted.event_id)

    with bench.proxy.laid("Query", answering_as_before(overhearing.answered)):
        page = await events.read_inbox(tenant_id, query)

    assert [record.event for record in page.records] == [waiting]
    assert page.position is None


@pytest.mark.parametrize("with_payload", [True, False])
async def test_a_list_sees_every_write_and_no_payload_that_nobody_asked_for(
    bench: Bench, with_payload: bool
) -> None:
    sent = [await bench.accept(payload=payload) for payload in ("1", LARGE)]
    chunks = bench.proxy.calls["BatchGetItem"]
    overhearing = Overhearing()

    with bench.proxy.laid("Query", overhearing):
        query = EventQuery(shards=1, limit=10, with_payload=with_payload)
        page = await bench.resources.events.read_events(bench.tenant.tenant_id, query)

    assert [record.event.event_id for record in page.records] == [e.event_id for e in sent]
    [asked], [answered] = overhearing.asked, overhearing.answered
    assert asked["ConsistentRead"] is True
    assert any("payload" in item for item in answered["Items"]) is with_payload
    assert (bench.proxy.calls["BatchGetItem"] > chunks) is with_payload


@pytest.mark.parametrize("shards", [1, 32])
async def test_a_page_of_a_filter_that_takes_nothing_makes_a_bounded_number_of_calls(
    bench: Bench, shards: int
) -> None:
    events, tenant_id = bench.resources.events, bench.tenant.tenant_id
    inserted = [
        make_event(created_ms=NOW_MS + number, shards=shards)
        for number in range(EVENTS_PER_SHARD * shards)
    ]
    await asyncio.gather(
        *(events.insert(tenant_id, e, due_ms=NOW_MS, expires_s=NOW_MS) for e in inserted)
    )
    query = EventQuery(shards=shards, limit=1, filter=EventFilter(source="none"))
    for read in (events.read_events, events.read_inbox):
        before, overhearing = bench.proxy.calls.copy(), Overhearing()
        with bench.proxy.laid("Query", overhearing):
            page = await read(tenant_id, replace(query, with_payload=False))
        assert page.records == ()
        assert page.position is None
        assert len(overhearing.asked) <= ROUNDS_MAX * shards
        assert sum(asked["Limit"] for asked in overhearing.asked) <= READ_MAX
        reads = bench.proxy.calls["BatchGetItem"] - before["BatchGetItem"]
        assert reads <= EVENTS_PER_SHARD * shards
