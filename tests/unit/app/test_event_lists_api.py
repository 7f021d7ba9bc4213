"""Lists of events over HTTP: their filters, their order, their cursors."""

import json
from typing import Any

import httpx
import pytest

from app.decoding import ERRORS_MAX
from tests.unit.app.api import Api, with_key

LISTS = ("/v1/events", "/v1/inbox")


async def send(api: Api, **fields: Any) -> str:
    answer = await api.post("/v1/events", json.dumps({"event_type": "a", "payload": 1} | fields))
    assert answer.status_code == 202
    api.clock.advance(1)
    return str(answer.json()["event_id"])


async def listed(api: Api, path: str, **query: Any) -> list[str]:
    answer = await api.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [event["event_id"] for event in answer.json()["events"]]


def issues_of(answer: httpx.Response) -> dict[str, str]:
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    return {error["field"]: error["issue"] for error in answer.json()["errors"]}


async def test_events_are_listed_newest_first_unless_asked_otherwise(api: Api) -> None:
    sent = [await send(api) for _ in range(3)]
    await api.client.post(f"/v1/events/{sent[1]}/ack")
    assert await listed(api, "/v1/events") == sent[::-1]
    assert await listed(api, "/v1/events", order="desc") == sent[::-1]
    assert await listed(api, "/v1/events", order="asc") == sent


async def test_payloads_are_shown_only_when_asked_for(api: Api) -> None:
    await send(api, payload={"order": 1})
    without, with_payload = [
        (await api.client.get(f"/v1/events{query}")).json()["events"][0]
        for query in ("", "?include=payload")
    ]
    assert with_payload["payload"] == {"order": 1}
    assert with_payload == without | {"payload": {"order": 1}}
    assert "payload" not in without


@pytest.mark.parametrize("path", LISTS)
async def test_filters_take_that_of_which_all_holds(api: Api, path: str) -> None:
    one = await send(api, event_type="order.created", source="shop", metadata={"a.b": "1"})
    two = await send(api, event_type="order.paid", metadata={"priority": "high", "": ""})
    for query, expected in (
        ({"event_type": "order.*"}, {one, two}),
        ({"event_type": ["order.created", "order.paid"]}, {one, two}),
        ({"event_type": ["order.created", "x.*"]}, {one}),
        ({"event_type": "*", "source": "shop"}, {one}),
        ({"source": "null"}, set()),
        ({"priority": "normal"}, {one}),
        ({"metadata.a.b": "1"}, {one}),
        ({"metadata.": ""}, {two}),
        ({"metadata.a.b": "1", "metadata.": ""}, set()),
        ({"created_after": "2026-11-22T05:29:00.123Z"}, {two}),
        ({"created_after": "2026-11-22T05:29:00.1229Z"}, {one, two}),
        ({"created_before": "2026-11-22T06:29:01.123+01:00"}, {one}),
        ({"created_before": "2026-11-22T05:29:01.1231Z"}, {one, two}),
        ({"created_after": "9999-12-31T23:59:59.999Z"}, set()),
        ({"created_before": "0001-01-01T00:00:00Z"}, set()),
    ):
        assert set(await listed(api, path, **query)) == expected, query


async def test_events_are_filtered_by_their_status(api: Api) -> None:
    waiting, done = await send(api), await send(api)
    await api.client.post(f"/v1/events/{done}/ack")
    assert await listed(api, "/v1/events", status="acknowledged") == [done]
    assert await listed(api, "/v1/events", status="pending") == [waiting]
    assert await listed(api, "/v1/events", status="failed") == []


@pytest.mark.parametrize("name", ["created_after", "created_before"])
@pytest.mark.parametrize(
    "moment",
    [
        "",
        "-1",
        "1900000000",
        "1e9",
        "2026-11-22",
        "2026-11-22T05:29:00",
        "10000-01-01T00:00:00Z",
        "-2026-11-22T05:29:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-22T05:29:00 01:00",
        "now",
    ],
)
async def test_B44_a_time_that_is_none_is_refused(api: Api, name: str, moment: str) -> None:
    for path in LISTS:
        assert list(issues_of(await api.client.get(path, params={name: moment}))) == [name]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("event_type=", "event_type[0]"),
        ("event_type=a&event_type=*.a", "event_type[1]"),
        ("event_type=a%0A", "event_type[0]"),
        ("&".join(["event_type=a"] * 21), "event_type"),
        ("source=", "source"),
        ("source=" + "x" * 129, "source"),
        ("status=done", "status"),
        ("status=", "status"),
        ("order=up", "order"),
        ("include=payloads", "include"),
        ("priority=urgent", "priority"),
        ("metadata." + "k" * 65 + "=x", "metadata." + "k" * 64),
        ("metadata.k=" + "x" * 513, "metadata.k"),
        ("&".join(f"metadata.{n}=x" for n in range(9)), "metadata"),
        ("limit=0", "limit"),
    ],
)
async def test_a_filter_of_the_wrong_form_is_refused(api: Api, query: str, field: str) -> None:
    assert list(issues_of(await api.client.get(f"/v1/events?{query}"))) == [field]


