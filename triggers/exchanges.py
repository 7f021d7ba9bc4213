"""A POST and its answer, over a connection that may have carried others before.

Attempts go this way (decision 0018), and the hot calls of AWS (0016). Names, addresses, TLS, kept
connections and the parsing of answers are aiohttp's. Its way from there to a request is made for
every method, body, cookie, redirect, proxy and trace there is; to leave that out made an attempt
cheaper by a fifth.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError
from aiohttp.http_writer import _serialize_headers
from msgspec import Struct
from multidict import CIMultiDictProxy
from yarl import URL

# What is raised when there is no answer, or not all of it.
FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


class Answer(Struct, frozen=True):
    """An answer of which the head has come; the body is for the caller to read."""

    status: int
    headers: CIMultiDictProxy[str]
    content: aiohttp.StreamReader


class WholeAnswer(Struct, frozen=True):
    """An answer that has come to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


class Destination(aiohttp.ClientRequest):
    """Where a URL leads, in the words of the connector. Raises aiohttp.InvalidURL, ValueError."""

    def __init__(self, url: URL) -> None:
        if url.scheme not in {"http", "https"}:
            raise aiohttp.NonHttpUrlClientError(url)
        super().__init__("POST", url)
        self.target = f"POST {self.url.raw_path_qs} HTTP/1.1"
        self.first_headers = dict(self.headers)  # the host; what a URL may hold of a user

    def update_auto_headers(self, _: object) -> None:
        """Add no headers but the host."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        """What tells connections apart, which the connector asks for with each request."""
        return super().connection_key


async def post(
    connector: aiohttp.BaseConnector,
    destination: Destination,
    headers: Mapping[str, str],
    body: bytes,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 what a connector knows by it
) -> WholeAnswer:
    """Send a request as an `Exchange` does, and read all of its answer. Raises FAILURES."""
    async with Exchange(connector, destination, headers, body, timeout) as answer:
        return WholeAnswer(answer.status, answer.headers, await answer.content.read())


async def post_by_proxy(
    session: aiohttp.ClientSession, proxy: str, url: URL, headers: Mapping[str, str], body: bytes
) -> WholeAnswer:
    """Do the same with a proxy between, which is all aiohttp's. Raises FAILURES."""
    posting = session.post(url, data=body, headers=headers, proxy=proxy, allow_redirects=False)
    async with posting as answer:
        return WholeAnswer(answer.status, answer.headers, await answer.read())


class Exchange:
    """A request, sent when the context is entered, and the answer, which ends with it.

    To enter it waits for the answer's head. Of the timeouts those count that bound the connecting
    and each wait for the socket. Raises FAILURES.
    """

    def __init__(
        self,
        connector: aiohttp.BaseConnector,
        destination: Destination,
        headers: Mapping[str, str],
        body: bytes,
        timeout: aiohttp.ClientTimeout,
    ) -> None:
        self._connector = connector
        self._destination = destination
        self._request = _head(destination, headers, len(body)) + body
        self._timeout = timeout

    async def __aenter__(self) -> Answer:
        try:
            self._connection = await self._connector.connect(
                self._destination, traces=[], timeout=self._timeout
            )
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        try:
            return await _ask(self._connection, self._request, self._timeout.sock_read)
        except BaseException:
            self._connection.close()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        connection = self._connection
        transport = connection.transport
        # One that was answered before all of the request had gone is of no more use, either.
        if kind is not None or transport is None or transport.get_write_buffer_size():
            connection.close()
        else:
            connection.release()  # which closes one whose answer has not been read to its end


async def _ask(connection: Connection, request: bytes, read_seconds: float | None) -> Answer:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ServerDisconnectedError
    protocol.set_response_params(
        read_until_eof=True, auto_decompress=False, read_timeout=read_seconds
    )
    transport.write(request)
    protocol.start_timeout()
    while True:
        message, content = await protocol.read()
        if not 100 <= message.code <= 199 or message.code == 101:
            return Answer(message.code, message.headers, content)


def _head(destination: Destination, headers: Mapping[str, str], length: int) -> bytes:
    """Return the head of a request. Raises ValueError for a header that would break it."""
    # A plain mapping is enough, and quicker than one that knows names without their case.
    every: Any = {**destination.first_headers, "Content-Length": str(length), **headers}
    return _serialize_headers(destination.target, every)
