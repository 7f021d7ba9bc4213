"""Webhooks over HTTP: created, listed, read, deleted."""

import base64
import json

import httpx
import pytest

from tests.factories import make_webhook
from tests.unit.app.api import Api, running_api, with_key
from triggers.tenants import TenantView
from triggers.webhooks import WEBHOOKS_MAX, WebhookStatus

FIELDS = {
    "webhook_id",
    "url",
    "event_types",
    "description",
    "enabled",
    "timeout_seconds",
    "retry",
    "headers",
    "status",
    "failing_since",
    "disabled_reason",
    "disabled_at",
    "created_at",
    "updated_at",
}


async def create(api: Api, **fields: object) -> httpx.Response:
    return await api.post("/v1/webhooks", json.dumps({"url": "https://example.com/"} | fields))


async def test_a_webhook_has_defaults_and_a_secret_of_its_own(api: Api) -> None:
    answer = await create(api)
    shown = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/webhooks/{shown['webhook_id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert set(shown) == FIELDS | {"secret"}
    assert len(base64.b64decode(shown["secret"].removeprefix("whsec_"))) == 24
    assert shown | {"webhook_id": "", "secret": ""} == {
        "webhook_id": "",
        "url": "https://example.com/",
        "event_types": ["*"],
        "description": None,
        "enabled": True,
        "timeout_seconds": 15,
        "retry": "standard",
        "headers": {},
        "secret": "",
        "status": "active",
        "failing_since": None,
        "disabled_reason": None,
        "disabled_at": None,
        "created_at": "2026-11-22T05:29:00.123Z",
        "updated_at": "2026-11-22T05:29:00.123Z",
    }


async def test_a_webhook_keeps_what_it_was_given(api: Api) -> None:
    given = {
        "url": "https://example.com:8443/a?b=c",
        "event_types": ["order.*", "invoice.paid"],
        "description": "Orders “für” 😀",
        "headers": {"Authorization": "Basic dXNlcjpwYXNz", "x-Shop": "1"},
        "timeout_seconds": 30,
        "retry": [1, 60, 86_400],
        "secret": "whsec_" + base64.b64encode(b"x" * 64).decode(),
    }
    shown = (await create(api, **given)).json()
    assert {name: shown[name] for name in given} == given
    kept = api.resources.control.views[api.tenant.tenant_id].webhooks[shown["webhook_id"]]
    assert (kept.secret, kept.retry, kept.event_types) == (
        given["secret"],
        (1, 60, 86_400),
        ("order.*", "invoice.paid"),
    )


async def test_the_secret_is_shown_once(api: Api) -> None:
    created = (await create(api)).json()
    shown = (await api.client.get(f"/v1/webhooks/{created['webhook_id']}")).json()
    listed = (await api.client.get("/v1/webhooks")).json()
    assert set(shown) == FIELDS
    assert shown in listed["webhooks"]
    assert all(set(webhook) == FIELDS for webhook in listed["webhooks"])
    assert created["secret"] not in str(listed)


async def test_webhooks_are_listed_oldest_first(api: Api) -> None:
    api.resources.control.keep(
        TenantView(
            tenant_id=api.tenant.tenant_id,
            version=9,
            tenant=api.tenant,
            keys=api.resources.control.views[api.tenant.tenant_id].keys,
        )
    )
    created = []
    for _ in range(3):
        created.append((await create(api)).json()["webhook_id"])
        api.clock.advance(1)
    listed = (await api.client.get("/v1/webhooks")).json()
    assert [webhook["webhook_id"] for webhook in listed["webhooks"]] == created
    assert listed["next_cursor"] is None


async def test_the_default_timeout_is_the_services(api: Api) -> None:
    for seconds, shown in ((7.6, 8), (0.2, 1), (99, 30)):
        async with running_api(attempt_seconds=seconds) as other:
            assert (await create(other)).json()["timeout_seconds"] == shown
    assert (await create(api, timeout_seconds=None)).json()["timeout_seconds"] == 15


async def test_a_deleted_webhook_is_gone_when_the_call_returns(api: Api) -> None:
    path = f"/v1/webhooks/{(await create(api)).json()['webhook_id']}"
    assert (await api.client.delete(path)).status_code == 204
    for answer in (await api.client.get(path), await api.client.delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_disabled_webhook_says_why_and_since_when(api: Api) -> None:
    disabled = make_webhook(
        status=WebhookStatus.DISABLED, disabled_reason="receiver answered 410", disabled_ms=0
    )
    view = api.resources.control.views[api.tenant.tenant_id]
    view.webhooks[disabled.webhook_id] = disabled
    shown = (await api.client.get(f"/v1/webhooks/{disabled.webhook_id}")).json()
    assert (shown["status"], shown["disabled_reason"], shown["disabled_at"]) == (
        "disabled",
        "receiver answered 410",
        "1970-01-01T00:00:00.000Z",
    )


async def test_there_is_a_limit_on_webhooks(api: Api) -> None:
    view = api.resources.control.views[api.tenant.tenant_id]
    for webhook in (make_webhook() for _ in range(WEBHOOKS_MAX)):
        view.webhooks[webhook.webhook_id] = webhook
    answer = await create(api)
    assert (answer.status_code, answer.json()["code"]) == (409, "limit_reached")


@pytest.mark.parametrize(
    ("environment", "url", "status"),
    [
        ("production", "http://example.com/", 400),
        ("development", "http://example.com/", 201),
        ("production", "https://127.0.0.1/", 400),
        ("development", "https://127.0.0.1/", 201),
        ("development", "https://10.0.0.1/", 400),
        ("production", "https://receiver/", 400),
        ("development", "http://receiver:9000/", 201),
    ],
)
async def test_what_a_url_may_be_depends_on_the_environment(
    environment: str, url: str, status: int
) -> None:
    networks = "127.0.0.0/8" if environment == "development" else ""
    async with running_api(environment=environment, allowed_networks=networks) as api:
        answer = await create(api, url=url)
        assert answer.status_code == status
        if status == 400:
            assert [error["field"] for error in answer.json()["errors"]] == ["url"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "https://user:password@example.com/",
        "https://example.com:0/",
        "https://0x7f.1/",
        "https://metadata/",
        "https://example.com/\r\nhost: evil",
        "https://example.com/" + "a" * 8192,
    ],
    ids=["B50", "B51", "B52", "B53", "B54", "B55", "B56"],
)
async def test_B50_to_B56_a_bad_url_is_a_problem_of_its_field_and_nothing_is_stored(
    url: str,
) -> None:
    async with running_api(environment="production", allowed_networks="") as api:
        before = dict(api.resources.control.views)
        answer = await create(api, url=url)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
        assert [error["field"] for error in answer.json()["errors"]] == ["url"]
        assert api.resources.control.views == before


async def test_a_change_is_an_audit_entry_of_the_key_that_made_it(api: Api) -> None:
    created = (await create(api)).json()
    [entry] = api.resources.control.audit
    assert api.key.startswith(f"trg_{entry.actor}_")
    assert (entry.action, entry.subject) == ("webhook.created", created["webhook_id"])


async def test_another_tenant_does_not_see_a_webhook(api: Api) -> None:
    path = f"/v1/webhooks/{(await create(api)).json()['webhook_id']}"
    _, other = api.add_tenant()
    assert (await api.client.get(path, headers=with_key(other))).status_code == 404
