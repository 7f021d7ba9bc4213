"""Keys and tenants over HTTP."""

import json

import httpx
import pytest

from tests.factories import make_key
from tests.unit.app.api import Api, running_api, with_key
from triggers.api_keys import KEYS_MAX, TENANT_SCOPES, Scope

FIELDS = {
    *("key_id", "name", "scopes", "created_at", "expires_at", "version", "old_version_expires_at"),
    *("rate_limit", "allowed_cidrs", "require_signature", "last_used_at"),
}
TENANT_FIELDS = {"tenant_id", "name", "tier", "rate_limit", "created_at", "updated_at"}


async def create(api: Api, **fields: object) -> httpx.Response:
    return await api.post("/v1/keys", json.dumps({"name": "shop", "scopes": ["inbox"]} | fields))


async def create_tenant(api: Api, **fields: object) -> httpx.Response:
    body = json.dumps({"name": "Acme"} | fields)
    return await api.post("/v1/tenants", body, **with_key(api.settings.operator_key))


async def test_a_created_key_works_at_once_and_is_shown_once(api: Api) -> None:
    answer = await create(api, scopes=["inbox", "events:write", "inbox"])
    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/keys/{created['key_id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert set(created) == FIELDS | {"key"}
    assert created["scopes"] == ["inbox", "events:write"]
    assert (created["name"], created["expires_at"]) == ("shop", None)
    assert created["created_at"] == "2026-11-22T05:29:00.123Z"
    inbox = await api.client.get("/v1/inbox", headers=with_key(created["key"]))
    assert inbox.status_code == 200
    listed = await api.client.get("/v1/keys")
    assert created["key"] not in listed.text


async def test_keys_are_listed_and_read_without_their_texts(api: Api) -> None:
    api.clock.advance(1)
    created = (await create(api)).json()
    shown = (await api.client.get(f"/v1/keys/{created['key_id']}")).json()
    assert shown == {name: created[name] for name in FIELDS}
    listed = (await api.client.get("/v1/keys")).json()
    assert set(listed) == {"keys", "next_cursor"}
    assert [key["name"] for key in listed["keys"]] == ["test", "shop"]


async def test_a_key_may_expire(api: Api) -> None:
    created = (await create(api, expires_at="2026-11-22T07:29:01+02:00")).json()
    assert created["expires_at"] == "2026-11-22T05:29:01.000Z"
    headers = with_key(created["key"])
    assert (await api.client.get("/v1/inbox", headers=headers)).status_code == 200
    api.clock.advance(1)
    assert (await api.client.get("/v1/inbox", headers=headers)).status_code == 401


async def test_a_revoked_key_does_not_work_any_more_when_the_call_returns(api: Api) -> None:
    created = (await create(api)).json()
    path = f"/v1/keys/{created['key_id']}"
    assert (await api.client.delete(path)).status_code == 204
    assert (await api.client.get("/v1/inbox", headers=with_key(created["key"]))).status_code == 401
    for answer in (await api.client.get(path), await api.client.delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_key_cannot_make_a_mightier_one(api: Api) -> None:
    limited = (await create(api, scopes=["keys", "inbox"])).json()["key"]
    body = '{"name": "more", "scopes": ["inbox", "events:write"]}'
    refused = await api.post("/v1/keys", body, **with_key(limited))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "events:write" in refused.json()["detail"]
    body = '{"name": "less", "scopes": ["inbox"]}'
    assert (await api.post("/v1/keys", body, **with_key(limited))).status_code == 201


async def test_there_is_a_limit_on_keys(api: Api) -> None:
    view = api.resources.control.views[api.tenant.tenant_id]
    for _ in range(KEYS_MAX):
        key, _text = make_key(api.tenant.tenant_id)
        view.keys[key.key_id] = key
    answer = await create(api)
    assert (answer.status_code, answer.json()["code"]) == (409, "limit_reached")


async def test_a_tenant_is_made_by_the_operator_with_a_first_key(api: Api) -> None:
    answer = await create_tenant(api, tier="pro")
    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert set(created) == TENANT_FIELDS | {"key"}
    assert (created["name"], created["tier"]) == ("Acme", "pro")
    listed = (await api.client.get("/v1/keys", headers=with_key(created["key"]))).json()
    assert listed["keys"][0]["scopes"] == [str(scope) for scope in TENANT_SCOPES]
    kept = api.resources.control.views[created["tenant_id"]].tenant
    assert kept is not None
    assert kept.shards == 8


async def test_a_tenant_is_of_the_free_tier_unless_told_otherwise(api: Api) -> None:
    assert (await create_tenant(api)).json()["tier"] == "free"


@pytest.mark.parametrize("fields", [{"tier": "gold"}, {"name": ""}, {"shards": 3}, {"tier": None}])
async def test_a_tenant_that_breaks_a_rule_is_refused(api: Api, fields: dict[str, object]) -> None:
    answer = await create_tenant(api, **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert [error["field"] for error in answer.json()["errors"]] == list(fields)


async def test_without_an_operator_key_in_the_settings_nobody_is_the_operator() -> None:
    async with running_api(operator_key="") as api:
        for text in ("", "x", "operator-key-of-the-tests-0123456789"):
            answer = await api.post("/v1/tenants", '{"name": "a"}', **{"x-api-key": text})
            assert answer.status_code == 401


async def test_the_operator_can_do_nothing_but_tenants(api: Api) -> None:
    operator = with_key(api.settings.operator_key)
    for path in ("/v1/inbox", "/v1/webhooks", "/v1/keys", f"/v1/events/{await api.accept()}"):
        answer = await api.client.get(path, headers=operator)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    refused = await api.post("/v1/events", '{"event_type": "a", "payload": 1}', **operator)
    assert refused.status_code == 403
    assert Scope.ADMIN not in TENANT_SCOPES


@pytest.mark.parametrize(
    ("expires_at", "issue"),
    [
        ("9999-12-31T23:59:59.999999-14:00", "is later than the year 9999 in UTC"),
        ("9999-12-31T23:59:59.999999-00:01", "is later than the year 9999 in UTC"),
        ("0001-01-01T00:00:00+14:00", "is not in the future"),
        ("2026-11-22T05:29:00.123Z", "is not in the future"),
    ],
)
async def test_an_expiry_that_cannot_be_written_or_is_past_is_refused(
    api: Api, expires_at: str, issue: str
) -> None:
    answer = await create(api, expires_at=expires_at)
    assert (answer.status_code, answer.json()["errors"][0]["issue"]) == (400, issue)
    assert (await api.client.get("/v1/keys")).status_code == 200


async def test_the_last_moment_that_can_be_written_is_an_expiry(api: Api) -> None:
    answer = await create(api, expires_at="9999-12-31T23:59:59.999999Z")
    assert answer.json()["expires_at"] == "9999-12-31T23:59:59.999Z"
    assert (await api.client.get("/v1/keys")).status_code == 200


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, "2027-01-01T00:00:00.000Z"),
        ("2028-01-01T00:00:00Z", "2027-01-01T00:00:00.000Z"),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00.000Z"),
    ],
)
async def test_a_key_that_expires_makes_none_that_outlives_it(
    api: Api, asked: str | None, given: str
) -> None:
    maker = await create(api, scopes=["keys", "inbox"], expires_at="2027-01-01T00:00:00Z")
    body = json.dumps({"name": "heir", "scopes": ["inbox"], "expires_at": asked})
    answer = await api.post("/v1/keys", body, **with_key(maker.json()["key"]))
    assert (answer.status_code, answer.json()["expires_at"]) == (201, given)
