"""`Prefer: wait=N`: an answer that waits for the deliveries of its event."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from app.lifecycle import Lifecycle
from app.preferences import wait_seconds_of
from app.waits import Waits
from tests.factories import NOW_MS, make_delivery, make_event
from tests.fakes import FakeEvents
from tests.unit.app.api import Api, running_api
from triggers.deliveries import DeliveryStatus
from triggers.errors import StoreUnavailable
from triggers.events import Progress, progress_of
from triggers.idempotency import Accepted

TENANT = "ten_0000000000000001"
EVENT = '{"event_type": "a", "payload": 1}'
DELIVERED = (make_delivery(status=DeliveryStatus.DELIVERED, attempts=1, delivered_ms=NOW_MS),)
RETRIED = (make_delivery(attempts=1, next_attempt_ms=NOW_MS + 5_000),)


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], 0),
        (["wait=5"], 5),
        (['Wait = "5"'], 5),
        (["wait=0"], 0),
        (["wait=30"], 30),
        (["wait=31"], 30),
        (["wait=999999999"], 30),
        (["wait=5; x=y"], 5),
        (["respond-async, wait=7"], 7),
        (["respond-async", "wait=7", "wait=8"], 7),
        (["wait"], 0),
        (["wait=-1"], 0),
        (["wait=1.5"], 0),
        (["wait=5s"], 0),
        (["wait=٣"], 0),
        (["wait=" + "9" * 5000], 0),
        (["waiter=5"], 0),
        ([""], 0),
    ],
)
def test_what_is_not_understood_of_a_preference_is_ignored(values: list[str], seconds: int) -> None:
    headers = [(b"prefer", value.encode().decode("latin-1").encode("latin-1")) for value in values]
    assert wait_seconds_of({"headers": headers}) == seconds


async def finish(events: FakeEvents, event_id: str, progress: Progress, tenant_id: str) -> None:
    await events.claim(tenant_id, event_id, now_ms=NOW_MS, lease_ms=NOW_MS + 45_000)
    assert await events.finish(tenant_id, event_id, 1, progress)


async def accepted_in(events: FakeEvents) -> Accepted:
    event = make_event()
    await events.insert(TENANT, event, due_ms=NOW_MS, expires_s=0)
    return Accepted(event=event)


@asynccontextmanager
async def waiting(
    events: FakeEvents, waits: Waits, accepted: Accepted, **values: Any
) -> AsyncIterator["asyncio.Task[tuple[Accepted, bool]]"]:
    """Wait in the background, and give out the wait when it has read the event."""
    lifecycle = values.get("lifecycle", Lifecycle())
    task = asyncio.create_task(
        waits.until_settled(TENANT, accepted, values.get("seconds", 20), lifecycle)
    )
    async with asyncio.timeout(5):
        while not events.calls["get"]:
            await asyncio.sleep(0.01)
        yield task
        await task


async def test_a_wait_ends_when_every_delivery_is_settled() -> None:
    events = FakeEvents()
    accepted = await accepted_in(events)
    async with waiting(events, Waits(events), accepted) as wait:
        await finish(events, accepted.event.event_id, progress_of(DELIVERED, NOW_MS), TENANT)
    stands, has_waited = wait.result()
    assert has_waited
    assert stands.state.deliveries == DELIVERED
    assert stands.event == replace(accepted.event, payload="")


@pytest.mark.parametrize("deliveries", [(), RETRIED])
async def test_a_wait_ends_at_once_if_nobody_wants_the_event_but_not_at_a_retry(
    deliveries: Any,
) -> None:
    events = FakeEvents()
    accepted = await accepted_in(events)
    await finish(events, accepted.event.event_id, progress_of(deliveries, NOW_MS), TENANT)
    started = asyncio.get_running_loop().time()
    stands, has_waited = await Waits(events).until_settled(TENANT, accepted, 0.3, Lifecycle())
    waited = asyncio.get_running_loop().time() - started
    assert (waited >= 0.3) == (deliveries == RETRIED)
    assert has_waited
    assert stands.state.deliveries == deliveries


async def test_reads_that_fail_are_no_error_and_the_wait_goes_on() -> None:
    events = FakeEvents()
    accepted = await accepted_in(events)
    events.failing = StoreUnavailable("get")
    async with waiting(events, Waits(events), accepted) as wait:
        events.failing = None
        await finish(events, accepted.event.event_id, progress_of(DELIVERED, NOW_MS), TENANT)
    assert wait.result()[0].state.deliveries == DELIVERED
    events.failing = StoreUnavailable("get")
    assert await Waits(events).until_settled(TENANT, accepted, 0.1, Lifecycle()) == (
        accepted,
        True,
    )


async def test_a_wait_for_an_event_that_is_deleted_ends() -> None:
    events = FakeEvents()
    accepted = await accepted_in(events)
    async with waiting(events, Waits(events), accepted) as wait:
        await events.delete(TENANT, accepted.event.event_id)
    assert wait.result()[1]


async def test_F11_a_process_that_is_about_to_end_does_not_wait() -> None:
    events, lifecycle = FakeEvents(), Lifecycle()
    accepted = await accepted_in(events)
    async with waiting(events, Waits(events), accepted, lifecycle=lifecycle) as wait:
        lifecycle.drain()
    assert not wait.result()[1]


@pytest.mark.parametrize("limit", ["waiting_max", "of_tenant_max"])
async def test_not_more_wait_than_may_of_a_process_or_a_tenant(limit: str) -> None:
    events = FakeEvents()
    accepted = await accepted_in(events)
    waits = Waits(events, **{limit: 1})
    async with waiting(events, waits, accepted) as wait:
        assert await waits.until_settled(TENANT, accepted, 20, Lifecycle()) == (accepted, False)
        other = await waits.until_settled("ten_other", accepted, 0, Lifecycle())
        assert other == (accepted, limit == "of_tenant_max")
        await events.delete(TENANT, accepted.event.event_id)
    assert wait.result()[1]
    assert await waits.until_settled(TENANT, accepted, 20, Lifecycle()) == (accepted, True)


async def test_an_answer_that_waited_shows_what_became_of_the_event(api: Api) -> None:
    events = api.resources.events
    sending = asyncio.create_task(api.post("/v1/events", EVENT, prefer="wait=99"))
    async with asyncio.timeout(5):
        while not events.calls["get"]:
            await asyncio.sleep(0.01)
        [(tenant_id, event_id)] = events.records
        await finish(events, event_id, progress_of(DELIVERED, NOW_MS), tenant_id)
        answer = await sending
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "wait=30"
    assert answer.headers["location"] == f"/v1/events/{event_id}"
    shown = (await api.client.get(f"/v1/events/{event_id}")).json()
    assert answer.json() == {name: value for name, value in shown.items() if name != "payload"}
    assert answer.json()["status"] == "delivered"


@pytest.mark.parametrize("prefer", ["wait=0", "respond-async", "wait=soon"])
async def test_without_a_wait_an_event_is_not_read(api: Api, prefer: str) -> None:
    answer = await api.post("/v1/events", EVENT, prefer=prefer)
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers
    assert not api.resources.events.calls["get"]


async def test_a_wait_is_on_top_of_the_time_that_a_request_has() -> None:
    async with running_api(request_seconds=0.5) as api:
        answer = await api.post("/v1/events", EVENT, prefer="wait=1")
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        assert answer.headers["preference-applied"] == "wait=1"
