"""Attempts for the tests of the sender: each over a session of its own, on loopback."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.factories import NOW_MS, FakeClock
from tests.receivers import Behaviour, receiving
from triggers.ids import make_event_id
from triggers.networks import Network, parse_networks
from triggers.retries import Outcome
from triggers.times import Clock
from worker.sender import Request, Sender, open_session

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TIMEOUT_SECONDS = 0.4
LATE_SECONDS = 1.0  # how much longer an attempt may take on a busy machine
LOOPBACK = parse_networks(["127.0.0.1/32"])
NO_ANSWER = f"no answer within {TIMEOUT_SECONDS:g} seconds"
CLOSED = "the connection was closed before an answer"
NOT_HTTP = "the answer is not valid HTTP"
NOT_ALLOWED = "the address is not allowed"


def make_request(url: str, **values: Any) -> Request:
    """Make an attempt to send."""
    defaults: dict[str, Any] = {
        "url": url,
        "secrets": (SECRET,),
        "event_id": make_event_id(NOW_MS, 1, lambda _: 7),
        "correlation_id": "corr_1",
        "body": b'{"payload":{"price":1.0}}',
        "timeout_seconds": TIMEOUT_SECONDS,
    }
    return Request(**(defaults | values))


@asynccontextmanager
async def open_sender(
    *,
    allowed: tuple[Network, ...] = LOOPBACK,
    connect_seconds: float = 5,
    clock: Clock | None = None,
) -> AsyncIterator[Sender]:
    """Open a sender on a session of its own, allowed to send to one address."""
    async with open_session(connect_seconds=connect_seconds, allowed=allowed) as session:
        yield Sender(session, clock or FakeClock())


async def attempt(
    url: str,
    *,
    allowed: tuple[Network, ...] = LOOPBACK,
    connect_seconds: float = 5,
    **values: Any,
) -> Outcome:
    """Make one attempt, which ends in time whatever the receiver does."""
    request = make_request(url, **values)
    async with (
        open_sender(allowed=allowed, connect_seconds=connect_seconds) as sender,
        asyncio.timeout(request.timeout_seconds + LATE_SECONDS),
    ):
        return await sender.send(request)


async def outcome_of(behaviour: Behaviour, **values: Any) -> Outcome:
    """Make one attempt at a receiver that behaves so."""
    async with receiving(behaviour) as receiver:
        return await attempt(receiver.url, **values)


class FakeNames:
    """The names that there are, for `socket.getaddrinfo`; those that hang do so until `over`."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.errors: dict[str, Exception] = {}
        self.hanging: set[str] = set()
        self.over = threading.Event()

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host in self.hanging:
            self.over.wait()
        if host in self.errors:
            raise self.errors[host]
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [_entry(address, port) for address in self.addresses[host]]


def _entry(address: str, port: int) -> Any:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
