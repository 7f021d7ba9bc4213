"""Webhooks changed over HTTP: merged, with ETag and If-Match, and their secrets rotated."""

import base64
import json

import httpx
import pytest

from tests.factories import make_webhook
from tests.unit.app.api import Api, with_key
from triggers.webhooks import OldSecret, Webhook

SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()


def keep(api: Api, **values: object) -> Webhook:
    """Have the tenant own a webhook."""
    webhook = make_webhook(url="https://example.com/", **values)
    api.resources.control.views[api.tenant.tenant_id].webhooks[webhook.webhook_id] = webhook
    return webhook


def kept(api: Api, webhook: Webhook) -> Webhook:
    return api.resources.control.views[api.tenant.tenant_id].webhooks[webhook.webhook_id]


async def patch(api: Api, webhook: Webhook, body: object, **headers: str) -> httpx.Response:
    path = f"/v1/webhooks/{webhook.webhook_id}"
    return await api.client.patch(path, json=body, headers=headers)


async def test_a_patch_changes_what_it_names_alone(api: Api) -> None:
    webhook = keep(api, description="Orders", headers={"X-Shop": "1"})
    before = (await api.client.get(f"/v1/webhooks/{webhook.webhook_id}")).json()
    api.clock.advance(1)

    given = {"event_types": ["order.*"], "retry": [1, 60], "headers": {"X-Other": "2"}}
    answer = await patch(api, webhook, given)

    assert answer.status_code == 200
    assert answer.json() == before | given | {"updated_at": "2026-11-22T05:29:01.123Z"}
    assert kept(api, webhook).secret == webhook.secret
    assert api.resources.control.audit[-1].fields == ("event_types", "retry", "headers")


async def test_null_clears_what_may_be_absent(api: Api) -> None:
    webhook = keep(api, description="Orders", timeout_seconds=3)

    shown = (await patch(api, webhook, {"description": None, "timeout_seconds": None})).json()

    assert (shown["description"], shown["timeout_seconds"]) == (None, 15)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": None}, "url"),
        ({"url": "https://127.1/"}, "url"),
        ({"url": "https://example.com/" + "a" * 8192}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["a..*"]}, "event_types"),
        ({"enabled": None}, "enabled"),
        ({"enabled": "no"}, "enabled"),
        ({"timeout_seconds": 31}, "timeout_seconds"),
        ({"retry": "never"}, "retry"),
        ({"retry": [0]}, "retry[0]"),
        ({"description": "x" * 513}, "description"),
        ({"secret": SECRET}, "secret"),
        ({"status": "active"}, "status"),
        ({"headers": {"Host": "x"}}, "headers"),
        ({"headers": {"X-Long": "x" * 1025}}, "headers.X-Long"),
        ({"headers": {"x" * 129: "x"}}, "headers." + "x" * 64),
        ({"headers": {f"X-{number}": "x" for number in range(21)}}, "headers"),
        ({"headers": {f"X-{number}": "x" * 1000 for number in range(9)}}, "headers"),
        ({"headers": {"X-Number": 1}}, "headers.X-Number"),
    ],
)
async def test_B56_B57_a_patch_with_a_wrong_field_changes_nothing(
    api: Api, body: object, field: str
) -> None:
    webhook = keep(api)
    answer = await patch(api, webhook, {"description": "x"} | body)  # type: ignore[operator]
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert kept(api, webhook) == webhook


async def test_every_answer_that_shows_one_webhook_has_its_etag(api: Api) -> None:
    created = await api.post("/v1/webhooks", json.dumps({"url": "https://example.com/"}))
    path = created.headers["location"]
    read = await api.client.get(path)
    changed = await api.client.patch(path, json={"description": "x"})
    same = await api.client.patch(path, json={"description": "x"})
    empty = await api.client.patch(path, json={})
    assert [a.headers["etag"] for a in (created, read, changed, same, empty)] == [
        '"1"',
        '"1"',
        '"2"',
        '"2"',
        '"2"',
    ]


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ('"1"', 200),
        ("*", 200),
        (' "0" ,, "1"', 200),
        ('"0", W/"2"', 412),
        ('W/"1"', 412),
        ('"01"', 412),
        ('""', 412),
        ("", 400),
        ("1", 400),
        ('"1', 400),
        ('"1" "2"', 400),
        ('"1", *', 400),
        (", ,", 400),
        ('"a b"', 400),
        (", ".join(['"1"'] * 51), 400),
    ],
)
async def test_a_change_may_depend_on_the_state_that_its_caller_knows(
    api: Api, if_match: str, status: int
) -> None:
    webhook = keep(api)
    answer = await patch(api, webhook, {"description": "x"}, **{"if-match": if_match})
    assert answer.status_code == status, answer.text
    assert kept(api, webhook).description == ("x" if status == 200 else None)
    if status == 412:
        assert answer.json()["code"] == "precondition_failed"
        assert 'its ETag is "1" now' in answer.json()["detail"]
    if status == 400:
        assert [error["field"] for error in answer.json()["errors"]] == ["If-Match"]


