"""The HTTP server: uvicorn, with limits that it lacks, and a stop that a balancer can follow."""

import asyncio
import logging
import math
import os
import secrets
import signal
from asyncio import TimerHandle
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.context import RequestContext
from app.edge import Edge
from app.lifecycle import Lifecycle
from app.problems import MEDIA_TYPE, PROBLEMS, document_for
from triggers.ids import make_correlation_id, make_request_id
from triggers.settings import Settings
from triggers.telemetry import log

KEEP_ALIVE_SECONDS = 75  # above the load balancer's 60: it must be the one that closes
HEAD_SECONDS = 15  # for the request line and the headers to arrive
HEAD_BYTES_MAX = 32 * 1024
HEADERS_MAX = 100
BACKLOG = 2048

_logger = logging.getLogger(__name__)


def serve(app: Edge, settings: Settings) -> None:
    """Serve until a signal says stop, then drain. Returns when all is flushed and closed."""
    config = config_of(app, settings)
    Server(config, app.lifecycle, serve_on_seconds=settings.serve_on_seconds).run()


def config_of(app: Edge, settings: Settings) -> uvicorn.Config:
    """Return how uvicorn is to serve the application; everything that matters is said."""
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
    )


class Server(uvicorn.Server):
    """Uvicorn, except that its listener stays open for a while after the signal.

    A balancer needs that long to see the readiness and to send its requests elsewhere.
    """

    def __init__(
        self, config: uvicorn.Config, lifecycle: Lifecycle, *, serve_on_seconds: float
    ) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._serve_on_seconds = serve_on_seconds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT ourselves; uvicorn would close its listener at once."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _stop(self, number: signal.Signals) -> None:
        if self._lifecycle.is_draining:
            log(_logger, "second signal: stopping at once", level=logging.WARNING)
            os._exit(128 + number)
        self._lifecycle.drain()
        asyncio.get_running_loop().call_later(self._serve_on_seconds, self._close)

    def _close(self) -> None:
        log(_logger, "closing the listener", in_flight=self._lifecycle.in_flight)
        self.should_exit = True


class _HeadTooLarge(Exception):
    """The request line and the headers are larger than they may be."""


class Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP, with limits on what comes before a body, and problems like all others."""

    _head_bytes = 0
    _header_bytes = 0
    _in_head = False
    _head_timer: TimerHandle | None = None
    _refusal = "bad_request"

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
        """Take what has come; a head that does not end is refused before it fills the memory."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refusal = "headers_too_large"
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = self._header_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line."""
        super().on_url(url)
        if len(self.url) > HEAD_BYTES_MAX:
            self._refusal = "headers_too_large"
            raise _HeadTooLarge

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)
        if len(self.headers) > HEADERS_MAX or self._header_bytes > HEAD_BYTES_MAX:
            self._refusal = "headers_too_large"
            raise _HeadTooLarge

    def on_headers_complete(self) -> None:
        """Begin to handle the request."""
        self._in_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 a problem has its own words
        """Refuse what is not HTTP as we want it, and close."""
        problem = PROBLEMS[self._refusal]
        context = RequestContext(
            request_id=make_request_id(secrets.randbits),
            correlation_id=make_correlation_id(secrets.randbits),
            traceparent=None,
        )
        body = document_for(self._refusal, problem.cause, context)
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\n"
            f"content-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            f"x-request-id: {context.request_id}\r\n"
            f"x-correlation-id: {context.correlation_id}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
