"""What comes many times over two `app` counts once: an idempotency key, and a signed request."""

import asyncio
import json
import time
from typing import Any

from tests.deployment import App, Deployment
from triggers.request_signatures import sign, string_to_sign

CALLS = 100
BODY = '{"event_type": "order.created", "payload": {"order": 1}}'


async def send(deployment: Deployment, app: App, headers: dict[str, str]) -> tuple[int, Any]:
    sent = {"Content-Type": "application/json"} | headers
    async with deployment.session.post(app.url + "/v1/events", data=BODY, headers=sent) as answer:
        return answer.status, await answer.json()


async def test_a_hundred_calls_with_one_idempotency_key_over_two_apps_make_one_event(
    deployment: Deployment,
) -> None:
    first, second, _ = await asyncio.gather(
        deployment.start_app(), deployment.start_app(), deployment.start_worker()
    )
    producer = await deployment.make_producer(first)
    headers = {"Authorization": f"Bearer {producer.key}", "Idempotency-Key": "order-1"}
    apps = [first, second] * (CALLS // 2)
    answers = await asyncio.gather(*(send(deployment, app, headers) for app in apps))

    assert {status for status, _ in answers} == {202}
    accepted = {answer["event_id"] for _, answer in answers}
    assert len(accepted) == 1
    await deployment.settled(second, producer, accepted)
    _, listed = await deployment.call(second, "GET", "/v1/events", producer.key)
    assert [event["event_id"] for event in listed["events"]] == list(accepted)
    assert deployment.receiver.counts() == dict.fromkeys(accepted, 1)


async def test_a_signed_request_that_comes_again_at_the_other_app_is_refused(
    deployment: Deployment,
) -> None:
    first, second = await asyncio.gather(deployment.start_app(), deployment.start_app())
    producer = await deployment.make_producer(first)
    key = {"name": "signed", "scopes": ["events:write"], "require_signature": True}
    made = await deployment.create(first, "/v1/keys", producer.key, key)
    deployment.secret_texts |= {made["key"], made["signing_secret"]}
    timestamp = str(int(time.time()))
    signed = string_to_sign(timestamp, "POST", b"/v1/events", BODY.encode())
    headers = {
        "X-API-Key": made["key"],
        "X-Triggers-Timestamp": timestamp,
        "X-Triggers-Signature": sign(made["signing_secret"], signed),
    }
    answers = await asyncio.gather(*(send(deployment, app, headers) for app in (first, second) * 5))

    assert sorted(status for status, _ in answers) == [202] + [401] * 9
    codes = {json.dumps(answer.get("code")) for status, answer in answers if status == 401}
    assert codes == {'"signature_invalid"'}
