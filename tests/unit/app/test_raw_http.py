"""HTTP on raw sockets against the real server: limits, pipelines, upgrades, and answers before the end of a body."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.protocol import HEAD_BYTES_MAX, HEADERS_MAX, PIPELINED_MAX
from tests.unit.app.serving import JSON, Process, connected, problem_in, running

SLOW = '{"event_type": "slow", "payload": 1}'
UPGRADE = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: x\r\n"


pytestmark = pytest.mark.asyncio(loop_scope="module")  # one server for all


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process() -> AsyncIterator[Process]:
    async with running() as started:
        yield started


async def test_B07_headers_that_are_too_large_or_too_many_are_refused(process: Process) -> None:
    start = b"GET /liveness HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    many = [b"h%d: x\r\n" % number for number in range(2000)]
    refused = [
        start + b"h: " + b"x" * 100_000 + b"\r\n\r\n",
        start + b"h: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n",
        start + b"".join(many) + b"\r\n",
        start + b"".join(many[: HEADERS_MAX - 1]) + b"\r\n",
        start + b"h: " + b"x" * 1_000_000,
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    ]
    served = [
        start + b"h: " + b"x" * (HEAD_BYTES_MAX - 1000) + b"\r\n\r\n",
        start + b"".join(many[: HEADERS_MAX - 2]) + b"\r\n",
    ]
    for request in refused:
        assert problem_in(await process.exchange(request))["code"] == "headers_too_large"
    for request in served:
        assert (await process.exchange(request)).startswith(b"HTTP/1.1 200 ")


async def test_the_limits_hold_for_each_request_of_a_connection(process: Process) -> None:
    head = b"GET /liveness HTTP/1.1\r\nhost: x\r\nh: " + b"x" * 20_000 + b"\r\n"
    received = await process.exchange((head + b"\r\n") * 4 + head + b"connection: close\r\n\r\n")
    assert received.count(b"HTTP/1.1 200 ") == 5


async def test_a_large_body_is_not_taken_for_a_large_head(process: Process) -> None:
    body = '{"event_type": "a", "payload": "' + "x" * 300_000 + '"}'
    async with process.client() as client:
        for _ in range(2):
            answer = await client.post("/v1/events", content=body, headers=JSON)
            assert answer.status_code == 202


async def test_a_body_of_400_kb_is_served_plain_and_chunked(process: Process) -> None:
    body = b'{"event_type": "a", "payload": "' + b"x" * (400 * 1024 - 2) + b'"}'

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async with process.client() as client:
        for content in (body, pieces(100_000), pieces(500)):
            answer = await client.post("/v1/events", content=content, headers=JSON)
            assert answer.status_code == 202


async def test_trailers_and_extensions_of_chunks_that_do_not_end_are_refused(
    process: Process,
) -> None:
    head = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
    start = head + b"x-api-key: %s\r\n" % process.key.encode()
    start += b"content-type: application/json\r\n\r\n"
    for endless in (b"1;" + b"x" * 1_000_000, b"1\r\n{\r\n0\r\n" + b"a: b\r\n" * 100_000):
        problem = problem_in(await process.exchange(start + endless))
        assert problem["code"] == "headers_too_large"
    await process.wait_for('"request refused"')


async def test_requests_that_are_sent_ahead_without_end_close_the_connection(
    process: Process,
) -> None:
    start = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    start += b"x-api-key: %s\r\n" % process.key.encode()
    slow = start + b"content-length: %d\r\n\r\n%s" % (len(SLOW), SLOW.encode())
    ahead = b"GET /liveness HTTP/1.1\r\nhost: x\r\n\r\n"
    last = b"GET /liveness HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    received = await process.exchange(slow + ahead * (PIPELINED_MAX - 1) + last)
    assert received.count(b"HTTP/1.1 20") == PIPELINED_MAX + 1
    assert await process.exchange(slow + ahead * PIPELINED_MAX + last) == b""


async def test_an_answer_before_the_end_of_the_body_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.edge.LINGER_SECONDS", 0.1)
    request = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345"
    async with connected(keep_alive_seconds=60) as (reader, writer):
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 5)
        assert problem_in(answer)["status"] == 503  # it has not started
    async with connected(keep_alive_seconds=0.05) as (reader, writer):
        writer.write(request + b"67890")
        answer = await asyncio.wait_for(reader.read(), 5)
        assert b"connection: close" not in answer


async def test_a_client_that_sends_on_gets_its_refusal_all_the_same(process: Process) -> None:
    async with process.client() as client:
        for path, headers, status in (
            ("/v1/events", {"authorization": "Bearer x"}, 401),
            ("/v1/events", {"content-type": "text/plain"}, 415),
            ("/v1/keys", JSON, 413),
            ("/liveness", JSON, 405),
        ):
            answer = await client.post(path, content=b"x" * 5_000_000, headers=headers)
            assert answer.status_code == status
            assert answer.headers["connection"] == "close"


async def test_head_over_the_wire_has_no_body_and_keeps_the_connection(process: Process) -> None:
    received = await process.exchange(
        b"HEAD /liveness HTTP/1.1\r\nhost: x\r\n\r\n"
        b"GET /liveness HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    first, second, body = received.split(b"\r\n\r\n")
    assert first.count(b"HTTP/1.1 200") == second.count(b"HTTP/1.1 200") == 1
    assert b"content-length: %d" % len(body) in first


async def test_the_server_does_not_tell_what_it_is(process: Process) -> None:
    async with process.client() as client:
        answer = await client.get("/liveness")
        assert "server" not in answer.headers
        assert "date" in answer.headers


async def test_a_head_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.protocol.HEAD_SECONDS", 0.05)
    async with connected(keep_alive_seconds=60) as (reader, writer):
        for part in (b"GET / HTTP/1.1\r\n", b"host: x\r\n", b"a"):
            writer.write(part)
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    async with connected(keep_alive_seconds=0.05) as (reader, _):
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_an_upgrade_is_not_followed() -> None:
    async with connected(keep_alive_seconds=0.05) as (reader, writer):
        writer.write(
            b"GET /liveness HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n"
            b"upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: x\r\n\r\n"
        )
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200 ")


async def test_an_upgrade_without_a_body_is_answered_and_the_connection_closed() -> None:
    async with connected(keep_alive_seconds=60) as (reader, writer):
        writer.write(b"GET /liveness HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer


@pytest.mark.parametrize("framing", [b"content-length: 2", b"transfer-encoding: chunked"])
async def test_an_upgrade_with_a_body_is_refused_in_words(framing: bytes) -> None:
    async with connected(keep_alive_seconds=60) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\n" + UPGRADE + framing + b"\r\n\r\n{}")
        problem = problem_in(await asyncio.wait_for(reader.read(), 5))
        assert problem["code"] == "bad_request"
        assert problem["detail"].startswith("Upgrades are not served")
