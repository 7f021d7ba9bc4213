"""What is sent is pushed: signed, byte for byte, again and again until the receiver takes it."""

import asyncio
import secrets
import statistics
from datetime import datetime
from typing import Any

from tests.deployed.tenant import Tenant, Webhook, delivery

ODD = '{"b":1.0,  "a":1e2,"n":12345678901234567890,\t"u":"\\u00e9é 🦉","a":[ ],\n"a":-0.0}'
LARGE_BYTES = 300_000
AT_ONCE = 50


async def test_an_event_arrives_at_the_first_attempt_signed_and_byte_for_byte(
    tenant: Tenant,
) -> None:
    webhook = await tenant.make_webhook("first")
    for what, payload in (
        ("odd", ODD),
        ("large", f'"{secrets.token_hex(LARGE_BYTES // 2)}"'),
        ("null", "null"),
    ):
        event_id = await tenant.send(webhook.event_type, payload)
        event = await tenant.comes_to("delivered", webhook, event_id, 1)
        [received] = [one for one in await tenant.received(webhook) if one.event_id == event_id]
        assert received.body.endswith(f'"payload":{payload}}}')
        assert received.headers["content-type"] == "application/json"
        tenant.journal.say(
            f"pushed    {event_id}: {what} payload of {len(payload.encode()):,} bytes, byte for byte,"
            f" signature verified, at the first attempt after {_took_ms(event, webhook):.0f} ms"
        )


async def test_an_event_whose_receiver_fails_twice_is_tried_again_until_it_is_taken(
    tenant: Tenant,
) -> None:
    webhook = await tenant.make_webhook("again", "/hook/503?times=2", retry=[1, 1])
    event_id = await tenant.send(webhook.event_type)
    event = await tenant.comes_to("delivered", webhook, event_id, 3)
    received = await tenant.received(webhook)
    assert [one.status for one in received] == [503, 503, 200]
    assert {one.event_id for one in received} == {event_id}
    times = [int(one.headers["webhook-timestamp"]) for one in received]
    assert times[0] < times[1] < times[2]
    assert await _statuses(tenant, event_id, webhook) == [503, 503, 200]
    tenant.journal.say(
        f"retried   {event_id}: 503, 503, then 200 after {_took_ms(event, webhook) / 1000:.1f} s,"
        " the same webhook-id with a new timestamp each time"
    )


async def test_an_event_that_has_failed_is_replayed_once_its_receiver_is_mended(
    tenant: Tenant,
) -> None:
    webhook = await tenant.make_webhook("mended", "/hook/500", retry=[1])
    event_id = await tenant.send(webhook.event_type)
    event = await tenant.comes_to("failed", webhook, event_id, 2)
    waits_for_others = any(one["status"] == "pending" for one in event["deliveries"])
    assert event["status"] == ("pending" if waits_for_others else "failed")
    tenant.journal.say(f"failed    {event_id}: the receiver is down, two attempts answered 500")

    await tenant.redirect(webhook, "/hook")
    order = f'{{"webhook_id": "{webhook.webhook_id}", "reason": "the receiver was down"}}'
    await tenant.ask("POST", f"/v1/events/{event_id}/replay", 202, order)
    await tenant.comes_to("delivered", webhook, event_id, 3)
    *_, received = await tenant.received(webhook)
    assert (received.event_id, received.headers.get("webhook-replay")) == (event_id, "1")
    assert await _statuses(tenant, event_id, webhook) == [500, 500, 200]
    tenant.journal.say(f"replayed  {event_id}: the receiver is mended, and took it")


async def test_an_event_sent_twice_with_one_idempotency_key_is_one_event(tenant: Tenant) -> None:
    webhook = await tenant.make_webhook("twice")
    key = f"{webhook.event_type}.{secrets.token_hex(8)}"
    bodies = [f'{{"event_type": "{webhook.event_type}", "payload": {n}}}' for n in (1, 1, 2)]
    first, second, other = [
        await tenant.call("POST", "/v1/events", body, idempotency_key=key) for body in bodies
    ]
    assert (first.status_code, second.status_code, other.status_code) == (202, 202, 422), other.text
    event_id = first.json()["event_id"]
    tenant.journal.sent.add(event_id)
    assert second.json()["event_id"] == event_id
    assert second.headers["idempotency-replayed"] == "true"
    assert other.json()["code"] == "idempotency_mismatch"
    await tenant.comes_to("delivered", webhook, event_id, 1)
    assert set(await tenant.listed("/v1/events", webhook.event_type)) == {event_id}
    assert len(await tenant.received(webhook)) == 1
    tenant.journal.say(f"once      {event_id}: sent twice, one event; other content was refused")


async def test_of_many_events_at_once_none_is_lost(tenant: Tenant) -> None:
    webhook = await tenant.make_webhook("many")
    sent = await asyncio.gather(*(tenant.send(webhook.event_type) for _ in range(AT_ONCE)))

    async def delivered() -> dict[str, Any]:
        events = await tenant.listed("/v1/events", webhook.event_type)
        return {i: e for i, e in events.items() if delivery(e, webhook).get("delivered_at")}

    events = await tenant.until("all delivered", delivered, lambda seen: len(seen) == AT_ONCE)
    received = {one.event_id for one in await tenant.received(webhook)}
    assert set(sent) == set(events) == received
    took = [_took_ms(event, webhook) for event in events.values()]
    tenant.journal.say(
        f"at once   {AT_ONCE} events: none lost, accepted → delivered"
        f" p50 {statistics.median(took):.0f} ms, max {max(took):.0f} ms"
    )


async def _statuses(tenant: Tenant, event_id: str, webhook: Webhook) -> list[int]:
    """Return what the receiver answered to each attempt, the oldest first."""
    shown = await tenant.ask("GET", f"/v1/events/{event_id}/attempts", 200)
    ours = [one for one in shown["attempts"] if one["webhook_id"] == webhook.webhook_id]
    return [one["status_code"] for one in sorted(ours, key=lambda one: int(one["number"]))]


def _took_ms(event: Any, webhook: Webhook) -> float:
    """Return the time from the acceptance to the delivery, both by the clocks of the service."""
    delivered = datetime.fromisoformat(delivery(event, webhook)["delivered_at"])
    accepted = datetime.fromisoformat(event["created_at"])
    return (delivered - accepted).total_seconds() * 1000
