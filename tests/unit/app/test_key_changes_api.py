"""Changing and rotating keys over HTTP, and from where they may be used."""

import json
from typing import Any

import httpx
import pytest

from tests.factories import make_key
from tests.unit.app.api import Api, running_api, with_key
from triggers.api_keys import Scope
from triggers.errors import StoreUnavailable

BALANCED: dict[str, Any] = {"trusted_proxies": "127.0.0.0/8"}


async def create(api: Api, key: str | None = None, **fields: Any) -> dict[str, Any]:
    body = json.dumps({"name": "shop", "scopes": ["inbox"]} | fields)
    answer = await api.post("/v1/keys", body, **with_key(key or api.key))
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def change(api: Api, key_id: str, *, key: str | None = None, **fields: Any) -> httpx.Response:
    headers = with_key(key or api.key)
    return await api.client.patch(f"/v1/keys/{key_id}", json=fields, headers=headers)


async def rotate(api: Api, key_id: str, **fields: Any) -> httpx.Response:
    return await api.post(f"/v1/keys/{key_id}/rotate", json.dumps(fields))


async def status_of(api: Api, key: str, **headers: str) -> int:
    return (await api.client.get("/v1/inbox", headers=with_key(key) | headers)).status_code


async def test_what_is_absent_stays_and_null_clears(api: Api) -> None:
    fields: dict[str, Any] = {
        "expires_at": "2027-01-01T00:00:00.000Z",
        "rate_limit": 5,
        "allowed_cidrs": ["203.0.113.0/24", "2001:db8::/32"],
    }
    created = await create(api, **fields)
    assert {name: created[name] for name in fields} == fields
    key_id = created.pop("key_id")
    del created["key"]
    for sent, shown in (
        ({}, {}),
        ({"name": "x"}, {"name": "x"}),
        ({"scopes": ["keys", "inbox", "keys"]}, {"scopes": ["keys", "inbox"]}),
        ({"rate_limit": None}, {"rate_limit": None}),
        ({"expires_at": None}, {"expires_at": None}),
        ({"allowed_cidrs": None}, {"allowed_cidrs": []}),
        (
            {"allowed_cidrs": ["2001:DB8:0::/32", "10.0.0.1", "10.0.0.1/32"]},
            {"allowed_cidrs": ["2001:db8::/32", "10.0.0.1/32"]},
        ),
    ):
        answer = await change(api, key_id, **sent)
        created |= shown
        assert (answer.status_code, answer.json()) == (200, created | {"key_id": key_id})
        assert answer.headers["cache-control"] == "no-store"
        assert (await api.client.get(f"/v1/keys/{key_id}")).json() == answer.json()


async def test_a_change_is_in_force_when_it_returns_and_audited_by_its_fields(api: Api) -> None:
    created = await create(api)
    assert await status_of(api, created["key"]) == 200
    await change(api, created["key_id"], scopes=["keys"], expires_at=None, name="y")
    assert await status_of(api, created["key"]) == 403
    entry = api.resources.control.audit[-1]
    assert (entry.action, entry.subject) == ("key.updated", created["key_id"])
    assert entry.fields == ("name", "scopes")
    await change(api, created["key_id"], name="y")
    assert api.resources.control.audit[-1] == entry


@pytest.mark.parametrize(
    ("field", "value", "issue"),
    [
        ("name", "", "must not be empty"),
        ("name", None, "is null, must be a string"),
        ("scopes", [], "must not be empty"),
        ("scopes", ["admin"], "is not one of"),
        ("scopes", None, "is null, must be a list"),
        ("expires_at", "2026-11-22T05:29:00Z", "is not in the future"),
        ("expires_at", "2027-01-01T00:00:00", "is not a time with its zone"),
        ("rate_limit", 0, "less than 1"),
        ("rate_limit", 100_001, "greater than 100000"),
        ("rate_limit", 1.5, "must be an integer or null"),
        ("require_signature", None, "is null, must be true or false"),
        ("allowed_cidrs", ["10.0.0.0/8"] * 51, "longer than 50 items"),
        ("allowed_cidrs", ["10.0.0.1/8"], "entry 0 has bits set behind its prefix"),
        ("allowed_cidrs", ["10.0.0.0/8", "2001:db8::1/32"], "entry 1 has bits set"),
        ("allowed_cidrs", ["10.0.0.0/33"], "entry 0 is not a network"),
        ("allowed_cidrs", ["10.0.0.0/255.0.0.0"], "entry 0 is not a CIDR"),
        ("allowed_cidrs", ["fe80::1%eth0"], "entry 0 is not a CIDR"),
        ("allowed_cidrs", ["::ffff:10.0.0.0/104"], "write it as IPv4"),
        ("allowed_cidrs", ["x" * 50], "longer than 49 characters"),
        ("allowed_cidrs", [7], "is an integer, must be a string"),
        ("version", 2, "is not known"),
    ],
)
async def test_a_field_that_breaks_a_rule_is_refused_alike_by_both_ways(
    api: Api, field: str, value: Any, issue: str
) -> None:
    key_id = api.key.split("_")[1]
    body = json.dumps({"name": "a", "scopes": ["inbox"]} | {field: value})
    for answer in (await change(api, key_id, **{field: value}), await api.post("/v1/keys", body)):
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
        [error] = answer.json()["errors"]
        assert error["field"].startswith(field)
        assert issue in error["issue"]


