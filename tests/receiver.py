"""A receiver of webhooks for tests: records every request, and answers as a test wants."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from standardwebhooks import Webhook as Verifier

from infra.local.loopback import HOST, free_port
from tests.processes import until

BODY_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request. `at` is when it had arrived, on `time.monotonic`."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    def verify(self, secret: str) -> None:
        """Check the signature as any receiver would, with PyPI's standardwebhooks. Raises."""
        Verifier(secret).verify(self.body, self.headers)


Behaviour = Callable[[Received], Awaitable[int]]
"""Returns the status to answer with."""


async def take(received: Received) -> int:
    """Answer 200 at once."""
    return 200


class Receiver:
    """The requests so far, in order, and how each path behaves; `take` unless told otherwise.

    `taken` are the events of those that were answered with 2xx while the sender still listened.
    """

    def __init__(self, port: int) -> None:
        self.requests: list[Received] = []
        self.taken: set[str] = set()
        self.behaviours: dict[str, Behaviour] = {}
        self._base = f"http://{HOST}:{port}"

    def url(self, path: str = "/") -> str:
        return self._base + path

    def counts(self, path: str | None = None) -> Counter[str]:
        """Return how often each event has come."""
        return Counter(r.event_id for r in self.requests if path in (None, r.path))

    def of(self, event_id: str) -> list[Received]:
        """Return the requests of one event."""
        return [request for request in self.requests if request.event_id == event_id]

    async def has(self, *event_ids: str) -> None:
        """Wait until all of these events have been taken."""
        await until(lambda: self.taken.issuperset(event_ids))

    async def handle(self, request: web.Request) -> web.Response:
        received = Received(
            path=request.path,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
            at=time.monotonic(),
        )
        self.requests.append(received)
        status = await self.behaviours.get(request.path, take)(received)
        if 200 <= status <= 299:
            self.taken.add(received.event_id)
        return web.Response(status=status)


class Holding:
    """A behaviour that holds every request until `release`, then takes it."""

    def __init__(self) -> None:
        self.held = 0
        self._released = asyncio.Event()

    async def __call__(self, received: Received) -> int:
        self.held += 1
        await self._released.wait()
        return 200

    def release(self) -> None:
        self._released.set()


@asynccontextmanager
async def run_receiver() -> AsyncIterator[Receiver]:
    """Run a receiver on a free port while the context is open."""
    port = free_port()
    receiver = Receiver(port)
    application = web.Application(client_max_size=BODY_BYTES_MAX)
    application.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=0.01, handler_cancellation=True
    )
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()
