"""`python -m tests.bench.floor app|worker`: the least that any service of this make could cost.

The `app` is bare Litestar: it decodes an event and answers. It hands the event over a plain connection to the
`worker`, which is bare aiohttp: it posts the body to every address. Nothing is stored, checked or signed.
"""

import asyncio
import os
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import msgspec
import uvicorn
import uvloop
from litestar import Litestar, Request, post
from msgspec import Raw, Struct

from app.server import KEEP_ALIVE_SECONDS
from infra.local.loopback import HOST
from tests.bench.wire import MESSAGE_BYTES_MAX, READY
from tests.processes import POLL_SECONDS, WAIT_SECONDS

AT_ONCE = 100  # requests of the worker, as many as one webhook gets of ours


class EventIn(Struct, kw_only=True):
    """An event as it comes."""

    event_type: str
    payload: Raw
    source: str | None = None


class EventOut(Struct, kw_only=True):
    """An event as it is answered."""

    event_id: str
    event_type: str
    source: str | None
    status: str = "pending"


class Server(uvicorn.Server):
    """Uvicorn, which says when it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        sys.stdout.write(READY)


_decoder = msgspec.json.Decoder(EventIn)


def make_app(worker_port: int) -> Litestar:
    """Make the API, which connects to the worker when it starts."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.worker = await connect_when_ready(worker_port)
        yield

    @post("/v1/events", status_code=202)
    async def accept(request: Request[Any, Any, Any]) -> EventOut:
        body = await request.body()
        event = _decoder.decode(body)
        event_id = "evt_" + secrets.token_hex(13)
        request.app.state.worker.write(b"%b %b\n" % (event_id.encode(), body))
        return EventOut(event_id=event_id, event_type=event.event_type, source=event.source)

    return Litestar([accept], lifespan=[lifespan], openapi_config=None, logging_config=None)


async def connect_when_ready(port: int) -> asyncio.StreamWriter:
    """Connect to the worker, which starts at the same time."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            with suppress(ConnectionRefusedError):
                return (await asyncio.open_connection(HOST, port))[1]
            await asyncio.sleep(POLL_SECONDS)


async def work(port: int, urls: list[str]) -> None:
    """Post to each address what comes, until killed."""
    turn = asyncio.Semaphore(AT_ONCE)
    posts: set[asyncio.Task[None]] = set()

    async def deliver(url: str, event_id: str, body: bytes) -> None:
        headers = {
            "Content-Type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(time.time())),
        }
        async with turn, session.post(url, data=body, headers=headers) as answer:
            await answer.read()

    async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            event_id, _space, body = line.rstrip().partition(b" ")
            for url in urls:
                task = asyncio.create_task(deliver(url, event_id.decode(), body))
                posts.add(task)
                task.add_done_callback(posts.discard)

    async with aiohttp.ClientSession() as session:
        server = await asyncio.start_server(take, HOST, port, limit=MESSAGE_BYTES_MAX)
        sys.stdout.write(READY)
        await server.serve_forever()


def main() -> None:
    """Run one of the two."""
    worker_port = int(os.environ["FLOOR_WORKER_PORT"])
    if sys.argv[1] == "worker":
        uvloop.run(work(worker_port, os.environ["FLOOR_URLS"].split(",")))
    else:
        config = uvicorn.Config(
            make_app(worker_port),
            host=HOST,
            port=int(os.environ["FLOOR_APP_PORT"]),
            loop="uvloop",
            http="httptools",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        Server(config).run()


if __name__ == "__main__":
    main()