async def test_a_key_gives_no_more_than_it_has(api: Api) -> None:
    lesser = await create(api, scopes=["keys", "inbox"], expires_at="2027-01-01T00:00:00Z")
    equal, mightier = await create(api, scopes=["inbox"]), await create(api, scopes=["webhooks"])
    refused = await change(api, equal["key_id"], key=lesser["key"], scopes=["inbox", "webhooks"])
    assert refused.status_code == 403
    assert refused.json()["detail"] == "The key lacks the scope webhooks"
    refused = await change(api, mightier["key_id"], key=lesser["key"], name="x")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    for asked in (None, "2028-01-01T00:00:00Z"):
        capped = await change(api, equal["key_id"], key=lesser["key"], expires_at=asked)
        assert capped.json()["expires_at"] == "2027-01-01T00:00:00.000Z"
        own = await change(api, lesser["key_id"], key=lesser["key"], expires_at=asked)
        assert own.json()["expires_at"] == "2027-01-01T00:00:00.000Z"


async def test_a_key_takes_no_text_of_a_mightier_one_or_one_that_outlives_it(api: Api) -> None:
    lesser = await create(api, scopes=["keys", "inbox"], expires_at="2027-01-01T00:00:00Z")
    others = [await create(api, scopes=[scope]) for scope in ("webhooks", "inbox")]
    for other in others:
        path = f"/v1/keys/{other['key_id']}/rotate"
        answer = await api.post(path, "{}", **with_key(lesser["key"]))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert await status_of(api, other["key"]) in (200, 403)
    own = await api.post(f"/v1/keys/{lesser['key_id']}/rotate", "", **with_key(lesser["key"]))
    assert own.status_code == 200


async def test_a_rotated_key_has_a_new_text_and_the_old_one_for_a_while(api: Api) -> None:
    created = await create(api)
    first = await api.client.post(f"/v1/keys/{created['key_id']}/rotate")  # no body at all
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-store")
    rotated = first.json()
    assert (rotated["version"], created["version"]) == (2, 1)
    assert rotated["old_version_expires_at"] == "2026-11-23T05:29:00.123Z"
    assert rotated["key"] != created["key"]
    assert "signing_secret" not in rotated
    assert [await status_of(api, made["key"]) for made in (created, rotated)] == [200, 200]
    third = (await rotate(api, created["key_id"], overlap_seconds=60)).json()
    assert [await status_of(api, m["key"]) for m in (created, rotated, third)] == [401, 200, 200]
    api.clock.advance(60)
    assert [await status_of(api, m["key"]) for m in (rotated, third)] == [401, 200]
    shown = (await api.client.get(f"/v1/keys/{created['key_id']}")).json()
    assert (shown["version"], shown["old_version_expires_at"]) == (3, None)
    entry = api.resources.control.audit[-1]
    assert (entry.action, entry.fields) == ("key.rotated", ("key",))
    listed = (await api.client.get("/v1/keys")).text
    assert not any(made["key"] in listed for made in (created, rotated, third))


async def test_without_an_overlap_the_old_text_is_void_at_once(api: Api) -> None:
    created = await create(api)
    rotated = (await rotate(api, created["key_id"], overlap_seconds=0)).json()
    assert rotated["old_version_expires_at"] is None
    assert [await status_of(api, made["key"]) for made in (created, rotated)] == [401, 200]


