"""Idempotency keys: one event for each, whatever happens on the way."""

import asyncio
import secrets
from typing import Any

import pytest

from tests.factories import NOW_MS, FakeClock, make_draft, make_tenant
from tests.fakes import FakeEvents, FakeHints, FakeIdempotency
from triggers.errors import Conflict, IdempotencyMismatch, StoreUnavailable
from triggers.idempotency import IdempotentIntake, digest_of_key, fingerprint_of
from triggers.intake import EventDraft, Intake

TENANT = make_tenant()
HOURS = 24


class World:
    """An intake on fakes."""

    def __init__(self) -> None:
        self.events, self.hints, self.records = FakeEvents(), FakeHints(), FakeIdempotency()
        self.clock = FakeClock()
        intake = Intake(
            self.events,
            self.hints,
            clock=self.clock,
            random_bits=secrets.randbits,
            grace_seconds=10,
            retention_days=30,
        )
        self.intake = IdempotentIntake(
            intake, self.events, self.records, clock=self.clock, hours=HOURS
        )

    async def accept(self, key: str | None = "k", **draft: Any) -> tuple[str, bool]:
        """Accept an event; returns its id, and whether it was there before."""
        made = make_draft(idempotency_key=key, **draft)
        accepted = await self.intake.accept(TENANT, made)
        return accepted.event.event_id, accepted.replayed


async def test_without_a_key_an_event_costs_one_insert_and_nothing_more() -> None:
    world = World()
    await world.accept(None)
    assert world.events.calls == {"insert": 1}
    assert not world.records.calls


async def test_with_a_key_a_fresh_event_costs_one_record_more() -> None:
    world = World()
    await world.accept()
    assert world.events.calls == {"insert": 1}
    assert world.records.calls == {"reserve": 1}


async def test_the_same_key_and_content_is_the_first_event_as_it_stands_now() -> None:
    world = World()
    event_id, replayed = await world.accept(correlation_id="corr_first")
    await world.events.acknowledge(TENANT.tenant_id, event_id, NOW_MS)

    again = await world.intake.accept(
        TENANT, make_draft(idempotency_key="k", correlation_id="corr_second")
    )

    assert (replayed, again.replayed) == (False, True)
    assert again.event.event_id == event_id
    assert again.event.correlation_id == "corr_first"
    assert again.state.acknowledged_ms == NOW_MS
    assert len(world.events.records) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"event_type": "order.changed"},
        {"payload": '{"order":1}'},
        {"source": None},
        {"metadata": {"region": "us"}},
        {"metadata": {"priority": "high"}},
    ],
)
async def test_B47_the_same_key_with_other_content_is_refused(other: dict[str, Any]) -> None:
    world = World()
    await world.accept()
    with pytest.raises(IdempotencyMismatch):
        await world.accept(**other)
    assert len(world.events.records) == 1


def test_the_content_is_the_same_whatever_the_order_and_the_place_of_the_key() -> None:
    metadata = {"a": "1", "b": "2"}
    drafts = [
        make_draft(metadata=metadata),
        make_draft(metadata=dict(reversed(metadata.items())), correlation_id="corr_2"),
        make_draft(metadata=metadata | {"idempotency_key": "k"}, idempotency_key="k"),
    ]
    assert len({fingerprint_of(draft) for draft in drafts}) == 1


def test_nothing_moves_from_one_part_of_the_content_to_another() -> None:
    drafts: list[EventDraft] = [
        make_draft(source="a", metadata={}),
        make_draft(source=None, metadata={"a": ""}),
        make_draft(source=None, metadata={"": "a"}),
        make_draft(source="a", event_type="b"),
        make_draft(source="b", event_type="a"),
    ]
    assert len({fingerprint_of(draft) for draft in drafts}) == len(drafts)


async def test_two_tenants_may_use_the_same_key() -> None:
    world = World()
    first, _ = await world.accept()
    other = await world.intake.accept(make_tenant(), make_draft(idempotency_key="k"))
    assert not other.replayed
    assert other.event.event_id != first


async def test_a_key_is_known_for_its_hours_and_then_free_again() -> None:
    world = World()
    first, _ = await world.accept()
    world.clock.advance(HOURS * 3600 - 1)
    assert await world.accept() == (first, True)
    world.clock.advance(1)
    second, replayed = await world.accept(payload="2")
    assert not replayed
    assert second != first


async def test_an_event_that_a_crash_left_out_is_stored_under_its_recorded_id() -> None:
    world = World()
    world.events.failing_calls["insert"] = StoreUnavailable("killed")
    with pytest.raises(StoreUnavailable):
        await world.accept()
    del world.events.failing_calls["insert"]

    event_id, _ = await world.accept()

    [record] = world.records.records.values()
    assert record.event_id == event_id
    assert list(world.events.records) == [(TENANT.tenant_id, event_id)]
    assert world.hints.calls["send"] == 1


async def test_a_deleted_event_does_not_come_back_by_its_key() -> None:
    world = World()
    event_id, _ = await world.accept()
    await world.records.mark_deleted(TENANT.tenant_id, digest_of_key("k"), event_id)
    await world.events.delete(TENANT.tenant_id, event_id)

    with pytest.raises(Conflict, match=f"{event_id}.* was deleted"):
        await world.accept()

    assert not world.events.records


async def test_an_event_that_is_deleted_during_its_repeat_does_not_come_back() -> None:
    world = World()
    event_id, _ = await world.accept()
    world.events.gate.clear()
    repeat = asyncio.create_task(world.accept())
    while not world.events.calls["get"] and not repeat.done():
        await asyncio.sleep(0)

    await world.records.mark_deleted(TENANT.tenant_id, digest_of_key("k"), event_id)
    world.events.records.clear()
    world.events.gate.set()

    with pytest.raises(Conflict):
        await repeat
    assert not world.events.records


async def test_B47_a_hundred_calls_at_once_make_one_event() -> None:
    world = World()
    answers = await asyncio.gather(*(world.accept() for _ in range(100)))
    assert len({event_id for event_id, _ in answers}) == 1
    assert sorted(replayed for _, replayed in answers) == [False] + [True] * 99
    assert len(world.events.records) == 1