@pytest.mark.parametrize("name", ["source", "status", "order", "metadata.a", "cursor", "limit"])
async def test_B46_what_may_come_once_is_refused_twice(api: Api, name: str) -> None:
    answer = await api.client.get(f"/v1/events?{name}=asc&{name}=asc")
    assert issues_of(answer)[name] == "is given more than once"


@pytest.mark.parametrize("query", ["metadata=eu", "metadata[a]=b", "Order=asc", "event_types=a"])
async def test_B45_what_is_no_filter_is_refused(api: Api, query: str) -> None:
    assert list(issues_of(await api.client.get(f"/v1/events?{query}")).values()) == ["is not known"]


async def test_B46_of_very_many_repeated_parameters_some_are_told(api: Api) -> None:
    query = "&".join(f"metadata.{n}=&metadata.{n}=" for n in range(1_000))
    issues = issues_of(await api.client.get(f"/v1/events?{query}"))
    assert set(issues.values()) == {"is given more than once"}
    assert len(issues) == ERRORS_MAX


@pytest.mark.parametrize("query", ["source=%FF", "metadata.%ED%A0%80=a", "%C3=a", "source=a%E2%82"])
async def test_B22_a_query_that_is_not_utf_8_is_refused_rather_than_replaced(
    api: Api, query: str
) -> None:
    for path in LISTS:
        answer = await api.client.get(f"{path}?{query}")
        assert issues_of(answer) == {"query": "is not UTF-8"}


async def test_a_filter_may_hold_any_character(api: Api) -> None:
    sent = await send(api, source="Größe & 東=+%", metadata={"ключ.&": "a+b c"})
    await send(api, source="shop")
    query = {"source": "Größe & 東=+%", "metadata.ключ.&": "a+b c"}
    assert await listed(api, "/v1/events", **query) == [sent]


@pytest.mark.parametrize("limit", ["-1", "0", "101", "1000000000", "abc", "", "1.5"])
async def test_B43_a_limit_outside_of_its_range_is_refused_by_both_lists(
    api: Api, limit: str
) -> None:
    for path in LISTS:
        answer = await api.client.get(path, params={"limit": limit})
        assert list(issues_of(answer)) == ["limit"]


async def test_a_cursor_continues_its_list_whatever_the_limit_and_what_is_included(
    api: Api,
) -> None:
    sent = [await send(api) for _ in range(3)]
    first = (await api.client.get("/v1/events?limit=1")).json()
    rest = {"cursor": first["next_cursor"], "limit": 100, "include": "payload"}
    assert await listed(api, "/v1/events", **rest) == [sent[1], sent[0]]


@pytest.mark.parametrize(
    "query", ["order=asc", "event_type=a", "source=b", "metadata.a=b", "status=pending"]
)
async def test_B42_a_cursor_is_of_its_order_and_filters_alone(api: Api, query: str) -> None:
    for _ in range(2):
        await send(api)
    cursor = (await api.client.get("/v1/events?limit=1")).json()["next_cursor"]
    for path in (f"/v1/events?{query}", "/v1/inbox?"):
        answer = await api.client.get(f"{path}&cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(("of", "sent_to"), [LISTS, LISTS[::-1]])
async def test_B42_a_cursor_is_of_its_list_alone(api: Api, of: str, sent_to: str) -> None:
    for _ in range(2):
        await send(api)
    order = {"/v1/events": {"order": "asc"}, "/v1/inbox": {}}  # in all but the list they are alike
    cursor = (await api.client.get(of, params=order[of] | {"limit": 1})).json()["next_cursor"]
    answer = await api.client.get(sent_to, params=order[sent_to] | {"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_another_tenants_events_are_not_listed(api: Api) -> None:
    await send(api)
    _, other = api.add_tenant()
    answer = await api.client.get("/v1/events", headers=with_key(other))
    assert answer.json() == {"events": [], "next_cursor": None}


async def test_the_document_describes_repeated_filters_and_those_by_metadata(api: Api) -> None:
    document = (await api.client.get("/openapi.json")).json()
    parameters = {
        p["name"]: p for p in document["paths"]["/v1/events"]["get"]["parameters"] if "name" in p
    }
    assert parameters["event_type"]["schema"]["type"] == "array"
    assert parameters["metadata.region"]["schema"] == {"type": "string", "maxLength": 512}
    assert parameters["metadata.region"]["example"] == "eu"
