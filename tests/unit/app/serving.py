"""The API on fakes behind its real server: as a process, or on a socket in this one; and bytes to and from it."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from msgspec import Struct
from uvicorn.server import ServerState

from app.main import create_app
from app.protocol import Protocol
from app.server import config_of
from infra.local.loopback import free_port
from tests.factories import make_settings
from tests.fakes import fake_resources, open_fake_resources

JSON = {"content-type": "application/json"}


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
