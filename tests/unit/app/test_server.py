"""The server: limits on raw HTTP, and the stop, with real processes and sockets on loopback."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from msgspec import Struct
from uvicorn.server import ServerState

from app.main import create_app
from app.protocol import HEAD_BYTES_MAX, HEADERS_MAX, PIPELINED_MAX, Protocol
from app.server import KEEP_ALIVE_SECONDS, config_of
from tests.factories import make_settings
from tests.fakes import fake_resources, open_fake_resources

SLOW = '{"event_type": "slow", "payload": 1}'
STUCK = '{"event_type": "stuck", "payload": 1}'
JSON = {"content-type": "application/json"}
UPGRADE = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: x\r\n"


class Process(Struct, kw_only=True):
    """The API as a process of its own."""

    pid: int
    port: int
    key: str
    lines: list[str]
    exit_code: asyncio.Task[int]
    stop: Callable[[int], None]

    def client(self) -> httpx.AsyncClient:
        """Return a client with the tenant's key."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"authorization": f"Bearer {self.key}"},
        )

    async def wait_for(self, text: str) -> None:
        """Wait until a line of the log holds a text."""
        async with asyncio.timeout(10):
            while not any(text in line for line in self.lines):
                await asyncio.sleep(0.01)

    async def exchange(self, sent: bytes) -> bytes:
        """Send bytes as they are; return what comes back until the connection ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
        async with asyncio.timeout(10):
            received = await _read_all(reader)
        writer.close()
        return received


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65_536):
            received += part
    return received


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def environment(**settings: object) -> dict[str, str]:
    """Return the environment of a process with these settings."""
    given: dict[str, object] = {
        "environment": "development",
        "api_host": "127.0.0.1",
        "serve_on_seconds": 0,
        "drain_seconds": 5,
    } | settings
    ours = {f"TRIGGERS_{name.upper()}": str(value) for name, value in given.items()}
    rest = {n: v for n, v in os.environ.items() if not n.startswith("TRIGGERS_")}
    return rest | ours


@asynccontextmanager
async def running(**settings: object) -> AsyncIterator[Process]:
    """Run the API on fakes as a process; kill it at the end if it still runs."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.app.serve_fakes",
        env=environment(api_port=port, **settings),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines: list[str] = []
    reading = asyncio.create_task(_collect(process.stdout, lines))
    exit_code = asyncio.create_task(process.wait())
    made = Process(
        pid=process.pid,
        port=port,
        key="",
        lines=lines,
        exit_code=exit_code,
        stop=process.send_signal,
    )
    try:
        await made.wait_for('"listening"')
        await made.wait_for('"ready"')
        made.key = next(line for line in lines if line.startswith("trg_"))
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(exit_code), 5)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.gather(reading, exit_code)


async def _collect(stream: asyncio.StreamReader, lines: list[str]) -> None:
    while line := await stream.readline():
        lines.append(line.decode().rstrip())


