"""The service in containers: used as a customer would, killed, stopped and scaled under load."""

import asyncio
import subprocess
from collections.abc import Callable

import aiohttp

from infra.local.settings import ROOT
from tests.containers.engine import Stack, docker
from tests.containers.load import Outcome, producing
from tests.processes import PYTHON, own_environment

Say = Callable[[object], None]

PER_SECOND = 15
SECONDS = 12
INTO_THE_LOAD_SECONDS = 4
DOWN_SECONDS = 2
SLOW_SECONDS = 3.0  # until a receiver answers: attempts are in the air whenever a worker ends
SUITE_SECONDS_MAX = 600


def running_containers(stack: Stack, service: str) -> list[str]:
    return stack.compose("ps", "--status", "running", "--quiet", service).split()


async def test_the_end_to_end_suite_passes(stack: Stack, say: Say) -> None:
    async with producing(stack) as producer:
        own = {
            "API": stack.api,
            "KEY": producer.key,
            "RECEIVER": stack.receiver,
            "HOOK": stack.hook,
            "E2E_SECONDS": "60",
        }
        ran = await asyncio.to_thread(
            subprocess.run,
            (PYTHON, "-m", "tests.deployed", "--color=no"),
            cwd=ROOT,
            env=own_environment(own),
            capture_output=True,
            text=True,
            check=False,
            timeout=SUITE_SECONDS_MAX,
        )
    say(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr


async def load_with_a_crash(stack: Stack, service: str, answer_seconds: float = 0) -> Outcome:
    """Kill the only container of a service in the middle of a load, and start it again."""
    container = stack.container(service)
    async with producing(stack, answer_seconds) as producer:
        load = asyncio.create_task(producer.load(PER_SECOND * SECONDS, PER_SECOND))
        await asyncio.sleep(INTO_THE_LOAD_SECONDS)
        await stack.kill(container)
        await asyncio.sleep(DOWN_SECONDS)
        await stack.start(container)
        return await load


async def test_a_worker_killed_under_load_loses_nothing(stack: Stack, say: Say) -> None:
    outcome = await load_with_a_crash(stack, "worker", SLOW_SECONDS)
    say(f"worker killed: {outcome}")
    assert not outcome.refused
    assert not outcome.lost
    assert outcome.repeated <= PER_SECOND * (SLOW_SECONDS + 1)  # what was in the air


async def test_an_app_killed_under_load_loses_nothing_that_it_accepted(
    stack: Stack, say: Say
) -> None:
    outcome = await load_with_a_crash(stack, "app")
    say(f"the only app killed: {outcome}")
    assert outcome.refused  # it was away
    assert outcome.accepted
    assert not outcome.lost


async def test_each_stops_with_code_0_under_load_and_with_two_of_each_nobody_notices(
    stack: Stack, say: Say
) -> None:
    stack.compose("up", "--detach", "--wait", "--scale", "app=2", "--scale", "worker=3")
    apps, workers = running_containers(stack, "app"), running_containers(stack, "worker")
    assert (len(apps), len(workers)) == (2, 3)
    async with producing(stack, SLOW_SECONDS) as producer:
        load = asyncio.create_task(producer.load(PER_SECOND * SECONDS, PER_SECOND))
        await asyncio.sleep(INTO_THE_LOAD_SECONDS)
        stops = await asyncio.gather(stack.stop(apps[0]), stack.stop(workers[0]))
        outcome = await load
    for name, stop in zip(("app", "worker"), stops, strict=True):
        say(f"{name} stopped: exit code {stop.exit_code} after {stop.seconds:.1f} s")
    say(f"one of two apps and one of three workers stopped: {outcome}")
    assert [stop.exit_code for stop in stops] == [0, 0]
    assert not outcome.refused
    assert not outcome.lost
    assert outcome.repeated == 0
    assert "draining" in docker("logs", apps[0])


async def test_calls_are_spread_over_all_apps(stack: Stack) -> None:
    stack.compose("up", "--detach", "--wait", "--scale", "app=2", "--scale", "worker=1")
    apps = running_containers(stack, "app")
    async with producing(stack) as producer:
        before = [sends_seen(app) for app in apps]
        outcome = await producer.load(20, PER_SECOND)
    assert not outcome.lost
    seen = [sends_seen(app) - earlier for app, earlier in zip(apps, before, strict=True)]
    assert sum(seen) == len(outcome.accepted)
    assert min(seen) > 0


def sends_seen(app: str) -> int:
    return docker("logs", app).count('"path":"/v1/events","status":202')


async def test_the_proxy_ends_at_once_when_nothing_is_open(stack: Stack) -> None:
    stop = await stack.stop(stack.container("proxy"), patience_seconds=15)
    assert stop.exit_code == 0
    assert stop.seconds < 10


async def test_the_proxy_answers_for_an_app_as_the_app_would(stack: Stack) -> None:
    await stack.start(stack.container("proxy"))
    stack.compose("up", "--detach", "--wait", "--scale", "app=1")
    assert await ask(stack, {"X-Large": "x" * 40_000}) == (431, "headers_too_large")
    await stack.stop(stack.container("app"))
    assert await ask(stack, {}) == (503, "unavailable")


async def ask(stack: Stack, headers: dict[str, str]) -> tuple[int, str]:
    """Ask for something, and return the status and the code of the problem that is answered."""
    async with aiohttp.request("GET", f"{stack.api}/v1/events", headers=headers) as answer:
        assert answer.content_type == "application/problem+json"
        return answer.status, (await answer.json())["code"]
