"""Receivers on raw loopback sockets, friendly and hostile: each is a function of one connection.

What only needs a web server finds one in `tests.receiver`.
"""

import asyncio
import itertools
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

HOST = "127.0.0.1"
DRIP_SECONDS = 0.02  # between two bytes
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, no wait; then a close is a reset


@dataclass(frozen=True, kw_only=True)
class RawRequest:
    """A request as it came: first line, headers in order with names in lower case, body."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Connection:
    """One connection of a client, and all that a receiver can do with it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.requests: list[RawRequest] = []

    async def request(self) -> RawRequest:
        """Read one whole request."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        parted = (text.split(": ", 1) for text in lines)
        headers = tuple((name.lower(), value) for name, value in parted)
        length = int(dict(headers).get("content-length", 0))
        body = await self._reader.readexactly(length)
        request = RawRequest(line=line, headers=headers, body=body)
        self.requests.append(request)
        return request

    async def write(self, data: bytes) -> None:
        """Write; raises ConnectionError when the client has gone."""
        self._writer.write(data)
        await self._writer.drain()

    async def until_closed(self) -> None:
        """Read whatever comes until the client closes."""
        while await self._reader.read(65_536):
            pass

    def reset(self) -> None:
        """Break the connection off."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


Behaviour = Callable[[Connection], Awaitable[None]]


class Receiver:
    """A running receiver: where it listens, and the connections so far."""

    def __init__(self, port: int, scheme: str) -> None:
        self.port = port
        self.url = f"{scheme}://{HOST}:{port}/hook"
        self.connections: list[Connection] = []
        self.ended = 0

    @property
    def requests(self) -> list[RawRequest]:
        """All whole requests."""
        return [request for connection in self.connections for request in connection.requests]


@asynccontextmanager
async def receiving(
    behaviour: Behaviour, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a receiver that behaves so on every connection; what is left at the end breaks off."""
    handling: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling.add(asyncio.current_task())  # type: ignore[arg-type]
        connection = Connection(reader, writer)
        receiver.connections.append(connection)
        try:
            await behaviour(connection)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            receiver.ended += 1
            writer.transport.abort()

    server = await asyncio.start_server(handle, HOST, 0, ssl=tls)
    receiver = Receiver(server.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield receiver
    finally:
        server.close()
        for task in handling:
            task.cancel()
        await asyncio.gather(*handling)
        await server.wait_closed()


@contextmanager
def never_accepting() -> Iterator[str]:
    """Listen with a full backlog, so that the next connection gets no answer; the URL (F60)."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(listener.getsockname())
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}/hook"
        finally:
            for client in waiting:
                client.close()


def answer(
    status: int | str = 200, body: bytes = b"", *headers: str, length: int | None = None
) -> bytes:
    """Write an HTTP answer; `length` is what it says of its body, if not the truth."""
    said = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} Some Words", f"Content-Length: {said}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answering(*answers: bytes) -> Behaviour:
    """Answer request after request on a kept connection; the last answer for ever."""
    rest = itertools.chain(answers, itertools.repeat(answers[-1]))

    async def behave(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.write(next(rest))

    return behave


def saying(data: bytes) -> Behaviour:
    """Read the request, say something and close."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.write(data)
        await connection.close()

    return behave


def saying_before_reading(data: bytes) -> Behaviour:
    """Say something without having read anything, and never read."""

    async def behave(connection: Connection) -> None:
        await connection.write(data)
        await asyncio.Event().wait()

    return behave


async def silence(connection: Connection) -> None:
    """Accept, read, never answer (F61)."""
    await connection.until_closed()


async def deafness(connection: Connection) -> None:
    """Accept, never read, never answer (F61)."""
    await asyncio.Event().wait()


def dripping(start: bytes, drip: bytes) -> Behaviour:
    """Say something, then `drip` over and over, a byte at a time (F62)."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.write(start)
        for byte in itertools.cycle(drip):
            await connection.write(bytes([byte]))
            await asyncio.sleep(DRIP_SECONDS)

    return behave


def flooding(start: bytes, flood: bytes) -> Behaviour:
    """Say something, then more as fast as it is taken, for ever (F64)."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.write(start)
        while True:
            await connection.write(flood)

    return behave


def resetting(data: bytes) -> Behaviour:
    """Read the request, say something and break the connection off (F63)."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        if data:
            await connection.write(data)
        connection.reset()

    return behave
