"""The outermost layer: ids, the one log line, the deadline, and what is in the air."""

import asyncio
import logging
import re
from typing import Any

import pytest

from app.edge import CLIENT_GONE, Edge
from app.lifecycle import Lifecycle, Phase
from tests.factories import TRACEPARENT
from tests.unit.app.api import Api, running_api
from triggers.telemetry import json_line


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the fields of the request lines that were logged."""
    return [record.__dict__["fields"] for record in caplog.records if record.name == "app.requests"]


async def test_every_answer_has_a_request_id_of_its_own(api: Api) -> None:
    answers = [await api.client.get(path) for path in ("/liveness", "/nope", "/v1/inbox", "/docs")]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 4
    assert all(re.fullmatch(r"req_[0-9A-Z]{20}", request_id) for request_id in ids)


async def test_a_request_id_is_never_taken_from_outside(api: Api) -> None:
    answer = await api.client.get("/liveness", headers={"x-request-id": "mine"})
    assert answer.headers["x-request-id"] != "mine"


@pytest.mark.parametrize("correlation_id", ["a", "order-1/é"[:7], "x" * 128, "~!", '"{}"'])
async def test_a_good_correlation_id_is_taken_up_and_kept(api: Api, correlation_id: str) -> None:
    headers = {"x-correlation-id": correlation_id}
    answer = await api.post("/v1/events", '{"event_type": "a", "payload": 1}', **headers)
    assert answer.headers["x-correlation-id"] == correlation_id
    assert answer.json()["correlation_id"] == correlation_id


@pytest.mark.parametrize("correlation_id", ["", "x" * 129, "a b", "a\tb", "é", "\x7f", "\x1b[2J"])
async def test_a_bad_correlation_id_is_replaced(api: Api, correlation_id: str) -> None:
    headers = [(b"x-correlation-id", correlation_id.encode())]
    answer = await api.client.get("/liveness", headers=headers)
    assert re.fullmatch(r"corr_[0-9A-Z]{20}", answer.headers["x-correlation-id"])


async def test_of_two_correlation_ids_neither_is_taken(api: Api) -> None:
    headers = [("x-correlation-id", "a"), ("x-correlation-id", "b")]
    answer = await api.client.get("/liveness", headers=headers)
    assert answer.headers["x-correlation-id"].startswith("corr_")


@pytest.mark.parametrize(("sent", "kept"), [(TRACEPARENT, TRACEPARENT), ("00-x", None)])
async def test_a_traceparent_is_taken_up_when_it_has_the_right_form(
    api: Api, sent: str, kept: str | None
) -> None:
    await api.post("/v1/events", '{"event_type": "a", "payload": 1}', traceparent=sent)
    [record] = api.resources.events.records.values()
    assert record.event.traceparent == kept


async def test_an_accepted_event_leaves_one_line_with_ids_status_and_time(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.requests")
    answer = await api.post("/v1/events", '{"event_type": "a", "payload": "secret"}')
    [line] = lines(caplog)
    assert line.pop("milliseconds") > 0
    assert line == {
        "method": "POST",
        "path": "/v1/events",
        "status": 202,
        "tenant_id": api.tenant.tenant_id,
        "event_id": answer.json()["event_id"],
        "request_id": answer.headers["x-request-id"],
        "correlation_id": answer.headers["x-correlation-id"],
    }


async def test_a_refused_request_leaves_the_code_of_its_problem(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.requests")
    await api.client.get("/v1/events/evt_x")
    await api.client.get("/" + "x" * 200)
    first, second = lines(caplog)
    assert (first["path"], first["status"]) == ("/v1/events/{event_id}", 404)
    assert first["problem"] == "not_found"
    assert second["path"] == "/" + "x" * 63
    assert "tenant_id" not in second


async def test_no_line_holds_a_body_a_key_or_a_value_of_a_query(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "canary-5f3a"
    bodies = [
        f'{{"event_type": "{canary}!", "payload": "{canary}"}}',
        f'{{"{canary}": "{canary}"}}',
        f'"{canary}',
        f'{{"event_type": "a", "payload": {canary}}}',
    ]
    for body in bodies:
        await api.post("/v1/events", body)
    await api.post(f"/v1/events?q={canary}", "{}")
    await api.post("/v1/keys", f'{{"name": "a", "scopes": ["{canary}"]}}')
    await api.post("/v1/webhooks", f'{{"url": "https://{canary}@x/", "secret": "{canary}"}}')
    await api.client.get(f"/v1/inbox?cursor={canary}&{canary}=1")
    await api.client.get("/v1/inbox", headers={"authorization": f"Bearer {canary}"})
    written = "".join(
        json_line("app", record).decode()
        for record in caplog.records
        if record.name.startswith(("app", "triggers"))
    )
    assert written.count('"request"') == 9
    assert canary not in written
    assert api.key not in written


async def test_probes_are_logged_only_when_they_fail(caplog: pytest.LogCaptureFixture) -> None:
    async with running_api() as api:
        caplog.set_level(logging.INFO, "app.requests")
        caplog.clear()
        await api.client.get("/liveness")
        assert lines(caplog) == []
        api.app.lifecycle.drain()
        await api.client.get("/readiness")
        assert [line["path"] for line in lines(caplog)] == ["/readiness"]


async def test_a_call_past_the_deadline_is_answered_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running_api(request_seconds=0.05) as api:
        caplog.set_level(logging.INFO, "app.requests")
        api.resources.events.gate.clear()
        answer = await api.post("/v1/events", '{"event_type": "a", "payload": 1}')
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
        assert lines(caplog)[-1]["problem"].startswith("unavailable: There was no answer within")
        assert api.app.lifecycle.in_flight == 0


async def test_what_is_in_the_air_is_counted(api: Api) -> None:
    api.resources.events.gate.clear()
    call = asyncio.create_task(api.accept())
    while api.resources.events.calls["insert"] == 0:
        await asyncio.sleep(0)
    assert api.app.lifecycle.in_flight == 1
    api.resources.events.gate.set()
    await call
    assert api.app.lifecycle.in_flight == 0


async def test_a_draining_process_asks_its_clients_to_go_elsewhere(api: Api) -> None:
    assert "connection" not in (await api.client.get("/liveness")).headers
    api.app.lifecycle.drain()
    assert (await api.client.get("/liveness")).headers["connection"] == "close"
    assert (await api.accept()).startswith("evt_")


class Server:
    """As much of a server as a test needs: it gives one request, and takes the answer."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.sent: list[dict[str, Any]] = []
        self._messages = list(messages)

    async def receive(self) -> dict[str, Any]:
        return self._messages.pop(0)

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


