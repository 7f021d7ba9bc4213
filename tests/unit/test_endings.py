"""Deleting an event: in an order in which no crash and no repeat brings it back."""

import pytest

from tests.factories import NOW_MS, FakeClock, make_attempt, make_event
from tests.fakes import FakeResources, fake_resources
from triggers.endings import Endings
from triggers.errors import NotFound, StoreUnavailable
from triggers.ports import KeyRecord

TENANT = "ten_0000000000000001"


def make_endings(resources: FakeResources) -> Endings:
    return Endings(resources.events, resources.attempts, resources.idempotency, clock=FakeClock())


async def keep(resources: FakeResources, key_digest: str | None = None) -> str:
    """Have an event, with an attempt, and with the record of its key if it has one."""
    event = make_event(key_digest=key_digest)
    await resources.events.insert(TENANT, event, due_ms=NOW_MS, expires_s=0)
    attempt = make_attempt(event_id=event.event_id)
    await resources.attempts.record(TENANT, attempt, expires_s=0)
    if key_digest is not None:
        record = KeyRecord(event_id=event.event_id, fingerprint="f", expires_s=NOW_MS)
        await resources.idempotency.reserve(TENANT, key_digest, record, now_s=0)
    return event.event_id


async def test_an_event_is_deleted_with_its_attempts() -> None:
    resources = fake_resources()
    event_id = await keep(resources)
    await make_endings(resources).delete(TENANT, event_id)
    assert not resources.events.records
    assert not resources.attempts.rows
    assert not resources.idempotency.calls


@pytest.mark.parametrize("failing", ["mark_deleted", "delete"])
async def test_no_event_is_gone_whose_key_is_not_marked(failing: str) -> None:
    resources = fake_resources()
    event_id = await keep(resources, "digest")
    for fake in (resources.idempotency, resources.events):
        fake.failing_calls[failing] = StoreUnavailable(failing)
    with pytest.raises(StoreUnavailable):
        await make_endings(resources).delete(TENANT, event_id)
    assert (TENANT, event_id) in resources.events.records
    assert resources.idempotency.records[TENANT, "digest"].deleted == (failing == "delete")


async def test_attempts_that_cannot_be_deleted_are_no_error_of_the_tenants() -> None:
    resources = fake_resources()
    event_id = await keep(resources)
    resources.attempts.failing = StoreUnavailable("attempts")
    await make_endings(resources).delete(TENANT, event_id)
    assert not resources.events.records


@pytest.mark.parametrize("event_id", ["x", "evt_1", make_event().event_id])
async def test_what_is_not_there_can_be_neither_deleted_nor_acknowledged(event_id: str) -> None:
    endings = make_endings(fake_resources())
    with pytest.raises(NotFound):
        await endings.delete(TENANT, event_id)
    with pytest.raises(NotFound):
        await endings.acknowledge(TENANT, event_id)
