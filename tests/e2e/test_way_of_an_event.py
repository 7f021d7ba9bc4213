"""An event's way through real processes: accepted, delivered, tried again, signed so that others can verify."""

import json
import secrets

import pytest
from standardwebhooks import WebhookVerificationError

from tests.deployment import Deployment
from tests.receiver import Received

ODD_PAYLOAD = '{"b":1.0,  "a":1e2,"n":12345678901234567890, "u":"\\u00e9é","a":[ ]}'


async def test_an_event_arrives_signed_and_byte_for_byte_at_the_first_attempt_and_at_the_next(
    deployment: Deployment,
) -> None:
    async def refuse_first(received: Received) -> int:
        return 503 if len(deployment.receiver.of(received.event_id)) == 1 else 200

    deployment.receiver.behaviours["/acme"] = refuse_first
    app = await deployment.start_app()
    await deployment.start_worker()
    producer = await deployment.make_producer(app, "/acme", retry=[1, 1])
    payloads = [ODD_PAYLOAD, f'"{secrets.token_hex(150_000)}"', "null"]
    sent = {await deployment.send(app, producer, payload): payload for payload in payloads}
    await deployment.settled(app, producer, sent)

    for event_id, payload in sent.items():
        attempts = deployment.receiver.of(event_id)
        assert len(attempts) == 2
        for attempt in attempts:
            attempt.verify(producer.secret)
            assert attempt.body.endswith(b'"payload":' + payload.encode() + b"}")
            assert json.loads(attempt.body)["event_id"] == event_id
        assert attempts[0].headers["webhook-timestamp"] < attempts[1].headers["webhook-timestamp"]
        shown = await deployment.event(app, producer, event_id)
        [delivery] = shown["deliveries"]
        assert (delivery["status"], delivery["attempts"]) == ("delivered", 2)

    with pytest.raises(WebhookVerificationError):
        deployment.receiver.requests[0].verify("whsec_" + "A" * 32)
