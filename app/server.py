"""The HTTP server: uvicorn, with a stop that a balancer can follow."""

import asyncio
import logging
import math
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from app.edge import Edge
from app.lifecycle import Lifecycle
from app.protocol import Protocol
from triggers.garbage import look_for_garbage_seldom
from triggers.settings import Settings
from triggers.telemetry import log

KEEP_ALIVE_SECONDS = 75  # above the load balancer's 60: it must be the one that closes
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
        log_level="warning",  # what it says besides is said better by our own lines
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        look_for_garbage_seldom()
        log(_logger, "listening", host=self.config.host, port=self.config.port)

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