def problem_in(answer: bytes) -> dict[str, Any]:
    """Return the problem that a raw answer holds."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"x-request-id: req_" in head
    assert b"connection: close" in head
    assert b"x-content-type-options: nosniff" in head
    problem: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    return problem


async def test_what_is_not_http_is_refused_in_the_form_of_all_problems() -> None:
    requests = [
        b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nname : value\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\na: b\x00c\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
    ]
    async with running() as process:
        for request in requests:
            assert problem_in(await process.exchange(request))["code"] == "bad_request"


async def test_B07_headers_that_are_too_large_or_too_many_are_refused() -> None:
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
    async with running() as process:
        for request in refused:
            assert problem_in(await process.exchange(request))["code"] == "headers_too_large"
        for request in served:
            assert (await process.exchange(request)).startswith(b"HTTP/1.1 200 ")


async def test_the_limits_hold_for_each_request_of_a_connection() -> None:
    head = b"GET /liveness HTTP/1.1\r\nhost: x\r\nh: " + b"x" * 20_000 + b"\r\n"
    async with running() as process:
        received = await process.exchange(
            (head + b"\r\n") * 4 + head + b"connection: close\r\n\r\n"
        )
        assert received.count(b"HTTP/1.1 200 ") == 5


async def test_a_large_body_is_not_taken_for_a_large_head() -> None:
    body = '{"event_type": "a", "payload": "' + "x" * 300_000 + '"}'
    async with running() as process, process.client() as client:
        for _ in range(2):
            answer = await client.post("/v1/events", content=body, headers=JSON)
            assert answer.status_code == 202


async def test_a_body_of_400_kb_is_served_plain_and_chunked() -> None:
    body = b'{"event_type": "a", "payload": "' + b"x" * (400 * 1024 - 2) + b'"}'

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async with running() as process, process.client() as client:
        for content in (body, pieces(100_000), pieces(500)):
            answer = await client.post("/v1/events", content=content, headers=JSON)
            assert answer.status_code == 202


async def test_trailers_and_extensions_of_chunks_that_do_not_end_are_refused() -> None:
    head = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
    async with running() as process:
        start = head + b"x-api-key: %s\r\n" % process.key.encode()
        start += b"content-type: application/json\r\n\r\n"
        for endless in (b"1;" + b"x" * 1_000_000, b"1\r\n{\r\n0\r\n" + b"a: b\r\n" * 100_000):
            problem = problem_in(await process.exchange(start + endless))
            assert problem["code"] == "headers_too_large"
        await process.wait_for('"request refused"')


async def test_requests_that_are_sent_ahead_without_end_close_the_connection() -> None:
    async with running() as process:
        start = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        start += b"x-api-key: %s\r\n" % process.key.encode()
        slow = start + b"content-length: %d\r\n\r\n%s" % (len(SLOW), SLOW.encode())
        ahead = b"GET /liveness HTTP/1.1\r\nhost: x\r\n\r\n"
        last = b"GET /liveness HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        received = await process.exchange(slow + ahead * (PIPELINED_MAX - 1) + last)
        assert received.count(b"HTTP/1.1 20") == PIPELINED_MAX + 1
        assert await process.exchange(slow + ahead * PIPELINED_MAX + last) == b""


async def test_a_host_is_given_exactly_once() -> None:
    start = b"GET /liveness HTTP/1.1\r\nconnection: close\r\n"
    async with running() as process:
        for hosts in (b"", b"host: x\r\nHost: y\r\n"):
            problem = problem_in(await process.exchange(start + hosts + b"\r\n"))
            assert (problem["code"], "`Host`" in problem["detail"]) == ("bad_request", True)
        old = start.replace(b"1.1", b"1.0") + b"\r\n"
        assert (await process.exchange(old)).startswith(b"HTTP/1.1 200 ")


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


async def test_a_client_that_sends_on_gets_its_refusal_all_the_same() -> None:
    async with running() as process, process.client() as client:
        for path, headers, status in (
            ("/v1/events", {"authorization": "Bearer x"}, 401),
            ("/v1/events", {"content-type": "text/plain"}, 415),
            ("/v1/keys", JSON, 413),
            ("/liveness", JSON, 405),
        ):
            answer = await client.post(path, content=b"x" * 5_000_000, headers=headers)
            assert answer.status_code == status
            assert answer.headers["connection"] == "close"


async def test_head_over_the_wire_has_no_body_and_keeps_the_connection() -> None:
    async with running() as process:
        received = await process.exchange(
            b"HEAD /liveness HTTP/1.1\r\nhost: x\r\n\r\n"
            b"GET /liveness HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
    first, second, body = received.split(b"\r\n\r\n")
    assert first.count(b"HTTP/1.1 200") == second.count(b"HTTP/1.1 200") == 1
    assert b"content-length: %d" % len(body) in first


async def test_the_server_does_not_tell_what_it_is() -> None:
    async with running() as process, process.client() as client:
        answer = await client.get("/liveness")
        assert "server" not in answer.headers
        assert "date" in answer.headers


@asynccontextmanager
async def connected(keep_alive_seconds: float) -> AsyncIterator[tuple[Any, Any]]:
    """Connect to the server's protocol in this process."""
    app = create_app(make_settings(), open_resources=open_fake_resources(fake_resources()))
    config = config_of(app, make_settings())
    config.load()
    config.timeout_keep_alive = keep_alive_seconds  # type: ignore[assignment]
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield reader, writer
        writer.close()


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


