"""Accepting an event: stored first, hinted at afterwards."""

import asyncio

import pytest

from tests.factories import NOW_MS, TRACEPARENT, CountingBits, FakeClock, make_draft, make_tenant
from tests.fakes import FakeEvents, FakeHints
from triggers.errors import Overloaded, StoreUnavailable, Unavailable
from triggers.events import AT_ONCE_MS, Event, EventState
from triggers.ids import make_event_id, shard_of
from triggers.intake import Intake
from triggers.messages import Hint

TENANT = make_tenant()


def make_intake(events: FakeEvents, hints: FakeHints) -> Intake:
    return Intake(
        events,
        hints,
        clock=FakeClock(),
        random_bits=CountingBits(),
        grace_seconds=10,
        retention_days=30,
    )


async def test_an_accepted_event_can_be_read_back() -> None:
    events = FakeEvents()
    draft = make_draft(metadata={"region": "eu"}, traceparent=TRACEPARENT)

    event = await make_intake(events, FakeHints()).accept(TENANT, draft)

    assert event == Event(
        event_id=make_event_id(NOW_MS, 1, CountingBits()),
        event_type=draft.event_type,
        payload=draft.payload,
        source=draft.source,
        metadata=draft.metadata,
        correlation_id=draft.correlation_id,
        traceparent=TRACEPARENT,
    )
    record = await events.get(TENANT.tenant_id, event.event_id)
    assert record is not None
    assert record.event == event


async def test_an_accepted_event_is_ready_at_once_and_due_after_the_grace() -> None:
    events = FakeEvents()

    event = await make_intake(events, FakeHints()).accept(TENANT, make_draft())

    state = events.records[TENANT.tenant_id, event.event_id].state
    assert state == EventState(ready_ms=AT_ONCE_MS, due_ms=NOW_MS + 10_000)


async def test_an_accepted_event_is_kept_for_the_retention() -> None:
    events = FakeEvents()

    event = await make_intake(events, FakeHints()).accept(TENANT, make_draft())

    kept_s = events.expires_s[TENANT.tenant_id, event.event_id] - NOW_MS // 1000
    assert kept_s == 30 * 86_400


async def test_an_event_goes_to_one_of_its_tenants_shards() -> None:
    intake = make_intake(FakeEvents(), FakeHints())
    tenant = make_tenant(shards=8)

    shards = {shard_of((await intake.accept(tenant, make_draft())).event_id) for _ in range(8)}

    assert shards == set(range(8))


async def test_an_accepted_event_is_hinted_at() -> None:
    hints = FakeHints(FakeClock())

    event = await make_intake(FakeEvents(), hints).accept(
        TENANT, make_draft(traceparent=TRACEPARENT)
    )

    (received,) = await hints.receive()
    assert received.hint == Hint(
        tenant_id=TENANT.tenant_id,
        event_ids=(event.event_id,),
        sent_ms=NOW_MS,
        traceparents={event.event_id: TRACEPARENT},
    )


async def test_a_hint_is_sent_only_when_its_event_is_stored() -> None:
    events, hints = FakeEvents(), FakeHints()
    events.gate.clear()

    async with asyncio.TaskGroup() as group:
        accepting = group.create_task(make_intake(events, hints).accept(TENANT, make_draft()))
        while not events.calls["insert"]:
            await asyncio.sleep(0)
        assert hints.calls["send"] == 0
        events.gate.set()

    assert hints.calls["send"] == 1
    assert (TENANT.tenant_id, accepting.result().event_id) in events.records


@pytest.mark.parametrize("error", [StoreUnavailable("insert"), Overloaded()])
async def test_an_event_that_was_not_stored_is_not_hinted_at(error: Unavailable) -> None:
    events, hints = FakeEvents(), FakeHints()
    events.failing = error

    with pytest.raises(type(error)):
        await make_intake(events, hints).accept(TENANT, make_draft())

    assert hints.calls["send"] == 0


async def test_f40_a_lost_hint_is_no_error_of_the_producers() -> None:
    events, hints = FakeEvents(), FakeHints()
    hints.failing = StoreUnavailable("send")

    event = await make_intake(events, hints).accept(TENANT, make_draft())

    assert (TENANT.tenant_id, event.event_id) in events.records
    assert hints.lost == 1
