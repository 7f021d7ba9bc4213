"""Idempotency keys over HTTP, in the header and in the metadata."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.app.api import Api

EVENT = {"event_type": "a", "payload": 1}


async def send(api: Api, key: str | None = None, **fields: Any) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    return await api.post("/v1/events", json.dumps(EVENT | fields), **headers)


def issues_of(answer: httpx.Response) -> dict[str, str]:
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    return {error["field"]: error["issue"] for error in answer.json()["errors"]}


async def test_a_repeat_gets_the_first_event_and_is_told_so(api: Api) -> None:
    first = await send(api, "k")
    again = await send(api, "k", metadata={"idempotency_key": "k"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(api.resources.events.records) == 1


async def test_the_key_in_the_metadata_does_the_same_and_stays_there(api: Api) -> None:
    first = await send(api, metadata={"idempotency_key": "k"})
    again = await send(api, "k")
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["metadata"] == first.json()["metadata"] == {"idempotency_key": "k"}


async def test_B47_other_content_is_refused_with_the_event_that_has_the_key(api: Api) -> None:
    first = await send(api, "k")
    answer = await send(api, "k", payload=2)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert first.json()["event_id"] in answer.json()["detail"]


@pytest.mark.parametrize(
    ("key", "issue"),
    [
        ("", "must not be empty"),
        ("x" * 256, "longer than 255 characters"),
        ("a b", "has characters that are not allowed"),
        ("a\x7f", "has characters that are not allowed"),
    ],
)
async def test_B47_a_key_of_the_wrong_form_is_refused(api: Api, key: str, issue: str) -> None:
    assert issues_of(await send(api, key)) == {"Idempotency-Key": issue}
    assert not api.resources.events.records


@pytest.mark.parametrize("key", ["x" * 255, "!", "~", '"quoted"'])
async def test_B47_a_key_of_the_right_form_is_taken(api: Api, key: str) -> None:
    assert (await send(api, key)).status_code == 202


@pytest.mark.parametrize(("key", "status"), [("", 400), ("é" * 255, 202), ("é" * 256, 400)])
async def test_B47_a_key_in_the_metadata_has_its_length(api: Api, key: str, status: int) -> None:
    answer = await send(api, metadata={"idempotency_key": key})
    assert answer.status_code == status
    if status == 400:
        assert list(issues_of(answer)) == ["metadata.idempotency_key"]


async def test_B47_two_headers_are_refused(api: Api) -> None:
    headers = [("content-type", "application/json")] + [("idempotency-key", "k")] * 2
    answer = await api.client.post("/v1/events", content=json.dumps(EVENT), headers=headers)
    assert issues_of(answer) == {"Idempotency-Key": "is given more than once"}


async def test_two_different_keys_of_one_event_are_refused(api: Api) -> None:
    answer = await send(api, "k", metadata={"idempotency_key": "l"})
    assert list(issues_of(answer)) == ["metadata.idempotency_key"]
    assert not api.resources.idempotency.records


@pytest.mark.parametrize(("priority", "is_known"), [("low", True), ("urgent", False), ("", False)])
async def test_a_priority_is_one_of_three(api: Api, priority: str, is_known: bool) -> None:
    answer = await send(api, metadata={"priority": priority})
    if is_known:
        assert answer.status_code == 202
    else:
        assert issues_of(answer) == {"metadata.priority": "is not one of low, normal, high"}


async def test_errors_of_the_metadata_are_told_with_all_the_others(api: Api) -> None:
    metadata = {"priority": "x", "idempotency_key": ""}
    answer = await send(api, event_type="", metadata=metadata)
    assert set(issues_of(answer)) == {
        "event_type",
        "metadata.priority",
        "metadata.idempotency_key",
    }


async def test_a_deleted_event_is_gone_and_its_key_says_so(api: Api) -> None:
    location = (await send(api, "k")).headers["location"]
    deleted = await api.client.delete(location)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for answer in (await api.client.delete(location), await api.client.get(location)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    repeat = await send(api, "k")
    assert (repeat.status_code, repeat.json()["code"]) == (409, "conflict")
    assert "deleted" in repeat.json()["detail"]
