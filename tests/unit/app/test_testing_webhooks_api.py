"""The test of a webhook over HTTP: one request to a true receiver, and its outcome told."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook as Verifier

from app.webhook_tester import TESTS_MAX, TESTS_OF_TENANT_MAX, WebhookTester
from app.wire.webhook_tests import NOT_SHOWN
from tests.factories import CountingBits, make_outcome, make_webhook
from tests.processes import until
from tests.raw_receivers import answer, answering, receiving, silence
from tests.unit.app.api import Api, running_api, with_key
from triggers.errors import RateLimited, Unavailable
from triggers.events import body_to_send
from triggers.http.sender import LocalShortageError, Sender
from triggers.retries import Outcome
from triggers.times import system_clock
from triggers.webhook_requests import Request
from triggers.webhook_tests import make_test_event
from triggers.webhooks import OldSecret, Webhook, WebhookStatus

OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def keep(api: Api, url: str, **values: Any) -> Webhook:
    """Have the tenant own a webhook."""
    webhook = make_webhook(url=url, **values)
    api.resources.control.views[api.tenant.tenant_id].webhooks[webhook.webhook_id] = webhook
    return webhook


async def send_test(api: Api, webhook: Webhook, **headers: str) -> httpx.Response:
    return await api.client.post(f"/v1/webhooks/{webhook.webhook_id}/test", headers=headers)


async def test_a_test_sends_one_signed_event_and_shows_both_sides(api: Api) -> None:
    api.clock.now_ms = system_clock()
    old = OldSecret(secret=OLD_SECRET, until_ms=api.clock.now_ms + 1)
    async with receiving(answering(answer(202, b"thanks"))) as receiver:
        webhook = keep(api, receiver.url, headers={"X-Token": "hush"}, old_secrets=(old,))
        told = await send_test(api, webhook, **{"x-correlation-id": "corr_of_mine"})
    [got] = receiver.requests
    headers = dict(got.headers)
    for secret in (webhook.secret, OLD_SECRET):
        Verifier(secret).verify(got.body, headers)
    assert (headers["x-token"], headers["x-correlation-id"]) == ("hush", "corr_of_mine")

    assert told.status_code == 200
    shown = told.json()
    assert shown["event_id"] == headers["webhook-id"]
    assert (shown["outcome"], shown["status_code"], shown["error"]) == ("delivered", 202, None)
    assert shown["response_excerpt"] == "thanks"
    assert 0 <= shown["duration_ms"] < 5_000
    assert shown["request"]["url"] == webhook.url
    assert shown["request"]["body"].encode() == got.body
    assert shown["request"]["headers"] == {
        "content-type": "application/json",
        "user-agent": headers["user-agent"],
        "webhook-id": headers["webhook-id"],
        "webhook-timestamp": headers["webhook-timestamp"],
        "webhook-signature": NOT_SHOWN,
        "x-correlation-id": "corr_of_mine",
        "X-Token": NOT_SHOWN,
    }
    for hidden in ("hush", headers["webhook-signature"], webhook.secret):
        assert hidden not in told.text


async def test_the_event_of_a_test_says_what_it_is_and_is_not_stored(api: Api) -> None:
    async with receiving(answering(answer())) as receiver:
        webhook = keep(api, receiver.url, event_types=("order.*",))
        shown = (await send_test(api, webhook)).json()
    body = json.loads(receiver.requests[0].body)
    assert (body["event_type"], body["source"]) == ("webhook.test", "triggers")
    assert body["payload"]["test"] is True
    assert body["payload"]["webhook_id"] == webhook.webhook_id
    assert not api.resources.events.records
    assert not api.resources.attempts.rows
    assert (await api.client.get(f"/v1/events/{shown['event_id']}")).status_code == 404


async def test_a_disabled_webhook_can_be_tested(api: Api) -> None:
    async with receiving(answering(answer())) as receiver:
        webhook = keep(api, receiver.url, status=WebhookStatus.DISABLED)
        assert (await send_test(api, webhook)).json()["outcome"] == "delivered"


@pytest.mark.parametrize(
    ("said", "status", "error"),
    [
        (answer(503, b"down"), 503, "receiver answered 503"),
        (
            answer(302, b"", "Location: /"),
            302,
            "receiver answered 302, a redirect: these are not followed",
        ),
        (b"nonsense\r\n\r\n", None, "the answer is not valid HTTP"),
    ],
)
async def test_what_the_receiver_does_wrong_is_told_in_words(
    api: Api, said: bytes, status: int | None, error: str
) -> None:
    async with receiving(answering(said)) as receiver:
        told = await send_test(api, keep(api, receiver.url))
    shown = told.json()
    assert told.status_code == 200
    assert (shown["outcome"], shown["status_code"], shown["error"]) == ("failed", status, error)


async def test_an_inner_address_is_not_connected_to() -> None:
    async with running_api(allowed_networks="") as api, receiving(silence) as receiver:
        shown = (await send_test(api, keep(api, receiver.url))).json()
    assert (shown["outcome"], shown["error"]) == ("failed", "the address is not allowed")
    assert not receiver.connections


async def test_a_test_may_take_as_long_as_the_webhooks_timeout_beyond_the_deadline() -> None:
    async with running_api(request_seconds=0.1) as api, receiving(silence) as receiver:
        told = await send_test(api, keep(api, receiver.url, timeout_seconds=1))
    assert told.status_code == 200
    assert told.json()["error"] == "no answer within 1 seconds"


async def test_another_tenants_webhook_cannot_be_tested(api: Api) -> None:
    async with receiving(answering(answer())) as receiver:
        webhook = keep(api, receiver.url)
        _, other = api.add_tenant()
        assert (await send_test(api, webhook, **with_key(other))).status_code == 404
    assert not receiver.connections


async def test_a_sixth_test_of_a_tenant_at_once_is_refused(api: Api) -> None:
    async with receiving(silence) as receiver, asyncio.TaskGroup() as group:
        webhook = keep(api, receiver.url)
        tests = [group.create_task(send_test(api, webhook)) for _ in range(TESTS_OF_TENANT_MAX)]
        await until(lambda: len(receiver.connections) == TESTS_OF_TENANT_MAX)
        refused = await send_test(api, webhook)
        for task in tests:
            task.cancel()
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "1"


class GatedSender(Sender):
    """Sends nothing; answers when its gate is set, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.gate = asyncio.Event()
        self.error = error

    async def send(self, request: Request) -> Outcome:
        if self.error is not None:
            raise self.error
        await self.gate.wait()
        return make_outcome(200)


