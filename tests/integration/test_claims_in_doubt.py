"""Claims of which it is not clear whether they were made, or which cannot be used once they are."""

from dataclasses import dataclass

import pytest

from tests.factories import make_event
from tests.fault_proxy import (
    Answer,
    Call,
    Fault,
    Forward,
    leave_unprocessed,
    lose_answer,
    strip_items,
)
from tests.testbed import Bench
from triggers.aws import keys
from triggers.errors import StoreUnavailable
from triggers.event_queries import EventQuery
from triggers.events import Event, EventRecord, EventStatus
from triggers.ports import ClaimLost
from triggers.times import system_clock

STATEMENTS = "BatchExecuteStatement"
LEASE_MS = 60_000
LATER_MS = 3_600_000
LARGE = '"' + "".join(chr(0x4E00 + (i * 7919) % 20_000) for i in range(300_000)) + '"'


async def insert(bench: Bench, payload: str = "1") -> Event:
    event = make_event(payload=payload)
    await bench.resources.events.insert(
        bench.tenant.tenant_id, event, due_ms=system_clock(), expires_s=2**32
    )
    return event


async def claim(bench: Bench, event: Event, *, later_ms: int = 0) -> EventRecord | ClaimLost:
    now_ms = system_clock() + later_ms
    return await bench.resources.events.claim(
        bench.tenant.tenant_id, event.event_id, now_ms=now_ms, lease_ms=now_ms + LEASE_MS
    )


@dataclass
class Meanwhile:
    """A claim comes back without its item, and before that is read something else happens."""

    bench: Bench
    event: Event
    happens: str

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        answer = await strip_items(call, forward)
        if self.happens == "acknowledged":
            await self.bench.resources.events.acknowledge(
                self.bench.tenant.tenant_id, self.event.event_id, system_clock()
            )
        else:
            assert isinstance(await claim(self.bench, self.event, later_ms=LATER_MS), EventRecord)
        return answer


@pytest.mark.parametrize("others", [[], [strip_items]])
async def test_f20_a_claim_whose_answer_was_lost_is_recognised_as_ours(
    bench: Bench, others: list[Fault]
) -> None:
    event = await insert(bench)
    for fault in others:
        bench.proxy.lay(STATEMENTS, fault)
    rule = bench.proxy.lay(STATEMENTS, lose_answer, times=1)

    claimed = await claim(bench, event)

    assert rule.hits == 1
    assert isinstance(claimed, EventRecord)
    assert (claimed.state.fence, claimed.state.claims) == (1, 1)
    assert isinstance(await claim(bench, event), ClaimLost)


@pytest.mark.parametrize("happens", ["acknowledged", "claimed by another"])
async def test_a_claim_read_late_does_not_take_over_what_others_made_of_the_event(
    bench: Bench, happens: str
) -> None:
    event = await insert(bench)
    bench.proxy.lay(STATEMENTS, Meanwhile(bench, event, happens), times=1)

    assert isinstance(await claim(bench, event), ClaimLost)


async def test_a_claim_is_given_back_when_the_payload_cannot_be_read(bench: Bench) -> None:
    event = await insert(bench, payload=LARGE)

    with bench.proxy.laid("BatchGetItem", leave_unprocessed), pytest.raises(StoreUnavailable):
        await claim(bench, event)

    state = (await bench.record(event)).state
    assert (state.status, state.claims, state.lease_ms) == (EventStatus.PENDING, 0, 0)
    assert state.due_ms == state.ready_ms > system_clock()
    claimed = await claim(bench, event, later_ms=LATER_MS)
    assert isinstance(claimed, EventRecord)
    assert (claimed.event, claimed.state.claims) == (event, 1)


async def test_a_claim_that_cannot_even_be_given_back_says_that_the_store_is_away(
    bench: Bench,
) -> None:
    event = await insert(bench, payload=LARGE)

    async def fail_after_the_claim(call: Call, forward: Forward) -> Answer | None:
        if '"claims" = ?' in str(call.content):
            return Answer(status=400, body=b'{"__type": "x#ThrottlingException"}')
        return await forward(call)

    bench.proxy.lay(STATEMENTS, fail_after_the_claim)
    bench.proxy.lay("BatchGetItem", leave_unprocessed)
    with pytest.raises(StoreUnavailable, match="left out"):
        await claim(bench, event)


async def test_f30_an_event_whose_payload_ttl_has_taken_is_as_good_as_gone(bench: Bench) -> None:
    gone, there = await insert(bench, payload=LARGE), await insert(bench)
    partition = keys.by_event(bench.tenant.tenant_id, gone.event_id)
    await bench.clients.dynamodb.delete_item(
        TableName=bench.clients.name(keys.PAYLOADS), Key={"pk": {"S": partition}, "sk": {"N": "0"}}
    )
    events, tenant_id = bench.resources.events, bench.tenant.tenant_id

    assert await claim(bench, gone) == ClaimLost()
    assert isinstance(await claim(bench, gone, later_ms=LATER_MS), ClaimLost), "it is put off"
    assert await events.get(tenant_id, gone.event_id) is None
    page = await events.read_inbox(tenant_id, EventQuery(shards=1, limit=10))
    assert [record.event for record in page.records] == [there]
    key = {
        "pk": {"S": keys.partition_of_event(tenant_id, gone.event_id)},
        "sk": {"S": gone.event_id},
    }
    table = bench.clients.name(keys.EVENTS)
    item = (await bench.clients.dynamodb.get_item(TableName=table, Key=key))["Item"]
    assert (item["claims"], item["lease"], item["fence"]) == ({"N": "0"}, {"N": "0"}, {"N": "1"})
