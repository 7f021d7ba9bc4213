"""HTTP/1.1 as the server speaks it: uvicorn's, with limits that it lacks.

What goes no further than here is refused as a problem like all others, and the connection closed.
"""

import asyncio
import logging
import re
import secrets
import weakref
from asyncio import TimerHandle

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.context import make_context, tell_when_body_has_ended
from app.one_write import OneWrite
from app.problems.answers import document_for
from app.problems.table import PROBLEMS
from app.wire.problems import MEDIA_TYPE
from triggers.telemetry import log

HEAD_SECONDS = 15  # for the request line and the headers to arrive
HEAD_BYTES_MAX = 32 * 1024
HEADERS_MAX = 100
PIPELINED_MAX = 16  # requests of one connection that wait for the answers before theirs

_NO_UPGRADE = "Upgrades are not served: send the request without `Upgrade`, as plain HTTP/1.1"
_ONE_HOST = "A request of HTTP/1.1 has exactly one `Host` header: a name or address, and a port"
_VERSIONS = "HTTP/1.1 and HTTP/1.0 are served here"
_CODINGS = "The one `Transfer-Encoding` is chunked, in HTTP/1.1"
_OF_A_BODY = (b"content-length", b"transfer-encoding")
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[\w.~-]*)(?::\d{0,5})?")

_logger = logging.getLogger(__name__)


class _Refused(Exception):
    """The request goes no further: what a callback raises stops the parser."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail or PROBLEMS[code].cause


class Protocol(HttpToolsProtocol):
    """One connection."""

    _bytes_besides_bodies = 0  # since the request began, or since the last piece of its body
    _header_bytes = 0
    _head_is_open = False  # a request has begun, and its headers have not ended
    _head_timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; a connection on which nothing comes is closed like an idle one."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come.

        A head, a chunk's extension or trailers that do not end are refused before they fill the
        memory.
        """
        self._unset_keepalive_if_required()
        self._bytes_besides_bodies += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # the request is answered as if it had asked for none
        except httptools.HttpParserError as error:
            raised = error.__context__
            self._refuse(raised if isinstance(raised, _Refused) else _Refused("bad_request"))
        if self._bytes_besides_bodies > HEAD_BYTES_MAX:
            self._refuse(_Refused("headers_too_large"))
        if self._head_is_open and self._head_timer is None:
            # Only for a head that comes in pieces: to set and stop a timer took 1 % of a request.
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._bytes_besides_bodies = self._header_bytes = 0
        self._head_is_open = True

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line."""
        super().on_url(url)
        if len(self.url) > HEAD_BYTES_MAX:
            raise _Refused("headers_too_large")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)
        if len(self.headers) > HEADERS_MAX or self._header_bytes > HEAD_BYTES_MAX:
            raise _Refused("headers_too_large")

    def on_headers_complete(self) -> None:
        """Begin to handle the request."""
        self._head_is_open = False
        self._stop_head_timer()
        if len(self.pipeline) >= PIPELINED_MAX:
            # An answer now would be taken for that to an earlier request.
            self.transport.close()
            raise _Refused("bad_request")
        if wrong := _wrong_head(self.parser.get_http_version(), self.headers):
            raise _Refused("bad_request", wrong)
        upgrades = self.parser.should_upgrade()
        if upgrades and any(name in _OF_A_BODY for name, _ in self.headers):
            raise _Refused("bad_request", _NO_UPGRADE)  # its body would never be parsed
        super().on_headers_complete()
        cycle = self.cycle
        cycle.keep_alive = cycle.keep_alive and not upgrades  # nor would what comes after it
        if self.scope["method"] != "HEAD":
            cycle.transport = OneWrite(cycle.transport)
        # Held weakly: a circle of references would leave all of a request to the search for garbage.
        held = weakref.proxy(cycle)
        tell_when_body_has_ended(self.scope, lambda: not held.more_body)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._bytes_besides_bodies = 0
        super().on_body(body)

    def _refuse(self, refused: _Refused) -> None:
        """Refuse what is not HTTP as we want it, and close."""
        if self.transport.is_closing():
            return
        status, title = PROBLEMS[refused.code].status, PROBLEMS[refused.code].title
        context = make_context({"headers": ()}, secrets.randbits)
        body = document_for(refused.code, refused.detail, context)
        head = (
            f"HTTP/1.1 {status} {title}\r\n"
            f"content-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            f"x-request-id: {context.request_id}\r\n"
            f"x-correlation-id: {context.correlation_id}\r\n"
            "x-content-type-options: nosniff\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        # One line for a whole connection: nobody fills the log faster than with good requests.
        log(
            _logger,
            "request refused",
            status=status,
            problem=refused.code,
            request_id=context.request_id,
            correlation_id=context.correlation_id,
        )

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _wrong_head(version: str, headers: list[tuple[bytes, bytes]]) -> str | None:
    """Say what the parser lets pass though it is not HTTP (RFC 9112: 3.2, 6.1), or None."""
    if version not in ("1.1", "1.0"):
        return _VERSIONS
    hosts = [value for name, value in headers if name == b"host"]
    if not all(map(_HOST.fullmatch, hosts)) or (version == "1.1" and len(hosts) != 1):
        return _ONE_HOST
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if codings and (version == "1.0" or codings != [b"chunked"]):
        return _CODINGS
    return None
