"""The worker's health checks: a loop that has fallen silent is dead, whatever its task says."""

import pytest

from infra.local.loopback import HOST, call, free_port
from tests.factories import FakeClock
from worker.health import SILENT_SECONDS_MAX, Health, Pulse, serve_health


async def ask(health: Health, path: str) -> tuple[int, object]:
    """Ask one check of a worker in this state of health."""
    port = free_port()
    async with serve_health(health, HOST, port):
        return await call("GET", f"http://{HOST}:{port}{path}")


@pytest.mark.parametrize(
    ("state", "status"), [("starting", 503), ("ready", 200), ("draining", 503)]
)
async def test_a_worker_is_ready_when_it_says_so(state: str, status: int) -> None:
    health = Health()
    assert health.state == "starting"
    health.state = state
    assert await ask(health, "/readiness") == (status, {"status": state})


async def test_a_loop_that_has_fallen_silent_makes_the_worker_dead_until_it_beats_again() -> None:
    clock, health = FakeClock(), Health()
    pulses = {name: Pulse(clock.monotonic) for name in ("consumer", "sweeper")}
    for name, pulse in pulses.items():
        health.watch(name, pulse.is_alive)
    clock.advance(SILENT_SECONDS_MAX - 1)
    pulses["consumer"].beat()
    assert await ask(health, "/liveness") == (200, {"status": "alive", "silent": []})
    clock.advance(1)
    assert await ask(health, "/liveness") == (503, {"status": "silent", "silent": ["sweeper"]})
    pulses["sweeper"].beat()
    assert await ask(health, "/liveness") == (200, {"status": "alive", "silent": []})


async def test_a_dead_part_says_nothing_of_readiness() -> None:
    health = Health()
    health.state = "ready"
    health.watch("dispatcher", lambda: False)
    assert (await ask(health, "/readiness"))[0] == 200


def test_the_pulse_of_a_new_loop_is_among_those_that_have_to_beat() -> None:
    health = Health()
    pulse = health.pulse("sweeper")
    assert health.silent() == []
    pulse._last -= SILENT_SECONDS_MAX
    assert health.silent() == ["sweeper"]


async def test_other_paths_are_not_found() -> None:
    assert (await ask(Health(), "/health"))[0] == 404
