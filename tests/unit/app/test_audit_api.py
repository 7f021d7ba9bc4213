"""The audit over HTTP, and that every route which changes control data leaves an entry."""

import json
from typing import Any

import pytest

from tests.factories import NOW_MS
from tests.unit.app.api import Api, with_key
from tests.unit.app.walking import BEHIND_A_KEY, OPERATOR_KEY, Route, name_of, things_of
from triggers.api_keys import Scope
from triggers.times import rfc3339

# Behind the same scopes, but these change nothing of keys, webhooks or tenants.
NO_CHANGES = {
    "POST /v1/webhooks/{webhook_id}/test",
    "POST /v1/webhooks/{webhook_id}/recover",
}
# What changes some fields of a thing names them; the others make one, or delete it.
NAMING_FIELDS = ("rotate", "rotate-secret", "enable")

CHANGING = [
    route
    for route in BEHIND_A_KEY
    if route.method != "GET"
    and route.operation.scope in (Scope.WEBHOOKS, Scope.KEYS, Scope.ADMIN)
    and name_of(route) not in NO_CHANGES
]


async def audit(api: Api, **query: str | int) -> Any:
    answer = await api.client.get("/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def create_webhook(api: Api) -> str:
    answer = await api.post("/v1/webhooks", '{"url": "https://example.com/hooks"}')
    return str(answer.json()["webhook_id"])


@pytest.mark.parametrize("route", CHANGING, ids=name_of)
async def test_every_change_of_keys_webhooks_and_tenants_is_audited(api: Api, route: Route) -> None:
    ids = await things_of(api, api.tenant.tenant_id, api.key)
    if route.path.endswith("/enable"):  # which only a disabled one can be
        path = f"/v1/webhooks/{ids['webhook_id']}"
        assert (await api.client.patch(path, json={"enabled": False})).is_success
    audited = len(api.resources.control.audit)

    answer = await route.call(api, ids)

    assert answer.is_success, answer.text
    entry = api.resources.control.audit[audited]
    kind = route.path.removeprefix("/v1/").split("/")[-1 if route.path.endswith("/keys") else 0]
    assert entry.action.startswith(f"{kind.removesuffix('s')}.")
    assert entry.actor == ("operator" if route.key(api) == OPERATOR_KEY else ids["key_id"])
    assert entry.subject in (*ids.values(), *_ids_in(answer))
    assert entry.at_ms == NOW_MS
    names_fields = route.method == "PATCH" or route.path.rpartition("/")[2] in NAMING_FIELDS
    assert bool(entry.fields) == names_fields


def _ids_in(answer: Any) -> list[Any]:
    return list(answer.json().values()) if answer.content else []


async def test_the_audit_tells_who_did_what_newest_first(api: Api) -> None:
    webhook_id = await create_webhook(api)
    api.clock.advance(1)
    await api.client.delete(f"/v1/webhooks/{webhook_id}")
    key_id = api.key.split("_")[1]

    listed = await audit(api)

    assert listed == {
        "entries": [
            {
                "at": rfc3339(NOW_MS + 1_000),
                "actor": key_id,
                "action": "webhook.deleted",
                "subject": webhook_id,
                "fields": [],
            },
            {
                "at": rfc3339(NOW_MS),
                "actor": key_id,
                "action": "webhook.created",
                "subject": webhook_id,
                "fields": [],
            },
        ],
        "next_cursor": None,
    }


async def test_the_audit_names_the_fields_that_changed_and_no_values(api: Api) -> None:
    path = f"/v1/tenants/{api.tenant.tenant_id}"
    headers = with_key(OPERATOR_KEY) | {"content-type": "application/json"}
    await api.client.patch(path, content='{"name": "Newest"}', headers=headers)
    listed = await audit(api)
    assert [entry["fields"] for entry in listed["entries"]] == [["name"]]
    assert "Newest" not in json.dumps(listed)


async def test_the_audit_is_read_page_by_page(api: Api) -> None:
    made = [await create_webhook(api) for _ in range(5)]
    subjects: list[str] = []
    page = await audit(api, limit=2)
    while page["next_cursor"]:
        subjects += [entry["subject"] for entry in page["entries"]]
        page = await audit(api, limit=2, cursor=page["next_cursor"])
    subjects += [entry["subject"] for entry in page["entries"]]
    assert subjects == made[::-1]


async def test_the_audit_is_filtered(api: Api) -> None:
    first, second = await create_webhook(api), await create_webhook(api)
    api.clock.advance(60)
    await api.client.delete(f"/v1/webhooks/{first}")
    minute = rfc3339(NOW_MS + 60_000)
    for query, subjects in (
        ({"action": "webhook.created"}, [second, first]),
        ({"subject": first}, [first, first]),
        ({"subject": first, "action": "webhook.created"}, [first]),
        ({"since": minute}, [first]),
        ({"until": minute}, [second, first]),
        ({"since": "2026-11-22T07:30:00.123+02:00"}, [first]),
        ({"since": minute, "until": minute}, []),
        ({"since": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-14:00"}, 3),
    ):
        found = [entry["subject"] for entry in (await audit(api, **query))["entries"]]
        assert (len(found) if isinstance(subjects, int) else found) == subjects


async def test_B42_a_cursor_is_good_for_its_tenant_and_its_filter_alone(api: Api) -> None:
    for _ in range(3):
        await create_webhook(api)
    cursor = (await audit(api, limit=1))["next_cursor"]
    _, other = api.add_tenant()
    for query, key in (
        ({"action": "webhook.created"}, api.key),
        ({"since": rfc3339(NOW_MS)}, api.key),
        ({}, other),
    ):
        params = {"limit": "1", "cursor": cursor} | query
        answer = await api.client.get("/v1/audit", params=params, headers=with_key(key))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("since=yesterday", "since"),
        ("since=2026-11-22T05:29:00", "since"),
        ("since=0.5", "since"),
        ("until=null", "until"),
        ("until=99999-01-01T00:00:00Z", "until"),
        (f"action={'x' * 65}", "action"),
        ("actor=a", "actor"),
        ("subject=a&subject=b", "subject"),
    ],
)
async def test_a_query_that_breaks_a_rule_is_refused(api: Api, query: str, field: str) -> None:
    answer = await api.client.get(f"/v1/audit?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_the_audit_of_another_tenant_is_not_shown(api: Api) -> None:
    _, other = api.add_tenant()
    await api.post("/v1/webhooks", '{"url": "https://example.com/a"}', **with_key(other))
    assert (await audit(api))["entries"] == []
