"""No secret in a log line, nor in any answer but the one that is to show it."""

import json
import logging

import pytest

from tests.unit.app.api import Api, with_key
from triggers.telemetry import json_line

SECRET = "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5"
WEBHOOK = {"url": "https://example.com/hooks", "secret": SECRET}
BAD = [
    json.dumps(WEBHOOK | {"url": 1}),
    json.dumps(WEBHOOK | {"url": f"https://{SECRET}@example.com/"}),
    json.dumps(WEBHOOK | {"secret": SECRET + "!"}),
    json.dumps(WEBHOOK | {"secret": [SECRET]}),
    json.dumps(WEBHOOK | {"event_types": [SECRET + "/"]}),
    json.dumps(WEBHOOK)[:-1],
]


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return all that was logged, as the containers write it."""
    return "\n".join(json_line("app", record).decode() for record in caplog.records)


async def test_a_webhooks_secret_is_in_no_log_line_and_in_no_later_answer(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    created = await api.post("/v1/webhooks", json.dumps(WEBHOOK))
    assert created.json()["secret"] == SECRET
    path = f"/v1/webhooks/{created.json()['webhook_id']}"
    answers = [await api.client.get(p) for p in (path, "/v1/webhooks", "/v1/audit")]
    answers.append(await api.client.patch(path, json={"description": "new"}))
    refused = [await api.post("/v1/webhooks", body) for body in BAD]
    refused.append(await api.client.patch(path, json={"secret": SECRET, "url": SECRET}))
    refused.append(await api.post(f"{path}/rotate-secret", json.dumps({"secret": SECRET + "!"})))
    assert {answer.status_code for answer in refused} == {400}
    rotated = await api.post(f"{path}/rotate-secret", "{}")
    assert SECRET in rotated.text  # it is there to show what signs
    answers += [*refused, await api.client.get("/v1/audit"), await api.client.delete(path)]
    assert not [a.text for a in answers if SECRET in a.text]
    log = logged(caplog)
    assert path in log
    assert SECRET.removeprefix("whsec_") not in log


async def test_a_key_is_in_no_log_line_and_in_no_later_answer(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = '{"name": "shop", "scopes": ["keys"]}'
    key = (await api.post("/v1/keys", body)).json()["key"]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    answers = [
        await api.client.get("/v1/keys", headers=with_key(key)),
        await api.client.get("/v1/inbox", headers=with_key(key)),
        await api.client.get("/v1/keys", headers=with_key(wrong)),
        await api.client.get("/v1/keys", headers={"x-api-key": wrong}),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 401, 401]
    for text in (key, wrong, api.key, api.settings.operator_key):
        assert not [answer.text for answer in answers if text in answer.text]
        assert text not in logged(caplog)


async def test_what_a_rotation_shows_is_in_no_log_line_and_in_no_later_answer(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = '{"name": "signer", "scopes": ["inbox"], "require_signature": true}'
    made = (await api.post("/v1/keys", body)).json()
    path = f"/v1/keys/{made['key_id']}"
    rotated = (await api.post(f"{path}/rotate", "")).json()
    unsigned = {"x-triggers-timestamp": "1", "x-triggers-signature": rotated["signing_secret"]}
    answers = [
        await api.client.get("/v1/inbox", headers=with_key(rotated["key"]) | unsigned),
        await api.client.patch(path, json={"name": "x", "require_signature": True}),
        *[await api.client.get(p) for p in (path, "/v1/keys", "/v1/audit")],
    ]
    assert [answer.status_code for answer in answers] == [401, 200, 200, 200, 200]
    for text in (made["key"], made["signing_secret"], rotated["key"], rotated["signing_secret"]):
        assert not [answer.text for answer in answers if text in answer.text]
        assert text not in logged(caplog)
