"""Attempts for the tests of the sender: each over a session of its own, on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import AsyncResolver

from tests.factories import NOW_MS, FakeClock
from tests.raw_receivers import HOST, Behaviour, receiving
from triggers.http.sender import Sender, open_session
from triggers.ids import make_event_id
from triggers.networks import parse_networks
from triggers.retries import Outcome
from triggers.times import Clock
from triggers.webhook_requests import Request

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TIMEOUT_SECONDS = 0.4
LATE_SECONDS = 1.0  # how much longer an attempt may take on a busy machine
LOOPBACK = parse_networks(["127.0.0.1/32"])
NO_ANSWER = f"no answer within {TIMEOUT_SECONDS:g} seconds"
CLOSED = "the connection was closed before an answer"
NOT_HTTP = "the answer is not valid HTTP"
NOT_ALLOWED = "the address is not allowed"
NOT_MADE = "the request could not be made"
NO_SUCH_NAME = 3  # RFC 1035, 4.1.1


def make_request(url: str, **values: Any) -> Request:
    """Make an attempt to send."""
    defaults: dict[str, Any] = {
        "url": url,
        "secrets": (SECRET,),
        "timestamp": NOW_MS // 1000,
        "event_id": make_event_id(NOW_MS, 1, lambda _: 7),
        "correlation_id": "corr_1",
        "body": b"{}",
        "timeout_seconds": TIMEOUT_SECONDS,
    }
    return Request(**(defaults | values))


@asynccontextmanager
async def open_sender(clock: Clock | None = None, **values: Any) -> AsyncIterator[Sender]:
    """Open a sender on a session of its own, allowed to send to one address."""
    defaults: dict[str, Any] = {"connect_seconds": 5, "allowed": LOOPBACK}
    async with open_session(**(defaults | values)) as session:
        yield Sender(session, clock or FakeClock())


async def attempt(
    url: str, *, body: bytes = b"{}", timeout_seconds: float = TIMEOUT_SECONDS, **session: Any
) -> Outcome:
    """Make one attempt, which ends in time whatever the receiver does."""
    request = make_request(url, body=body, timeout_seconds=timeout_seconds)
    async with open_sender(**session) as sender, asyncio.timeout(timeout_seconds + LATE_SECONDS):
        return await sender.send(request)


async def outcome_of(behaviour: Behaviour, **values: Any) -> Outcome:
    """Make one attempt at a receiver that behaves so."""
    async with receiving(behaviour) as receiver:
        return await attempt(receiver.url, **values)


class FakeNames(AbstractResolver):
    """Every name has these addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass


class NameServer(asyncio.DatagramProtocol):
    """A name server that says by this code that it knows no name; to slow ones it says nothing."""

    def __init__(self, code: int) -> None:
        self._code = code

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        if b"slow" not in data:
            self._transport.sendto(data[:2] + bytes([0x81, 0x80 + self._code]) + data[4:], address)


@asynccontextmanager
async def knowing_no_name(code: int = NO_SUCH_NAME) -> AsyncIterator[AsyncResolver]:
    """Run a name server that says so, and a true resolver to ask it, which its session closes."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer(code), local_addr=(HOST, 0)
    )
    address = f"{HOST}:{transport.get_extra_info('sockname')[1]}"
    try:
        yield AsyncResolver(nameservers=[address], domains=[], tries=1)
    finally:
        transport.close()
