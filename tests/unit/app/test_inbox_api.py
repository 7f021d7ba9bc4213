"""The inbox over HTTP: pages, cursors, and the size of a page."""

import pytest

from tests.unit.app.api import Api, running_api, with_key


async def walk(api: Api, limit: int) -> list[list[str]]:
    """Read the whole inbox page by page; returns the ids on each."""
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        answer = (await api.client.get("/v1/inbox", params=params)).json()
        pages.append([event["event_id"] for event in answer["events"]])
        cursor = answer["next_cursor"]
    return pages


async def test_the_inbox_is_listed_oldest_first_page_by_page(api: Api) -> None:
    sent = []
    for _ in range(5):
        sent.append(await api.accept())
        api.clock.advance(1)
    assert await walk(api, 2) == [sent[0:2], sent[2:4], sent[4:]]


async def test_an_empty_inbox_is_an_empty_list(api: Api) -> None:
    assert (await api.client.get("/v1/inbox")).json() == {"events": [], "next_cursor": None}


async def test_what_was_acknowledged_is_not_in_the_inbox(api: Api) -> None:
    kept, done = await api.accept(), await api.accept()
    await api.client.post(f"/v1/events/{done}/ack")
    assert await walk(api, 50) == [[kept]]


async def test_a_page_is_cut_where_its_payloads_are_too_large(api: Api) -> None:
    size = 400 * 1024 - 2
    sent = []
    for _ in range(5):
        sent.append(await api.accept('"' + "x" * size + '"'))
        api.clock.advance(1)
    assert await walk(api, 100) == [sent[0:2], sent[2:4], sent[4:]]


async def test_another_tenants_events_are_not_in_the_inbox(api: Api) -> None:
    await api.accept()
    _, other = api.add_tenant()
    answer = await api.client.get("/v1/inbox", headers=with_key(other))
    assert answer.json()["events"] == []


async def cursor_of(api: Api) -> str:
    """Return a valid cursor."""
    for _ in range(2):
        await api.accept()
        api.clock.advance(1)
    return str((await api.client.get("/v1/inbox?limit=1")).json()["next_cursor"])


@pytest.mark.parametrize("damage", ["garbage", "cut", "flipped", "longer", "empty", "unicode"])
async def test_B42_a_damaged_cursor_is_refused(api: Api, damage: str) -> None:
    cursor = await cursor_of(api)
    flipped = ("B" if cursor[7] == "A" else "A") + cursor[8:]
    damaged = {
        "garbage": "%00x",
        "cut": cursor[:-3],
        "flipped": cursor[:7] + flipped,
        "longer": cursor + "AAAA",
        "empty": "",
        "unicode": "é",
    }[damage]
    answer = await api.client.get("/v1/inbox", params={"cursor": damaged})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_B42_the_last_character_of_a_cursor_counts_too(api: Api) -> None:
    cursor = await cursor_of(api)
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        answer = await api.client.get("/v1/inbox", params={"cursor": cursor[:-1] + last})
        assert answer.status_code == (200 if last == cursor[-1] else 400)


async def test_B42_another_tenants_cursor_is_refused(api: Api) -> None:
    cursor = await cursor_of(api)
    _, other = api.add_tenant()
    answer = await api.client.get("/v1/inbox", params={"cursor": cursor}, headers=with_key(other))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("limit", ["-1", "0", "101", "1000000000", "abc", "", " 5", "٣", "1.5"])
async def test_B43_a_limit_outside_of_its_range_is_refused(api: Api, limit: str) -> None:
    answer = await api.client.get("/v1/inbox", params={"limit": limit})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == ["limit"]


KNOWN = (
    "Known here: limit, cursor, event_type, source, created_after, created_before, priority,"
    " metadata.<key>"
)


async def test_B45_an_unknown_parameter_is_refused_so_that_nobody_believes_in_a_filter(
    api: Api,
) -> None:
    answer = await api.client.get("/v1/inbox?status=pending&limt=1")
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"field": "status", "issue": "is not known", "suggestion": KNOWN},
        {"field": "limt", "issue": "is not known", "suggestion": "Did you mean limit?"},
    ]


async def test_B46_a_repeated_parameter_is_refused(api: Api) -> None:
    answer = await api.client.get("/v1/inbox?limit=1&limit=1")
    error = {"field": "limit", "issue": "is given more than once", "suggestion": "Give it once"}
    assert answer.json()["errors"] == [error]


async def test_a_cursor_holds_in_every_process_that_has_the_key(api: Api) -> None:
    cursor = await cursor_of(api)
    async with running_api() as other:
        other.resources.control.keep(api.resources.control.views[api.tenant.tenant_id])
        answer = await other.client.get(
            "/v1/inbox", params={"cursor": cursor}, headers=with_key(api.key)
        )
        assert answer.status_code == 200
