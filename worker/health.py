"""The worker's health checks: `/liveness` and `/readiness` on a port of its own."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

SILENT_SECONDS_MAX = 90.0  # a long poll takes 25 s, a store that hangs some more


class Pulse:
    """The heartbeat of one loop. A loop that has fallen silent is dead, whatever its task says."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last = monotonic()

    def beat(self) -> None:
        """Note that the loop turns."""
        self._last = self._monotonic()

    def is_alive(self) -> bool:
        """Tell whether the loop has turned lately."""
        return self._monotonic() - self._last < SILENT_SECONDS_MAX


class Health:
    """What the checks answer from. `state` is `starting`, `ready` or `draining`."""

    def __init__(self) -> None:
        self.state = "starting"
        self._watched: list[tuple[str, Callable[[], bool]]] = []

    def pulse(self, name: str) -> Pulse:
        """Return the pulse of a new loop, which from now on has to beat."""
        pulse = Pulse()
        self.watch(name, pulse.is_alive)
        return pulse

    def watch(self, name: str, is_alive: Callable[[], bool]) -> None:
        """Ask from now on whether a part is alive."""
        self._watched.append((name, is_alive))

    def silent(self) -> list[str]:
        """Return the names of the parts that are dead."""
        return [name for name, is_alive in self._watched if not is_alive()]


@asynccontextmanager
async def serve_health(health: Health, host: str, port: int) -> AsyncIterator[None]:
    """Answer the checks while the context is open."""

    async def liveness(_: web.Request) -> web.Response:
        silent = health.silent()
        body = {"status": "silent" if silent else "alive", "silent": silent}
        return web.json_response(body, status=503 if silent else 200)

    async def readiness(_: web.Request) -> web.Response:
        status = 200 if health.state == "ready" else 503
        return web.json_response({"status": health.state}, status=status)

    application = web.Application()
    application.add_routes([web.get("/liveness", liveness), web.get("/readiness", readiness)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