def make_tester(sender: Sender) -> WebhookTester:
    return WebhookTester(sender, clock=system_clock, random_bits=CountingBits())


async def test_tests_are_bounded_in_a_process_and_slots_come_free() -> None:
    sender = GatedSender()
    tester = make_tester(sender)
    tenants = [f"ten_{number}" for number in range(TESTS_MAX)]
    async with asyncio.TaskGroup() as group:
        for tenant_id in tenants:
            group.create_task(tester.test(tenant_id, make_webhook(), "corr_1"))
        await asyncio.sleep(0)
        with pytest.raises(RateLimited, match="Too many tests"):
            await tester.test("another", make_webhook(), "corr_1")
        sender.gate.set()
    for _ in range(TESTS_OF_TENANT_MAX + 1):
        await tester.test(tenants[0], make_webhook(), "corr_1")
    assert not tester._places._taken


async def test_F17_out_of_sockets_is_our_fault_and_passes() -> None:
    sender = GatedSender(LocalShortageError("out of sockets or memory"))
    tester = make_tester(sender)
    for _ in range(TESTS_OF_TENANT_MAX + 1):
        with pytest.raises(Unavailable, match="short of sockets"):
            await tester.test("ten_1", make_webhook(), "corr_1")


async def test_B54_our_own_api_takes_no_delivery_for_an_event(api: Api) -> None:
    """A webhook that leads back here, with a key among its headers, is no loop."""
    event = make_test_event(
        "wh_1", correlation_id="corr_1", now_ms=system_clock(), random_bits=CountingBits()
    )
    for sent in (event, replace(event, source=None, metadata={"a": "b"})):
        answered = await api.post("/v1/events", body_to_send(sent))
        assert (answered.status_code, answered.json()["code"]) == (400, "validation_failed")