@pytest.mark.parametrize("seconds", [-1, 604_801, 1.5, "60", None])
async def test_an_overlap_out_of_range_is_refused(api: Api, seconds: Any) -> None:
    answer = await rotate(api, api.key.split("_")[1], overlap_seconds=seconds)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "overlap_seconds")


async def test_the_text_of_a_rotation_is_not_lost_by_what_can_be_read_before(api: Api) -> None:
    created = await create(api)
    api.resources.key_uses.failing_calls["read"] = StoreUnavailable("BatchGetItem")
    for answer in (
        await rotate(api, created["key_id"]),
        await change(api, created["key_id"], require_signature=True),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    kept = api.resources.control.views[api.tenant.tenant_id].keys[created["key_id"]]
    assert (kept.version, kept.require_signature) == (1, False)


async def test_the_last_use_is_shown_to_the_minute(api: Api) -> None:
    created = await create(api)
    assert created["last_used_at"] is None
    for seconds in (0, 30, 30):
        api.clock.advance(seconds)
        await status_of(api, created["key"])
    shown = (await api.client.get(f"/v1/keys/{created['key_id']}")).json()
    assert shown["last_used_at"] == "2026-11-22T05:30:00.123Z"
    listed = (await api.client.get("/v1/keys")).json()["keys"]
    assert [key["last_used_at"] is None for key in listed] == [False, False]
    assert api.resources.key_uses.calls["record"] == 4  # two keys, twice each
    changed = (await change(api, created["key_id"], name="x")).json()
    assert changed["last_used_at"] == shown["last_used_at"]


async def test_a_use_that_was_refused_is_none(api: Api) -> None:
    created = await create(api, allowed_cidrs=["203.0.113.0/24"])
    assert await status_of(api, created["key"]) == 403
    shown = (await api.client.get(f"/v1/keys/{created['key_id']}")).json()
    assert shown["last_used_at"] is None


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        (None, 403),
        ("203.0.113.7", 200),
        ("198.51.100.1, 203.0.113.7:4711", 200),
        ("::ffff:203.0.113.7", 200),
        ("203.0.113.7, 198.51.100.1", 403),
        ("203.0.113.7, unknown", 403),
        ("", 403),
    ],
)
async def test_a_key_is_used_from_its_addresses_alone(forwarded: str | None, status: int) -> None:
    async with running_api(**BALANCED) as api:
        created = await create(api, allowed_cidrs=["203.0.113.0/24"])
        headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
        answer = await api.client.get("/v1/inbox", headers=with_key(created["key"]) | headers)
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["detail"].startswith("The key may not be used from this address")
            assert answer.headers["ratelimit-remaining"] == answer.headers["ratelimit-limit"]


async def test_a_header_that_no_trusted_proxy_sent_does_not_count(api: Api) -> None:
    created = await create(api, allowed_cidrs=["203.0.113.0/24"])
    assert await status_of(api, created["key"], **{"x-forwarded-for": "203.0.113.7"}) == 403
    from_here = await create(api, allowed_cidrs=["127.0.0.0/8"])
    assert await status_of(api, from_here["key"], **{"x-forwarded-for": "203.0.113.7"}) == 200


async def test_a_key_does_not_lock_itself_out_but_another_may(api: Api) -> None:
    own = await create(api, scopes=["keys"])
    refused = await change(api, own["key_id"], key=own["key"], allowed_cidrs=["203.0.113.0/24"])
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_failed")
    [error] = refused.json()["errors"]
    assert error["field"] == "allowed_cidrs"
    assert "127.0.0.1" in error["issue"]
    for cidrs in (["127.0.0.1"], []):
        answer = await change(api, own["key_id"], key=own["key"], allowed_cidrs=cidrs)
        assert answer.status_code == 200
    answer = await change(api, own["key_id"], allowed_cidrs=["203.0.113.0/24"])
    assert answer.status_code == 200
    assert await status_of(api, own["key"]) == 403


async def test_a_key_of_an_older_record_can_be_changed(api: Api) -> None:
    key, text = make_key(api.tenant.tenant_id, scopes=(Scope.INBOX,))
    api.resources.control.views[api.tenant.tenant_id].keys[key.key_id] = key
    assert (await change(api, key.key_id, rate_limit=7)).json()["rate_limit"] == 7
    assert await status_of(api, text) == 200
