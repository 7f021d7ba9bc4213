"""Bulk calls over HTTP: each item by itself, in the words of a call for it alone."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.app.api import Api, running_api, with_key
from triggers.errors import StoreUnavailable

GOOD = '{"event_type": "a", "payload": 1}'
BULK = "/v1/events/bulk"


async def send(api: Api, *events: str, **headers: str) -> httpx.Response:
    return await api.post(BULK, f'{{"events": [{",".join(events)}]}}', **headers)


async def call(api: Api, name: str, event_ids: list[Any], **headers: str) -> httpx.Response:
    method, path = {"ack": ("POST", f"{BULK}/ack"), "delete": ("DELETE", BULK)}[name]
    content = json.dumps({"event_ids": event_ids})
    sent = {"content-type": "application/json"} | headers
    return await api.client.request(method, path, content=content, headers=sent)


async def test_events_that_are_all_good_are_accepted_and_can_be_read(api: Api) -> None:
    answer = await send(api, *(f'{{"event_type": "a", "payload": {n}}}' for n in range(100)))
    assert answer.status_code == 202
    told = answer.json()
    assert (told["succeeded"], told["failed"]) == (100, 0)
    assert [(item["index"], item["status"]) for item in told["items"]] == [
        (number, 202) for number in range(100)
    ]
    for number in (0, 99):
        event_id = told["items"][number]["event_id"]
        assert set(told["items"][number]) == {"index", "status", "event_id"}
        assert (await api.client.get(f"/v1/events/{event_id}")).json()["payload"] == number


BAD = [
    ("1", 400),
    ("{}", 400),
    ('{"event_type": "", "payload": 1, "x": 1, "metadata": {"priority": "x"}}', 400),
    ('{"event_type": "a", "payload": "' + "x" * 410_000 + '"}', 413),
    ('{"event_type": "\\ud83d", "payload": 1}', 400),
    ('{"event_type": "a", "payload": 1, "metadata": {"idempotency_key": ""}}', 400),
]


async def test_each_item_fails_in_the_words_of_a_call_for_it_alone(api: Api) -> None:
    answer = await send(api, GOOD, *(event for event, _ in BAD), GOOD)
    assert answer.status_code == 207
    told = answer.json()
    assert (told["succeeded"], told["failed"]) == (2, len(BAD))
    assert [item["status"] for item in told["items"]] == [202, *(s for _, s in BAD), 202]
    for (event, status), item in zip(BAD, told["items"][1:-1], strict=True):
        alone = (await api.post("/v1/events", event)).json()
        assert set(item) == {"index", "status", "error"}
        assert alone["status"] == status
        words = ("type", "code", "title", "detail", "errors")
        assert item["error"] == {name: alone[name] for name in words if name in alone}
    assert len(api.resources.events.records) == 2


async def test_B28_a_lone_surrogate_in_one_payload_harms_neither_it_nor_the_others(
    api: Api,
) -> None:
    lone = '{"event_type": "a", "payload": "\\ud83d"}'
    told = (await send(api, GOOD, lone, GOOD)).json()
    assert [item["status"] for item in told["items"]] == [202] * 3
    shown = await api.client.get(f"/v1/events/{told['items'][1]['event_id']}")
    assert b'"payload":"\\ud83d",' in shown.content


async def test_B22_what_is_not_utf8_is_told_of_its_item_alone(api: Api) -> None:
    body = b'{"events": [%s, {"event_type": "a", "payload": "\xff"}]}' % GOOD.encode()
    told = (await api.post(BULK, body)).json()
    assert [item["status"] for item in told["items"]] == [202, 400]
    assert told["items"][1]["error"]["code"] == "malformed_json"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ('{"events": []}', "validation_failed", "events"),
        ("{}", "validation_failed", "events"),
        (f'{{"events": [{",".join([GOOD] * 101)}]}}', "validation_failed", "events"),
        (f'{{"events": [{GOOD}], "x": 1}}', "validation_failed", "x"),
        ("[]", "validation_failed", "body"),
        (f'{{"events": [{GOOD}', "malformed_json", None),
        ('{"events": [' + "[" * 100_000 + "]" * 100_000 + "]}", "malformed_json", None),
    ],
)
async def test_a_body_that_is_no_bulk_of_events_is_refused_whole(
    api: Api, body: str, code: str, field: str | None
) -> None:
    answer = await api.post(BULK, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [error["field"] for error in answer.json().get("errors", [])] == [field] * bool(field)
    assert not api.resources.events.records


async def test_B30_a_body_above_the_limit_is_refused_and_one_at_it_is_not() -> None:
    body = f'{{"events": [{GOOD}]}}'
    async with running_api(bulk_bytes_max=len(body)) as api:
        assert (await api.post(BULK, body)).status_code == 202
        assert (await api.post(BULK, body + " ")).status_code == 413


async def test_the_header_of_one_key_for_many_events_is_refused(api: Api) -> None:
    answer = await send(api, GOOD, **{"idempotency-key": "k"})
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["field"] == "Idempotency-Key"
    assert "metadata.idempotency_key" in error["suggestion"]


async def test_items_with_one_idempotency_key_are_one_event(api: Api) -> None:
    keyed = '{"event_type": "a", "payload": %d, "metadata": {"idempotency_key": "k"}}'
    same = (await send(api, keyed % 1, keyed % 1)).json()["items"]
    assert same[0]["event_id"] == same[1]["event_id"]
    assert sorted(item.get("idempotency_replayed", False) for item in same) == [False, True]
    other = (await send(api, keyed % 1, keyed % 2)).json()["items"]
    assert [item["status"] for item in other] == [202, 422]
    assert other[1]["error"]["code"] == "idempotency_mismatch"
    assert len(api.resources.events.records) == 1


async def test_what_the_store_does_not_take_is_told_of_each_item(api: Api) -> None:
    api.resources.events.failing_calls["insert"] = StoreUnavailable("insert")
    answer = await send(api, GOOD, GOOD)
    assert answer.status_code == 207
    assert [item["error"]["code"] for item in answer.json()["items"]] == ["unavailable"] * 2


@pytest.mark.parametrize("name", ["ack", "delete"])
async def test_events_are_changed_each_by_itself(api: Api, name: str) -> None:
    sent = [await api.accept() for _ in range(3)]
    answer = await call(api, name, sent)
    assert answer.status_code == 200
    assert answer.json() == {
        "succeeded": 3,
        "failed": 0,
        "items": [{"index": n, "status": 204, "event_id": e} for n, e in enumerate(sent)],
    }
    assert (await api.client.get("/v1/inbox")).json()["events"] == []


@pytest.mark.parametrize(("name", "status"), [("ack", 409), ("delete", 404)])
async def test_the_same_id_twice_gets_what_a_second_call_would(
    api: Api, name: str, status: int
) -> None:
    event_id, other = await api.accept(), await api.accept()
    answer = await call(api, name, [event_id, other, event_id])
    assert answer.status_code == 207
    assert [item["status"] for item in answer.json()["items"]] == [204, 204, status]


@pytest.mark.parametrize("name", ["ack", "delete"])
async def test_B41_ids_that_name_nothing_are_not_found(api: Api, name: str) -> None:
    theirs = await api.accept()
    _, key = api.add_tenant()
    ids = ["", "x", "evt_01KAN72XQV8YJ4T6Z0M3S5B7C9", "évt#", theirs]
    told = (await call(api, name, ids, **with_key(key))).json()
    assert [item["event_id"] for item in told["items"]] == ids
    assert {(item["status"], item["error"]["code"]) for item in told["items"]} == {
        (404, "not_found")
    }
    assert (api.tenant.tenant_id, theirs) in api.resources.events.records


@pytest.mark.parametrize("name", ["ack", "delete"])
@pytest.mark.parametrize("ids", [[], ["x"] * 101, [1], [None]])
async def test_what_is_no_list_of_ids_is_refused_whole(api: Api, name: str, ids: list[Any]) -> None:
    answer = await call(api, name, ids)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


@pytest.mark.parametrize("name", ["ack", "delete"])
async def test_each_id_counts_as_a_call(api: Api, name: str) -> None:
    statuses = [(await call(api, name, ["x"] * 100)).status_code for _ in range(3)]
    assert statuses == [207, 207, 429]


async def test_F73_a_bulk_call_beyond_the_limit_is_refused_whole(api: Api) -> None:
    statuses = [(await send(api, *[GOOD] * 100)).status_code for _ in range(3)]
    assert statuses == [202, 202, 429]
    assert len(api.resources.events.records) == 200