async def test_a_delete_may_depend_on_it_too(api: Api) -> None:
    path = f"/v1/webhooks/{keep(api).webhook_id}"
    assert (await api.client.delete(path, headers={"if-match": '"2"'})).status_code == 412
    assert (await api.client.delete(path, headers={"if-match": '"1"'})).status_code == 204


async def test_a_webhook_is_disabled_and_enabled_by_a_call(api: Api) -> None:
    created = await api.post(
        "/v1/webhooks", json.dumps({"url": "https://example.com/", "enabled": False})
    )
    assert created.json()["disabled_at"] == "2026-11-22T05:29:00.123Z"
    assert (created.json()["status"], created.json()["disabled_reason"]) == (
        "disabled",
        "disabled by a call",
    )
    path = created.headers["location"]
    for enabled, status, reason in (
        (True, "active", None),
        (False, "disabled", "disabled by a call"),
    ):
        shown = (await api.client.patch(path, json={"enabled": enabled})).json()
        assert (shown["enabled"], shown["status"]) == (enabled, status)
        assert shown["disabled_reason"] == reason


async def test_the_secrets_that_sign_can_be_read(api: Api) -> None:
    now_ms = api.clock.now_ms
    old_secrets = (
        OldSecret(secret="whsec_old", until_ms=now_ms + 1000),
        OldSecret(secret="whsec_expired", until_ms=now_ms),
    )
    webhook = keep(api, old_secrets=old_secrets)
    answer = await api.client.get(f"/v1/webhooks/{webhook.webhook_id}/secret")
    assert answer.headers["etag"] == webhook.tag
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "secret": webhook.secret,
        "old_secrets": [{"secret": "whsec_old", "expires_at": "2026-11-22T05:29:01.123Z"}],
    }


async def test_a_secret_is_rotated_with_and_without_a_body(api: Api) -> None:
    webhook = keep(api)
    path = f"/v1/webhooks/{webhook.webhook_id}/rotate-secret"
    made = await api.client.post(path)
    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
    assert made.headers["etag"] == kept(api, webhook).tag != webhook.tag
    assert made.json()["old_secrets"] == [
        {"secret": webhook.secret, "expires_at": "2026-11-23T05:29:00.123Z"}
    ]
    given = (await api.post(path, json.dumps({"secret": SECRET}))).json()
    assert given["secret"] == SECRET == kept(api, webhook).secret
    assert [old["secret"] for old in given["old_secrets"]] == [
        made.json()["secret"],
        webhook.secret,
    ]
    assert (await api.post(path, "{}")).status_code == 200


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        ('{"secret": "x"}', "application/json", 400),
        ('{"secret": "whsec_AAAA"}', "application/json", 400),
        ('{"other": 1}', "application/json", 400),
        ("[]", "application/json", 400),
        ("{", "application/json", 400),
        ("{}", "text/plain", 415),
    ],
)
async def test_a_rotation_with_a_bad_body_changes_nothing(
    api: Api, content: str, media_type: str, status: int
) -> None:
    webhook = keep(api)
    path = f"/v1/webhooks/{webhook.webhook_id}/rotate-secret"
    answer = await api.post(path, content, **{"content-type": media_type})
    assert answer.status_code == status
    assert kept(api, webhook) == webhook


async def test_another_tenant_changes_and_learns_nothing(api: Api) -> None:
    webhook = keep(api)
    _, other = api.add_tenant()
    path = f"/v1/webhooks/{webhook.webhook_id}"
    for method, end in (("PATCH", ""), ("GET", "/secret"), ("POST", "/rotate-secret")):
        answer = await api.client.request(method, path + end, json={}, headers=with_key(other))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, end)
    assert kept(api, webhook) == webhook
