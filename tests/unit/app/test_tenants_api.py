"""Tenants over HTTP, with the operator's key."""

import json
from typing import Any

import httpx
import pytest

from tests.factories import make_event
from tests.unit.app.api import Api, with_key
from triggers.cursors import Cursors
from triggers.tenants import SHARDS_BY_TIER, Tier

FIELDS = {"tenant_id", "name", "tier", "rate_limit", "created_at", "updated_at"}
LIMIT = {"per_second": 5_000, "burst": 10_000, "per_day": None, "per_month": 1_000_000_000}


async def call(api: Api, method: str, path: str = "", content: Any = None) -> httpx.Response:
    """Call as the operator."""
    body = None if content is None else json.dumps(content)
    headers = with_key(api.settings.operator_key) | {"content-type": "application/json"}
    return await api.client.request(method, f"/v1/tenants{path}", content=body, headers=headers)


def path_of(api: Api) -> str:
    return f"/{api.tenant.tenant_id}"


async def test_a_tenant_is_read_where_its_creation_says(api: Api) -> None:
    created = await call(api, "POST", content={"name": "Acme", "tier": "pro"})
    assert created.status_code == 201
    shown = await api.client.get(
        created.headers["location"], headers=with_key(api.settings.operator_key)
    )
    assert set(shown.json()) == FIELDS | {"keys", "webhooks"}
    assert shown.json() == {
        **{name: created.json()[name] for name in FIELDS},
        "keys": 1,
        "webhooks": 0,
    }
    assert created.json()["key"] not in shown.text


async def test_a_tenant_may_be_created_with_a_limit_of_its_own(api: Api) -> None:
    content = {"name": "Acme", "tier": "enterprise", "rate_limit": LIMIT}
    assert (await call(api, "POST", content=content)).json()["rate_limit"] == LIMIT


async def test_tenants_are_listed_page_by_page_the_oldest_first(api: Api) -> None:
    names = [api.tenant.name]
    for number in range(4):
        api.clock.advance(1)
        await call(api, "POST", content={"name": f"tenant {number}"})
        names.append(f"tenant {number}")
    listed: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await call(api, "GET", f"?limit=2{cursor and '&cursor=' + cursor}")
        assert set(answer.json()["tenants"][0]) == FIELDS
        listed += [tenant["name"] for tenant in answer.json()["tenants"]]
        cursor = answer.json()["next_cursor"]
    assert listed == names


async def test_B42_a_cursor_of_another_list_is_none_of_this_one(api: Api) -> None:
    foreign = Cursors(api.settings.cursor_key).write(api.tenant.tenant_id, "inbox", "x")
    for cursor in (foreign, "garbage", ""):
        answer = await call(api, "GET", f"?cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_a_tenant_is_changed_in_what_is_named_alone(api: Api) -> None:
    api.clock.advance(1)
    answer = await call(api, "PATCH", path_of(api), {"name": "Newer"})
    assert answer.status_code == 200
    assert answer.json() == {
        "tenant_id": api.tenant.tenant_id,
        "name": "Newer",
        "tier": "free",
        "rate_limit": None,
        "created_at": "2026-11-22T05:29:00.123Z",
        "updated_at": "2026-11-22T05:29:01.123Z",
    }
    shown = (await call(api, "GET", path_of(api))).json()
    assert (shown["name"], shown["keys"], shown["webhooks"]) == ("Newer", 1, 1)


async def test_a_larger_tier_brings_shards_and_a_limit_of_its_own(api: Api) -> None:
    content = {"tier": "enterprise", "rate_limit": LIMIT}
    answer = await call(api, "PATCH", path_of(api), content)
    assert (answer.json()["tier"], answer.json()["rate_limit"]) == ("enterprise", LIMIT)
    kept = api.resources.control.views[api.tenant.tenant_id].tenant
    assert kept is not None
    assert kept.shards == SHARDS_BY_TIER[Tier.ENTERPRISE]
    cleared = await call(api, "PATCH", path_of(api), {"rate_limit": None})
    assert (cleared.json()["tier"], cleared.json()["rate_limit"]) == ("enterprise", None)


async def test_the_inbox_looks_into_all_shards_while_they_grow(api: Api) -> None:
    tenant, key = api.add_tenant(shards=1, read_shards=8)
    sent = [make_event(shards=8) for _ in range(20)]
    for event in sent:
        await api.resources.events.insert(tenant.tenant_id, event, due_ms=0, expires_s=0)
    inbox = (await api.client.get("/v1/inbox", headers=with_key(key))).json()["events"]
    assert {shown["event_id"] for shown in inbox} == {event.event_id for event in sent}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"tier": "gold"}, "tier"),
        ({"tier": None}, "tier"),
        ({"name": ""}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"shards": 3}, "shards"),
        ({"rate_limit": LIMIT}, "rate_limit"),
        ({"tier": "enterprise", "rate_limit": {"burst": 1}}, "rate_limit.per_second"),
        ({"tier": "enterprise", "rate_limit": LIMIT | {"burst": 0}}, "rate_limit.burst"),
        ({"tier": "enterprise", "rate_limit": LIMIT | {"per_day": 10**13}}, "rate_limit.per_day"),
        ({"tier": "enterprise", "rate_limit": LIMIT | {"per_hour": 1}}, "rate_limit.per_hour"),
        ({"tier": "enterprise", "rate_limit": 5}, "rate_limit"),
    ],
)
async def test_a_change_that_breaks_a_rule_is_refused(
    api: Api, content: dict[str, Any], field: str
) -> None:
    for method, path in (("PATCH", path_of(api)), ("POST", "")):
        sent = content if method == "PATCH" else {"name": "Acme"} | content
        answer = await call(api, method, path, sent)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_deleted_tenant_is_gone_with_its_keys_and_webhooks(api: Api) -> None:
    answer = await call(api, "DELETE", path_of(api))
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.client.get("/v1/inbox")).status_code == 401
    assert (await call(api, "GET")).json()["tenants"] == []
    for method in ("GET", "DELETE"):
        again = await call(api, method, path_of(api))
        assert (again.status_code, again.json()["code"]) == (404, "not_found")
    view = api.resources.control.views[api.tenant.tenant_id]
    assert (view.keys, view.webhooks) == ({}, {})


async def test_a_tenant_that_lost_its_last_key_gets_another(api: Api) -> None:
    content = {"name": "rescue", "scopes": ["keys", "inbox"], "expires_at": "2027-01-01T00:00:00Z"}
    answer = await call(api, "POST", f"{path_of(api)}/keys", content)
    created = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert created["expires_at"] == "2027-01-01T00:00:00.000Z"
    keys = await api.client.get("/v1/keys", headers=with_key(created["key"]))
    assert created["key_id"] in keys.text
    for name in ("events", "webhooks"):
        listed = await api.client.get(f"/v1/{name}", headers=with_key(created["key"]))
        assert listed.status_code in (403, 405)


async def test_the_operator_makes_keys_of_no_scope_but_a_tenants(api: Api) -> None:
    content = {"name": "mighty", "scopes": ["admin"]}
    answer = await call(api, "POST", f"{path_of(api)}/keys", content)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
