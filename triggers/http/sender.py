"""Sends one attempt to a receiver. Every receiver is hostile; whatever it does is an outcome.

The address is judged where the socket is made, on the resolved address, names and literals alike.
No redirects, no cookies, no proxy, no decompression, and no more than 4 KB of an answer.
"""

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.http import HttpProcessingError
from aiohttp.resolver import AsyncResolver
from msgspec.structs import replace
from yarl import URL

from triggers.attempts import EXCERPT_BYTES_MAX
from triggers.exchanges import FAILURES, Answer, Destination, Exchange
from triggers.http.answers import AnswerConnector
from triggers.networks import Network, is_blocked
from triggers.retries import Outcome, Verdict, parse_retry_after, verdict_of
from triggers.times import Clock
from triggers.webhook_requests import Request, headers_to_send

EXCERPT_SECONDS = 2.0  # what a receiver says after its status line is worth no longer a wait
# Below the 5 seconds after which common servers close an idle connection: a request that meets a
# closing one would fail for nothing.
KEEPALIVE_SECONDS = 4.0
DESTINATIONS_MAX = 1_000  # whose address is kept in parsed form

_PLAIN = re.compile("[!-~]+")  # what a request line can carry as it is
_LOCAL_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NOT_ALLOWED = "the address is not allowed"
_ISSUER_UNKNOWN = (2, 20, 21)  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT and its like

_WORDS: tuple[tuple[type[Exception], str], ...] = (  # the first that fits says it
    (aiohttp.ClientConnectorDNSError, "the name was not found"),
    (aiohttp.ClientSSLError, "TLS could not be agreed on"),
    (ConnectionRefusedError, "the connection was refused"),
    (aiohttp.ClientConnectorError, "no connection"),
    (aiohttp.ServerDisconnectedError, "the connection was closed before an answer"),
    (aiohttp.ClientOSError, "the connection was closed before an answer"),
    (HttpProcessingError, "the answer is not valid HTTP"),
    (aiohttp.ClientPayloadError, "the answer is not valid HTTP"),
)


class AddressRefusedError(OSError):
    """The resolved address of a webhook must not be connected to."""


class LocalShortageError(Exception):
    """This process is short of something, so no attempt was made. Not the receiver's doing."""


class Session:
    """The connections of this process to receivers."""

    def __init__(self, connector: AnswerConnector, *, connect_seconds: float) -> None:
        self.connector = connector
        self.connect_seconds = connect_seconds
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_seconds)
        self._destination = lru_cache(DESTINATIONS_MAX)(_destination)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Exchange:
        """Return a request to send. Raises ValueError for a URL that leads nowhere, or a header."""
        return Exchange(self.connector, self._destination(url), headers, body, self._timeout)


class Sender:
    """Makes attempts over one session. `send` never raises for what a receiver does."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def send(self, request: Request) -> Outcome:
        """Make an attempt and return how it ended. Raises LocalShortageError."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        deadline = started + request.timeout_seconds
        outcome: Outcome | None = None
        read = bytearray()
        try:
            async with asyncio.timeout_at(deadline) as timeout, self._post(request) as response:
                # With its status line the receiver has committed: what breaks later changes nothing.
                outcome = self._answered(response)
                if response.content.is_eof():  # mostly all of it has come with the head
                    read += response.content.read_nowait(EXCERPT_BYTES_MAX)
                else:
                    timeout.reschedule(min(deadline, loop.time() + EXCERPT_SECONDS))
                    await _read_start(response, read)
        except FAILURES as error:  # that of the deadline is an OSError
            outcome = outcome or _failed(error, request, self._session.connect_seconds)
        duration_ms = int((loop.time() - started) * 1000)
        return replace(outcome, excerpt=_printable(read), duration_ms=duration_ms)

    def _post(self, request: Request) -> Exchange:
        return self._session.post(request.url, headers_to_send(request), request.body)

    def _answered(self, response: Answer) -> Outcome:
        outcome = Outcome(status_code=response.status)
        if verdict_of(outcome) is Verdict.DELIVERED:
            return outcome
        header = response.headers.get("Retry-After")
        return replace(outcome, retry_after_seconds=parse_retry_after(header, self._clock()))


@asynccontextmanager
async def open_session(
    *,
    connect_seconds: float,
    allowed: tuple[Network, ...],
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[Session]:
    """Open the session for all attempts of this process. `allowed` networks pass the guard.

    Names are looked up without threads, so that slow ones of one tenant do not hold up others.
    The resolver is closed at the end.
    """
    names = resolver or AsyncResolver()
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    connector = AnswerConnector(
        limit=0,  # the lanes bound what is in the air
        ssl=context,
        resolver=names,
        keepalive_timeout=KEEPALIVE_SECONDS,
        socket_factory=_guard(allowed),
    )
    try:
        async with connector:
            yield Session(connector, connect_seconds=connect_seconds)
    finally:
        await names.close()


def _destination(url: str) -> Destination:
    # As the tenant wrote it, unless that would break the request line.
    return Destination(URL(url, encoded=_PLAIN.fullmatch(url) is not None))


def _guard(allowed: tuple[Network, ...]) -> Callable[[Any], socket.socket]:
    def make_socket(address: Any) -> socket.socket:
        family, kind, protocol, _, destination = address
        if is_blocked(destination[0], allowed):
            raise AddressRefusedError(_NOT_ALLOWED)
        return socket.socket(family=family, type=kind, proto=protocol)

    return make_socket


async def _read_start(response: Answer, read: bytearray) -> None:
    """Read at most the first 4 KB of a body, into `read` as they come."""
    while chunk := await response.content.read(EXCERPT_BYTES_MAX - len(read)):
        read += chunk


def _printable(read: bytearray) -> str:
    """Return text that does no harm where it is shown, and has no more bytes than may be kept."""
    text = read.decode(errors="replace")
    if not text.isprintable():  # which most are, and this is the quick way to know
        text = "".join(
            c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
        )
    return text.encode()[:EXCERPT_BYTES_MAX].decode(errors="ignore")


def _failed(error: Exception, request: Request, connect_seconds: float) -> Outcome:
    """Return what an error before the status line amounts to. Raises LocalShortageError."""
    if _errno(error) in _LOCAL_SHORTAGES:
        raise LocalShortageError("out of sockets or memory") from error
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Outcome(error=f"no connection within {connect_seconds:g} seconds", timed_out=True)
    if isinstance(error, TimeoutError):
        words = f"no answer within {request.timeout_seconds:g} seconds"
        return Outcome(error=words, timed_out=True)
    return Outcome(error=_words(error))


def _words(error: Exception) -> str:
    """Say what went wrong in words that tell a tenant nothing about the inside."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if _NOT_ALLOWED in str(cause):
        return _NOT_ALLOWED
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate is not valid: {_certificate_words(error)}"
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(cause, ConnectionResetError):
        return (
            "the connection was closed while TLS was agreed on"  # to connect alone ends otherwise
        )
    for kind, words in _WORDS:
        if isinstance(error, kind) or isinstance(cause, kind):
            return words
    return "the request could not be made"


def _certificate_words(error: aiohttp.ClientConnectorCertificateError) -> str:
    certificate_error = error.certificate_error
    if getattr(certificate_error, "verify_code", None) in _ISSUER_UNKNOWN:
        return "its issuer is not known, or an intermediate certificate is not sent along"
    return str(getattr(certificate_error, "verify_message", "not trusted"))


def _errno(error: Exception) -> int | None:
    inner = getattr(error, "os_error", error)
    return inner.errno if isinstance(inner, OSError) else None