def test_idle_connections_outlive_the_balancers() -> None:
    assert KEEP_ALIVE_SECONDS > 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_after_a_signal_the_process_serves_on_and_then_ends_well(number: int) -> None:
    async with running(serve_on_seconds=0.5) as process, process.client() as client:
        assert (await client.get("/readiness")).status_code == 200
        process.stop(number)
        await process.wait_for("draining")
        async with process.client() as another:
            readiness = await another.get("/readiness")
            assert (readiness.status_code, readiness.json()) == (503, {"status": "draining"})
            inbox = await another.get("/v1/inbox")
            assert (inbox.status_code, inbox.headers["connection"]) == (200, "close")
        assert await asyncio.wait_for(process.exit_code, 10) == 0
        assert "closed" in process.lines


async def test_what_is_in_the_air_is_finished_before_the_end() -> None:
    async with running() as process, process.client() as client:
        call = asyncio.create_task(client.post("/v1/events", content=SLOW, headers=JSON))
        await process.wait_for("inserting")
        process.stop(signal.SIGTERM)
        assert (await call).status_code == 202
        assert await asyncio.wait_for(process.exit_code, 10) == 0


async def test_what_outlasts_the_drain_is_told_to_try_again() -> None:
    async with running(drain_seconds=0.1) as process, process.client() as client:
        call = asyncio.create_task(client.post("/v1/events", content=STUCK, headers=JSON))
        await process.wait_for("inserting")
        process.stop(signal.SIGTERM)
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert await asyncio.wait_for(process.exit_code, 10) == 0


async def test_F14_a_second_signal_ends_the_process_at_once() -> None:
    async with running(serve_on_seconds=30) as process:
        process.stop(signal.SIGTERM)
        await process.wait_for("draining")
        started = time.monotonic()
        process.stop(signal.SIGTERM)
        assert await asyncio.wait_for(process.exit_code, 10) == 128 + signal.SIGTERM
        assert time.monotonic() - started < 2


async def run_to_its_end(module: str, **settings: object) -> tuple[int, str, str]:
    """Run a process whose settings stop it; returns its exit code and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env=environment(**settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    written, complained = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode is not None
    return process.returncode, written.decode(), complained.decode()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"api_port": "x"}, "app: TRIGGERS_API_PORT: "),
        ({"api_prt": 1}, "app: TRIGGERS_API_PRT is no setting; meant TRIGGERS_API_PORT?"),
        ({"environment": "production"}, "app: TRIGGERS_CURSOR_KEY must be set in production"),
        ({}, "app: TRIGGERS_SECRETS_KEY must be set"),
    ],
)
async def test_a_wrong_setting_ends_the_process_with_its_name(
    settings: dict[str, object], complaint: str
) -> None:
    code, written, complained = await run_to_its_end("app", **settings)
    assert (code, written) == (2, "")
    assert complained.startswith(complaint)
    assert complained.count("\n") == 1


async def test_a_port_that_is_taken_ends_the_process() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, written, _ = await run_to_its_end("tests.unit.app.serve_fakes", api_port=port)
    assert code == 3
    assert "address already in use" in written


async def test_the_log_is_ours_alone() -> None:
    async with running() as process:
        await process.exchange(b"HELLO\r\n\r\n")
        await process.wait_for('"request refused"')
        assert not any("Uvicorn" in line or "Invalid HTTP" in line for line in process.lines)
