"""Events over HTTP: accepted, read, acknowledged, and the attempts to deliver one."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.factories import (
    NOW_MS,
    TRACEPARENT,
    make_attempt,
    make_delivery,
    make_event,
    make_outcome,
)
from tests.unit.app.api import Api
from triggers.deliveries import DeliveryStatus
from triggers.events import EventRecord, EventState, EventStatus

EVENT_FIELDS = {
    "event_id",
    "event_type",
    "source",
    "payload",
    "metadata",
    "status",
    "created_at",
    "delivered_at",
    "acknowledged_at",
    "delivery_attempts",
    "next_attempt_at",
    "correlation_id",
    "deliveries",
    "replays",
}
DELIVERY_FIELDS = {
    "webhook_id",
    "status",
    "attempts",
    "last_status_code",
    "last_error",
    "next_attempt_at",
    "delivered_at",
}
ATTEMPT_FIELDS = {
    "event_id",
    "webhook_id",
    "number",
    "outcome",
    "started_at",
    "duration_ms",
    "status_code",
    "error",
    "response_excerpt",
}


def keep(api: Api, **state: object) -> str:
    """Have an event in this state; returns its id."""
    event = make_event()
    record = EventRecord(event=event, state=EventState(**state))  # type: ignore[arg-type]
    api.resources.events.records[api.tenant.tenant_id, event.event_id] = record
    return event.event_id


async def test_an_accepted_event_can_be_read_back(api: Api) -> None:
    body = (
        '{"event_type": "order.created", "source": "shop", "payload": {"order": 1},'
        ' "metadata": {"region": "eu"}}'
    )
    accepted = await api.post("/v1/events", body)
    assert accepted.status_code == 202
    shown = (await api.client.get(accepted.headers["location"])).json()
    assert set(shown) == EVENT_FIELDS
    assert shown == {
        "event_id": accepted.json()["event_id"],
        "event_type": "order.created",
        "source": "shop",
        "payload": {"order": 1},
        "metadata": {"region": "eu"},
        "status": "pending",
        "created_at": "2026-11-22T05:29:00.123Z",
        "delivered_at": None,
        "acknowledged_at": None,
        "delivery_attempts": 0,
        "next_attempt_at": None,
        "correlation_id": accepted.headers["x-correlation-id"],
        "deliveries": [],
        "replays": [],
    }


async def test_the_answer_to_an_acceptance_is_the_event_without_its_payload(api: Api) -> None:
    accepted = await api.post("/v1/events", '{"event_type": "a", "payload": 1}')
    assert set(accepted.json()) == EVENT_FIELDS - {"payload"}
    assert accepted.headers["content-type"] == "application/json"
    assert accepted.headers["location"] == f"/v1/events/{accepted.json()['event_id']}"


@pytest.mark.parametrize(
    "payload",
    [
        "1.0",
        "1e2",
        "-0",
        "1E400",
        "12345678901234567890",
        "9" * 5000,
        '{"b": 1, "a": 2}',
        '{  "a" :\t[1 ,2]\n}',
        '{"a": 1, "a": 2}',
        '"\\u0041\\/\\ud83d\\ude00"',
        '"é😀\u200b\x7f"',
        "null",
        "false",
        '""',
        "[]",
    ],
)
async def test_a_payload_is_kept_byte_for_byte(api: Api, payload: str) -> None:
    event_id = await api.accept(payload)
    shown = (await api.client.get(f"/v1/events/{event_id}")).content
    assert b'"payload":' + payload.encode() + b',"metadata"' in shown
    inbox = (await api.client.get("/v1/inbox")).content
    assert b'"payload":' + payload.encode() + b',"metadata"' in inbox


async def test_metadata_may_have_any_string_keys(api: Api) -> None:
    body = '{"event_type": "a", "payload": 1, "metadata": {"idempotency_key": "k", "é": ""}}'
    shown = (await api.post("/v1/events", body)).json()
    assert shown["metadata"] == {"idempotency_key": "k", "é": ""}


async def test_a_hint_follows_with_the_trace_of_the_request(api: Api) -> None:
    answer = await api.post(
        "/v1/events", '{"event_type": "a", "payload": 1}', traceparent=TRACEPARENT
    )
    event_id = answer.json()["event_id"]
    [received] = await api.resources.hints.receive()
    assert received.hint is not None
    assert received.hint.event_ids == (event_id,)
    assert received.hint.traceparents == {event_id: TRACEPARENT}
    stored = api.resources.events.records[api.tenant.tenant_id, event_id].event
    assert stored.traceparent == TRACEPARENT


async def test_deliveries_are_shown_with_sums_and_the_next_attempt(api: Api) -> None:
    delivered = make_delivery(
        status=DeliveryStatus.DELIVERED, attempts=1, last_status_code=200, delivered_ms=NOW_MS
    )
    waiting = make_delivery(
        attempts=2, next_attempt_ms=NOW_MS + 5000, last_status_code=503, last_error="busy"
    )
    later = make_delivery(attempts=1, next_attempt_ms=NOW_MS + 9000)
    event_id = keep(api, deliveries=(delivered, waiting, later))
    shown = (await api.client.get(f"/v1/events/{event_id}")).json()
    assert shown["delivery_attempts"] == 4
    assert shown["next_attempt_at"] == "2026-11-22T05:29:05.123Z"
    assert [set(delivery) for delivery in shown["deliveries"]] == [DELIVERY_FIELDS] * 3
    assert shown["deliveries"][1] == {
        "webhook_id": waiting.webhook_id,
        "status": "pending",
        "attempts": 2,
        "last_status_code": 503,
        "last_error": "busy",
        "next_attempt_at": "2026-11-22T05:29:05.123Z",
        "delivered_at": None,
    }


@pytest.mark.parametrize("word", ["ack", "acknowledge"])
async def test_an_event_is_acknowledged_once(api: Api, word: str) -> None:
    event_id = await api.accept()
    first = await api.client.post(f"/v1/events/{event_id}/{word}")
    assert (first.status_code, first.content) == (204, b"")
    second = await api.client.post(f"/v1/events/{event_id}/{word}")
    assert (second.status_code, second.json()["code"]) == (409, "already_acknowledged")
    shown = (await api.client.get(f"/v1/events/{event_id}")).json()
    assert (shown["status"], shown["acknowledged_at"]) == (
        "acknowledged",
        "2026-11-22T05:29:00.123Z",
    )


async def test_of_two_acknowledgements_at_once_one_wins(api: Api) -> None:
    event_id = await api.accept()
    answers = await asyncio.gather(
        *(api.client.post(f"/v1/events/{event_id}/ack") for _ in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_a_pending_delivery_of_an_acknowledged_event_is_shown_as_cancelled(api: Api) -> None:
    waiting = make_delivery(attempts=1, next_attempt_ms=NOW_MS + 5000)
    event_id = keep(api, status=EventStatus.ACKNOWLEDGED, deliveries=(waiting,))
    shown = (await api.client.get(f"/v1/events/{event_id}")).json()
    assert shown["deliveries"][0]["status"] == "cancelled"
    assert shown["next_attempt_at"] is None


@pytest.mark.parametrize(
    "call", ["GET {}", "POST {}/ack", "POST {}/acknowledge", "GET {}/attempts"]
)
@pytest.mark.parametrize(
    "event_id", ["evt_01KAN72XQV8YJ4T6Z0M3S5B7C9", "evt_1", "x", "ten_1#0", "évt", "0" * 500]
)
async def test_B41_an_id_that_names_nothing_is_not_found(
    api: Api, call: str, event_id: str
) -> None:
    method, _, path = call.format(f"/v1/events/{event_id}").partition(" ")
    answer = await api.client.request(method, path.replace("#", "%23"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_attempts_are_listed_with_the_first_success_that_has_no_row(api: Api) -> None:
    at_once = make_delivery(
        status=DeliveryStatus.DELIVERED,
        attempts=1,
        last_status_code=204,
        delivered_ms=NOW_MS + 40,
        duration_ms=30,
    )
    retried = make_delivery(attempts=1, last_status_code=503)
    event_id = keep(api, deliveries=(at_once, retried))
    failed = make_attempt(event_id=event_id, webhook_id=retried.webhook_id, started_ms=NOW_MS)
    await api.resources.attempts.record(api.tenant.tenant_id, failed, expires_s=0)
    listed = (await api.client.get(f"/v1/events/{event_id}/attempts")).json()
    assert listed["next_cursor"] is None
    assert listed["attempts"] == [
        {
            "event_id": event_id,
            "webhook_id": at_once.webhook_id,
            "number": 1,
            "outcome": "delivered",
            "started_at": "2026-11-22T05:29:00.133Z",
            "duration_ms": 30,
            "status_code": 204,
            "error": None,
            "response_excerpt": "",
        },
        {
            "event_id": event_id,
            "webhook_id": retried.webhook_id,
            "number": 1,
            "outcome": "failed",
            "started_at": "2026-11-22T05:29:00.123Z",
            "duration_ms": 12,
            "status_code": 503,
            "error": "receiver answered 503",
            "response_excerpt": "overloaded",
        },
    ]
    assert set(listed["attempts"][0]) == ATTEMPT_FIELDS


async def test_a_first_success_that_has_a_row_is_listed_once(api: Api) -> None:
    delivered = make_delivery(status=DeliveryStatus.DELIVERED, attempts=1, delivered_ms=NOW_MS)
    event_id = keep(api, deliveries=(delivered,))
    row = make_attempt(event_id=event_id, webhook_id=delivered.webhook_id)
    await api.resources.attempts.record(api.tenant.tenant_id, row, expires_s=0)
    listed = (await api.client.get(f"/v1/events/{event_id}/attempts")).json()
    assert len(listed["attempts"]) == 1


async def test_attempts_that_were_not_kept_are_not_made_up(api: Api) -> None:
    statuses = (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.PENDING)
    attempts = (2, 1, 1)
    deliveries = (
        make_delivery(status=status, attempts=count, delivered_ms=NOW_MS)
        for status, count in zip(statuses, attempts, strict=True)
    )
    event_id = keep(api, deliveries=tuple(deliveries))
    listed = (await api.client.get(f"/v1/events/{event_id}/attempts")).json()
    assert listed["attempts"] == []


async def test_a_late_success_is_listed_once(api: Api) -> None:
    delivered = make_delivery(status=DeliveryStatus.DELIVERED, attempts=2, delivered_ms=NOW_MS)
    event_id = keep(api, deliveries=(delivered,))
    row = make_attempt(event_id=event_id, webhook_id=delivered.webhook_id)
    for attempt in (row, replace(row, number=2, outcome=make_outcome(200))):
        await api.resources.attempts.record(api.tenant.tenant_id, attempt, expires_s=0)
    listed = (await api.client.get(f"/v1/events/{event_id}/attempts")).json()
    assert [(a["number"], a["outcome"]) for a in listed["attempts"]] == [
        (2, "delivered"),
        (1, "failed"),
    ]