def scope(method: str = "GET", path: str = "/", *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "headers": list(headers)}


def edge(inner: Any, lifecycle: Lifecycle | None = None) -> Edge:
    return Edge(inner, lifecycle or Lifecycle(), request_seconds=10, random_bits=lambda _: 0)


async def test_a_client_that_goes_away_is_no_error(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = Server(
        {"type": "http.request", "body": b'{"event', "more_body": True},
        {"type": "http.disconnect"},
    )
    headers = (
        (b"authorization", f"Bearer {api.key}".encode()),
        (b"content-type", b"application/json"),
    )
    request = scope("POST", "/v1/events", *headers) | {"query_string": b""}
    await api.app(request, server.receive, server.send)
    assert lines(caplog)[-1]["status"] == CLIENT_GONE
    assert not [record for record in caplog.records if record.exc_info]
    assert not api.resources.events.records


async def test_no_body_goes_to_head_whatever_the_server_does(api: Api) -> None:
    server = Server()
    await api.app(scope("HEAD", "/liveness") | {"query_string": b""}, server.receive, server.send)
    assert [message.get("body") for message in server.sent] == [None, b""]


async def test_whatever_escapes_from_inside_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("the inside")

    server = Server()
    await edge(broken)(scope(), server.receive, server.send)
    assert server.sent[0]["status"] == 500
    assert b"internal_error" in server.sent[1]["body"]
    assert "the inside" in caplog.text


async def test_an_answer_that_has_begun_is_not_answered_again() -> None:
    async def breaks_off(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    server = Server()
    await edge(breaks_off)(scope(), server.receive, server.send)
    assert [message["type"] for message in server.sent] == ["http.response.start"]


async def test_what_the_drain_does_not_wait_for_is_told_to_try_again() -> None:
    reached = asyncio.Event()

    async def hangs(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    lifecycle, server = Lifecycle(), Server()
    call = asyncio.create_task(edge(hangs, lifecycle)(scope(), server.receive, server.send))
    await reached.wait()
    lifecycle.phase = Phase.DRAINING
    call.cancel()
    await call
    assert server.sent[0]["status"] == 503
    assert b"stopping" in server.sent[1]["body"]


async def test_a_cancelled_request_stays_cancelled_when_nothing_is_stopping() -> None:
    reached = asyncio.Event()

    async def hangs(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    server = Server()
    call = asyncio.create_task(edge(hangs)(scope(), server.receive, server.send))
    await reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert server.sent == []
