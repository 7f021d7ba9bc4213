"""Replays over HTTP: who gets an event again, how often, and what is refused."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.factories import NOW_MS, make_delivery, make_event, make_view, make_webhook
from tests.unit.app.api import Api, with_key
from triggers.api_keys import Scope
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.errors import StoreUnavailable
from triggers.events import EventRecord, EventState, EventStatus
from triggers.ports import Reopened
from triggers.webhooks import Webhook, WebhookStatus

ORDERS = make_webhook(webhook_id="wh_1", event_types=("order.*",))
OTHERS = make_webhook(webhook_id="wh_2", event_types=("other",))
DISABLED = make_webhook(webhook_id="wh_3", status=WebhookStatus.DISABLED)
DONE = make_delivery(
    webhook_id="wh_1",
    status=DeliveryStatus.DELIVERED,
    attempts=1,
    last_status_code=201,
    delivered_ms=NOW_MS,
    duration_ms=12,
)


@pytest.fixture
async def webhooks(api: Api) -> None:
    have(api, ORDERS, OTHERS, DISABLED)


def have(api: Api, *webhooks: Webhook) -> None:
    """Have the tenant own these webhooks, and no others."""
    view = api.resources.control.views[api.tenant.tenant_id]
    made = make_view(*webhooks, tenant=api.tenant, version=view.version + 1)
    api.resources.control.keep(replace(made, keys=view.keys))


def keep(api: Api, *deliveries: Delivery, status: EventStatus = EventStatus.DELIVERED) -> str:
    """Have an event that has come to this; returns its id."""
    event = make_event()
    state = EventState(status=status, deliveries=deliveries, delivered_ms=NOW_MS)
    record = EventRecord(event=event, state=state)
    api.resources.events.records[api.tenant.tenant_id, event.event_id] = record
    return event.event_id


def state_of(api: Api, event_id: str) -> EventState:
    return api.resources.events.records[api.tenant.tenant_id, event_id].state


@pytest.mark.usefixtures("webhooks")
async def test_a_replayed_event_goes_to_all_that_want_it_and_is_held_for_the_disabled(
    api: Api,
) -> None:
    event_id = keep(api, DONE)
    answer = await api.post(
        f"/v1/events/{event_id}/replay", '{"workflow_id": "flow", "reason": "lost"}'
    )

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/events/{event_id}"
    told = {
        "event_id": event_id,
        "number": 1,
        "webhook_ids": ["wh_1", "wh_3"],
        "workflow_id": "flow",
        "reason": "lost",
        "created_at": "2026-11-22T05:29:00.123Z",
    }
    assert answer.json() == told
    shown = (await api.client.get(answer.headers["location"])).json()
    assert shown["replays"] == [told]
    assert (shown["status"], shown["delivered_at"]) == ("pending", None)
    assert [d["status"] for d in shown["deliveries"]] == ["pending", "pending"]
    assert api.resources.hints.calls["send"] == 1


@pytest.mark.usefixtures("webhooks")
async def test_a_named_webhook_gets_an_event_whatever_its_filter(api: Api) -> None:
    event_id = keep(api, DONE)
    answer = await api.post(f"/v1/events/{event_id}/replay", '{"webhook_id": "wh_2"}')

    assert answer.json()["webhook_ids"] == ["wh_2"]
    assert state_of(api, event_id).deliveries == (DONE, Delivery(webhook_id="wh_2", replay=1))


@pytest.mark.usefixtures("webhooks")
async def test_the_attempts_before_a_replay_stay_to_be_seen(api: Api) -> None:
    event_id = keep(api, DONE)
    before = (await api.client.get(f"/v1/events/{event_id}/attempts")).json()
    assert (await api.client.post(f"/v1/events/{event_id}/replay")).status_code == 202

    after = (await api.client.get(f"/v1/events/{event_id}/attempts")).json()
    assert after == before
    assert [attempt["status_code"] for attempt in after["attempts"]] == [201]


@pytest.mark.usefixtures("webhooks")
async def test_an_event_under_retry_outlives_the_retention_of_its_creation(api: Api) -> None:
    event_id = keep(api, DONE)
    api.clock.advance(20 * 86_400)
    await api.client.post(f"/v1/events/{event_id}/replay")

    expires_s = api.resources.events.expires_s[api.tenant.tenant_id, event_id]
    assert expires_s == api.clock() // 1000 + 30 * 86_400


@pytest.mark.usefixtures("webhooks")
async def test_an_event_is_replayed_ten_times_at_most_also_by_many_at_once(api: Api) -> None:
    event_id = keep(api, DONE)
    answers = await asyncio.gather(
        *(api.client.post(f"/v1/events/{event_id}/replay") for _ in range(6))
    )
    while (answer := await api.client.post(f"/v1/events/{event_id}/replay")).status_code == 202:
        answers.append(answer)

    assert (answer.status_code, answer.json()["code"]) == (409, "replay_limit_reached")
    numbers = [answer.json()["number"] for answer in answers if answer.status_code == 202]
    assert sorted(numbers) == list(range(1, 11))
    assert len(state_of(api, event_id).replays) == 10


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"webhook_id": "wh_9"}', 404, "not_found"),
        ('{"webhook_id": "wh_3"}', 409, "webhook_disabled"),
        ('{"webhook_id": ""}', 404, "not_found"),
        ('{"workflow_id": ""}', 400, "validation_failed"),
        (f'{{"workflow_id": "{"x" * 129}"}}', 400, "validation_failed"),
        (f'{{"reason": "{"x" * 513}"}}', 400, "validation_failed"),
        ('{"webhooks": []}', 400, "validation_failed"),
        ("[]", 400, "validation_failed"),
        ("{", 400, "malformed_json"),
    ],
)
@pytest.mark.usefixtures("webhooks")
async def test_what_cannot_be_replayed_is_refused_and_changes_nothing(
    api: Api, body: str, status: int, code: str
) -> None:
    event_id = keep(api, DONE)
    before = state_of(api, event_id)
    answer = await api.post(f"/v1/events/{event_id}/replay", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert state_of(api, event_id) == before


async def test_an_event_that_no_webhook_wants_is_not_replayed(api: Api) -> None:
    have(api, OTHERS)
    event_id = keep(api)
    answer = await api.client.post(f"/v1/events/{event_id}/replay")

    assert (answer.status_code, answer.json()["code"]) == (409, "no_webhook")


@pytest.mark.usefixtures("webhooks")
async def test_an_acknowledged_event_is_not_replayed(api: Api) -> None:
    event_id = keep(api, DONE, status=EventStatus.ACKNOWLEDGED)
    answer = await api.client.post(f"/v1/events/{event_id}/replay")

    assert (answer.status_code, answer.json()["code"]) == (409, "already_acknowledged")


@pytest.mark.usefixtures("webhooks")
async def test_B41_an_event_of_another_tenant_or_of_nobody_is_not_there(api: Api) -> None:
    event_id = keep(api, DONE)
    _, other = api.add_tenant()
    _, reader = api.add_tenant(Scope.EVENTS_READ)
    for path in (event_id, make_event().event_id, "evt_1", "a%23b"):
        answer = await api.client.post(f"/v1/events/{path}/replay", headers=with_key(other))
        assert answer.status_code == 404
    answer = await api.client.post(f"/v1/events/{event_id}/replay", headers=with_key(reader))
    assert answer.status_code == 403
    assert state_of(api, event_id).replays == ()


@pytest.mark.usefixtures("webhooks")
async def test_an_event_whose_payload_is_gone_is_not_there(api: Api) -> None:
    event_id = keep(api, DONE)
    api.resources.events.without_payload.add((api.tenant.tenant_id, event_id))

    assert (await api.client.post(f"/v1/events/{event_id}/replay")).status_code == 404


@pytest.mark.usefixtures("webhooks")
async def test_a_replay_whose_answer_was_lost_on_the_way_from_the_store_is_made_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = keep(api, DONE)
    events = api.resources.events
    reopen = events.reopen

    async def forget(*args: object, **values: object) -> Reopened:
        await reopen(*args, **values)  # type: ignore[arg-type]
        return Reopened.CHANGED

    monkeypatch.setattr(events, "reopen", forget)
    answer = await api.client.post(f"/v1/events/{event_id}/replay")

    assert (answer.status_code, answer.json()["number"]) == (202, 1)
    assert len(state_of(api, event_id).replays) == 1


@pytest.mark.usefixtures("webhooks")
async def test_an_event_that_changes_all_the_time_is_tried_again_later(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = keep(api, DONE)
    tries = 0

    async def lose(*args: object, **values: object) -> Reopened:
        nonlocal tries
        tries += 1
        return Reopened.CHANGED

    monkeypatch.setattr(api.resources.events, "reopen", lose)
    answer = await api.client.post(f"/v1/events/{event_id}/replay")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert tries == 5


@pytest.mark.usefixtures("webhooks")
async def test_a_first_success_that_cannot_be_kept_is_not_overwritten(api: Api) -> None:
    event_id = keep(api, DONE)
    api.resources.attempts.failing = StoreUnavailable("test")
    answer = await api.client.post(f"/v1/events/{event_id}/replay")

    assert answer.status_code == 503
    assert state_of(api, event_id).deliveries == (DONE,)
