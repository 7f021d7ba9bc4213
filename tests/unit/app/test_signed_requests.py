"""Requests of keys that demand a signature: only what was signed gets in, and only once."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.unit.app.api import Api, with_key
from triggers.errors import StoreUnavailable
from triggers.request_signatures import sign, string_to_sign

EVENT = b'{"event_type": "a", "payload": 1}'


class Signer:
    """A client whose key demands signatures. What it sends may differ from what it has signed."""

    def __init__(self, api: Api, created: dict[str, Any]) -> None:
        self.api = api
        self.key = created["key"]
        self.key_id = created["key_id"]
        self.secret = created["signing_secret"]

    def headers(
        self, method: str, target: str, body: bytes = b"", *, seconds: int = 0
    ) -> dict[str, str]:
        timestamp = str(self.api.clock() // 1000 + seconds)
        signed = string_to_sign(timestamp, method, target.encode(), body)
        return with_key(self.key) | {
            "content-type": "application/json",
            "x-triggers-timestamp": timestamp,
            "x-triggers-signature": sign(self.secret, signed),
        }

    async def send(
        self, headers: Any, method: str = "POST", target: str = "/v1/events", body: Any = EVENT
    ) -> httpx.Response:
        return await self.api.client.request(method, target, content=body, headers=headers)


@pytest.fixture
async def signer(api: Api) -> Signer:
    scopes = ["inbox", "events:write", "events:read", "keys"]
    body = {"name": "signer", "scopes": scopes, "require_signature": True}
    answer = await api.post("/v1/keys", json.dumps(body))
    assert answer.json()["require_signature"]
    return Signer(api, answer.json())


def assert_refused(answer: httpx.Response, words: str, signer: Signer) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (401, "signature_invalid"), problem
    assert words in problem["detail"]
    assert answer.headers["www-authenticate"] == "Bearer"
    assert signer.secret not in answer.text
    assert "v1," not in answer.text.replace("v1, a comma", "")


async def test_a_signed_request_is_served_with_its_body(signer: Signer) -> None:
    answer = await signer.send(signer.headers("POST", "/v1/events", EVENT))
    assert answer.status_code == 202
    path = f"/v1/events/{answer.json()['event_id']}"
    read = await signer.send(signer.headers("GET", path), "GET", path, b"")
    assert read.json()["payload"] == 1


@pytest.mark.parametrize(
    "target", ["/v1/inbox?limit=5&cursor=", "/v1/inbox?limit=%35", "/v1/%69nbox"]
)
async def test_path_and_query_are_signed_as_they_are_sent(signer: Signer, target: str) -> None:
    answer = await signer.send(signer.headers("GET", target), "GET", target, b"")
    assert answer.json().get("code") != "signature_invalid"


async def test_head_is_signed_as_head(signer: Signer) -> None:
    as_get = signer.headers("GET", "/v1/inbox")
    assert (await signer.send(as_get, "HEAD", "/v1/inbox", b"")).status_code == 401
    as_head = signer.headers("HEAD", "/v1/inbox")
    assert (await signer.send(as_head, "HEAD", "/v1/inbox", b"")).status_code == 200


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/v1/events", EVENT[:-1] + b" }"),
        ("POST", "/v1/events", b""),
        ("POST", "/v1/event", EVENT),
        ("POST", "/v1/events/", EVENT),
        ("POST", "/v1/events?", EVENT),
        ("POST", "/v1/events?a=1", EVENT),
        ("PUT", "/v1/events", EVENT),
        ("post", "/v1/events", EVENT),
    ],
)
async def test_B63_what_was_not_signed_like_this_is_refused(
    signer: Signer, method: str, target: str, body: bytes
) -> None:
    answer = await signer.send(signer.headers(method, target, body))
    assert_refused(answer, "does not match", signer)
    assert signer.api.resources.events.calls["insert"] == 0
    assert signer.api.resources.used_signatures.used == {}


async def test_B63_the_order_of_the_query_is_signed(signer: Signer) -> None:
    headers = signer.headers("GET", "/v1/inbox?limit=1&cursor=x")
    answer = await signer.send(headers, "GET", "/v1/inbox?cursor=x&limit=1", b"")
    assert_refused(answer, "does not match", signer)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-301, "seconds old"), (301, "seconds ahead"), (-300, None), (300, None)],
)
async def test_B63_a_stale_or_future_signature_is_refused_with_the_time_here(
    signer: Signer, seconds: int, words: str | None
) -> None:
    answer = await signer.send(signer.headers("POST", "/v1/events", EVENT, seconds=seconds))
    if words is None:
        assert answer.status_code == 202
    else:
        assert_refused(answer, f"{words}; the time here is {signer.api.clock() // 1000}", signer)


@pytest.mark.parametrize("name", ["x-triggers-timestamp", "x-triggers-signature"])
async def test_B63_a_header_that_is_missing_double_or_malformed_is_named(
    signer: Signer, name: str
) -> None:
    headers = signer.headers("POST", "/v1/events", EVENT)
    double = [*headers.items(), (name, headers[name])]
    without = {key: value for key, value in headers.items() if key != name}
    words = {
        "x-triggers-timestamp": "X-Triggers-Timestamp",
        "x-triggers-signature": "X-Triggers-Signature",
    }
    for sent, issue in (
        (without, "is missing"),
        (double, "is there more than once"),
        (headers | {name: ""}, "must be"),
        (headers | {name: headers[name] + ","}, "must be"),
    ):
        answer = await signer.send(sent)
        assert_refused(answer, f"{words[name]} {issue}", signer)


async def test_B63_a_signature_is_accepted_once(signer: Signer) -> None:
    headers = signer.headers("POST", "/v1/events", EVENT)
    answers = await asyncio.gather(*(signer.send(headers) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202, 401, 401, 401, 401]
    assert_refused(await signer.send(headers), "used before", signer)
    [(token, expires_s)] = signer.api.resources.used_signatures.used.values()
    assert (len(token), expires_s) == (16, signer.api.clock() // 1000 + 660)


async def test_a_signature_that_cannot_be_remembered_is_not_accepted(signer: Signer) -> None:
    signer.api.resources.used_signatures.failing = StoreUnavailable("BatchExecuteStatement")
    answer = await signer.send(signer.headers("POST", "/v1/events", EVENT))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert signer.api.resources.events.calls["insert"] == 0


async def test_other_keys_need_no_signature_and_a_wrong_one_does_not_harm_them(api: Api) -> None:
    headers = {"x-triggers-timestamp": "x", "x-triggers-signature": "x"}
    assert (await api.client.get("/v1/inbox", headers=headers)).status_code == 200
    assert api.resources.used_signatures.calls["use"] == 0


async def test_during_the_overlap_of_a_rotation_both_secrets_sign(signer: Signer) -> None:
    target = f"/v1/keys/{signer.key_id}/rotate"
    body = b'{"overlap_seconds": 60}'
    rotated = await signer.send(signer.headers("POST", target, body), "POST", target, body)
    new = Signer(signer.api, rotated.json())
    assert new.secret != signer.secret
    assert signer.api.resources.control.audit[-1].fields == ("key", "signing_secret")
    old_sender, new_sender = signer.headers("GET", "/v1/inbox"), new.headers("GET", "/v1/inbox")
    for headers in (old_sender, new_sender):
        assert (await new.send(headers, "GET", "/v1/inbox", b"")).status_code == 200
    signer.api.clock.advance(60)
    signer.key = new.key
    late = await signer.send(signer.headers("GET", "/v1/inbox"), "GET", "/v1/inbox", b"")
    assert_refused(late, "does not match", signer)


async def test_signatures_are_turned_on_with_a_secret_and_off_without(api: Api) -> None:
    created = (await api.post("/v1/keys", '{"name": "a", "scopes": ["inbox"]}')).json()
    path = f"/v1/keys/{created['key_id']}"
    on = (await api.client.patch(path, json={"require_signature": True})).json()
    assert on["signing_secret"].startswith("sig_")
    assert api.resources.control.audit[-1].fields == ("require_signature",)
    unsigned = await api.client.get("/v1/inbox", headers=with_key(created["key"]))
    assert unsigned.json()["code"] == "signature_invalid"
    again = (await api.client.patch(path, json={"require_signature": True})).json()
    assert "signing_secret" not in again
    assert on["signing_secret"] not in (await api.client.get("/v1/keys")).text
    off = (await api.client.patch(path, json={"require_signature": False})).json()
    assert (off["require_signature"], "signing_secret" in off) == (False, False)
    kept = api.resources.control.views[api.tenant.tenant_id].keys[created["key_id"]]
    assert kept.signing_secret is None
    unsigned = await api.client.get("/v1/inbox", headers=with_key(created["key"]))
    assert unsigned.status_code == 200


async def test_a_body_above_every_limit_is_not_taken_in(signer: Signer) -> None:
    size = signer.api.settings.bulk_bytes_max + 1

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // 1024 + 1):
            yield b"x" * 1024

    for body in (b"x" * size, pieces()):
        answer = await signer.send(signer.headers("POST", "/v1/events", b""), body=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_who_may_not_call_from_there_is_refused_before_the_signature(api: Api) -> None:
    body = {
        "name": "a",
        "scopes": ["inbox"],
        "require_signature": True,
        "allowed_cidrs": ["203.0.113.0/24"],
    }
    created = (await api.post("/v1/keys", json.dumps(body))).json()
    answer = await api.client.get("/v1/inbox", headers=with_key(created["key"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
