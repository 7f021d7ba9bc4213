"""What is not delivered is pulled and acknowledged, and strangers get nothing."""

import secrets

from tests.deployed.tenant import Tenant
from triggers.ids import ALPHABET

DAY_SECONDS = 86_400


async def test_what_is_not_delivered_is_pulled_from_the_inbox_and_acknowledged(
    tenant: Tenant,
) -> None:
    webhook = await tenant.make_webhook("pulled", "/hook/503", retry=[DAY_SECONDS])
    event_id = await tenant.send(webhook.event_type, '{"report": 7}')
    await tenant.comes_to("pending", webhook, event_id, 1)
    inbox = await tenant.until(
        f"{event_id} in the inbox",
        lambda: tenant.listed("/v1/inbox", webhook.event_type),
        lambda seen: event_id in seen,
    )
    assert inbox[event_id]["payload"] == {"report": 7}
    tenant.journal.say(f"pulled    {event_id}: undelivered, it waited in the inbox")

    await tenant.ask("POST", f"/v1/events/{event_id}/ack", 204)
    assert event_id not in await tenant.listed("/v1/inbox", webhook.event_type)
    assert (await tenant.event(event_id))["status"] == "acknowledged"
    again = await tenant.ask("POST", f"/v1/events/{event_id}/ack", 409)
    assert again["code"] == "already_acknowledged"
    tenant.journal.say(f"acked     {event_id}: acknowledged once, gone from the inbox")


async def test_a_wrong_key_and_a_foreign_id_get_nothing(tenant: Tenant) -> None:
    wrong_key = f"trg_{secrets.token_hex(8)}_{secrets.token_hex(16)}"
    refused = await tenant.call("GET", "/v1/inbox", key=wrong_key)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    foreign = "evt_0" + "".join(secrets.choice(ALPHABET) for _ in range(25))
    for method, path in (("GET", ""), ("GET", "/attempts"), ("POST", "/ack"), ("POST", "/replay")):
        refusal = await tenant.ask(method, f"/v1/events/{foreign}{path}", 404)
        assert refusal["code"] == "not_found"
    tenant.journal.say("refused   an unknown key with 401, an event that is not ours with 404")
