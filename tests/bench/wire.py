"""HTTP/1.1 at its lightest: enough to measure with, and light enough not to be measured."""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from infra.local.loopback import HOST

MESSAGE_BYTES_MAX = 2 << 20
READY = '{"message": "ready"}\n'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"
_END = b"\r\n\r\n"


class Answer(NamedTuple):
    """What came back. `at_ns` is when it was complete, on the machine's monotonic clock."""

    status: int
    body: bytes
    at_ns: int


class Messages(asyncio.Protocol):
    """Takes in messages that say how long they are; `take` gets each with its head."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand on what is complete; a message that is too long ends the connection."""
        self._buffer += data
        while (end := self._buffer.find(_END)) >= 0:
            head = bytes(self._buffer[: end + 2])
            begin = end + len(_END)
            stop = begin + int(header(head, b"content-length") or 0)
            if len(self._buffer) < stop:
                break
            body = bytes(self._buffer[begin:stop])
            del self._buffer[:stop]
            self.take(head, body)
        if len(self._buffer) > MESSAGE_BYTES_MAX:
            self.transport.abort()

    def take(self, head: bytes, body: bytes) -> None:
        """Take a message."""
        raise NotImplementedError


class Connection(Messages):
    """A kept connection to a server, which carries one request at a time."""

    _asked: asyncio.Future[Answer] | None = None

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Send a request. The future gets the answer, or ConnectionError when it was cut off."""
        self._asked = asyncio.get_running_loop().create_future()
        if self.transport.is_closing():
            self._asked.set_exception(ConnectionError("the connection is closed"))
        else:
            self.transport.write(request)
        return self._asked

    def take(self, head: bytes, body: bytes) -> None:
        """Take the answer."""
        if self._asked and not self._asked.done():
            self._asked.set_result(Answer(int(head[9:12]), body, time.monotonic_ns()))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        if self._asked and not self._asked.done():
            self._asked.set_exception(ConnectionError("the connection was cut off"))


async def connect(url: str) -> Connection:
    """Open a connection to a server on this machine."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, HOST, urlsplit(url).port or 80)
    return connection


async def serve(protocol: Callable[[], Messages], port: int) -> None:
    """Serve on a port of this machine until killed."""
    server = await asyncio.get_running_loop().create_server(protocol, HOST, port)
    sys.stdout.write(READY)
    await server.serve_forever()


def header(head: bytes, name: bytes) -> bytes:
    """Return a header of a head, by its name in small letters; empty: there is none."""
    start = head.lower().find(b"\r\n%b:" % name)
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.index(b"\r\n", start)].strip()


def request_of(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Return a request as it goes over the wire."""
    sent = {"Host": "localhost", "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in sent.items())]
    return "\r\n".join(lines).encode() + _END + body
