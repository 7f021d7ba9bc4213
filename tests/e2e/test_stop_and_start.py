"""Stopping and starting real processes: signals, drains, and waiting for what is not there yet."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from infra.local.loopback import HOST, free_port
from tests.deployment import SHORT_TIMES, App, Deployment, Producer, open_deployment
from tests.emulator import run_emulator
from tests.processes import until
from tests.receiver import Holding

IN_FLIGHT = 20
TIMEOUT_SECONDS = 15
SERVE_ON_SECONDS = 1.0
PACE_SECONDS = 0.01
ROLLING_EVENTS = 100


async def hold_in_flight(deployment: Deployment, app: App, producer: Producer) -> Holding:
    """Have a worker with requests in the air that the receiver holds."""
    holding = Holding()
    deployment.receiver.behaviours[producer.path] = holding
    await deployment.send_many(app, producer, IN_FLIGHT)
    await until(lambda: holding.held == IN_FLIGHT)
    return holding


async def test_F12_F13_F14_a_worker_drains_at_sigterm_breaks_off_what_hangs_and_ends_at_a_second(
    deployment: Deployment,
) -> None:
    app, first = await asyncio.gather(deployment.start_app(), deployment.start_worker())
    producer = await deployment.make_producer(app, timeout_seconds=TIMEOUT_SECONDS)

    holding = await hold_in_flight(deployment, app, producer)
    first.send(signal.SIGTERM)
    await first.says("draining")
    holding.release()
    assert await first.end() == 0
    drained = set(deployment.receiver.counts())
    await deployment.settled(app, producer, drained)
    assert deployment.receiver.counts().total() == IN_FLIGHT

    second = await deployment.start_worker(TRIGGERS_DRAIN_SECONDS="0.3")
    holding = await hold_in_flight(deployment, app, producer)
    stopped = time.monotonic()
    assert await second.stop() == 0
    assert time.monotonic() - stopped < TIMEOUT_SECONDS / 2

    third = await deployment.start_worker()
    await until(lambda: holding.held == 2 * IN_FLIGHT)  # given back, so due again at once
    third.send(signal.SIGTERM)
    await third.says("draining")
    third.send(signal.SIGTERM)
    assert await third.end(seconds=1) != 0


async def test_F11_F14_an_app_under_load_drains_at_sigterm_without_one_failed_request(
    deployment: Deployment,
) -> None:
    app, again, _ = await asyncio.gather(
        deployment.start_app(TRIGGERS_SERVE_ON_SECONDS=str(SERVE_ON_SECONDS)),
        deployment.start_app(TRIGGERS_SERVE_ON_SECONDS="30"),
        deployment.start_worker(),
    )
    producer = await deployment.make_producer(app)
    sending: list[asyncio.Task[str]] = []

    async def load(seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            sending.append(asyncio.create_task(deployment.send(app, producer)))
            await asyncio.sleep(PACE_SECONDS)

    await load(0.3)
    app.process.send(signal.SIGTERM)
    await load(SERVE_ON_SECONDS * 0.6)
    status, _ = await deployment.call(app, "GET", "/readiness", producer.key)
    assert status == 503
    accepted = await asyncio.gather(*sending)
    assert await app.process.end() == 0
    assert len(set(accepted)) == len(sending) > 50

    again.process.send(signal.SIGTERM)
    await again.process.says("draining")
    again.process.send(signal.SIGTERM)
    assert await again.process.end(seconds=1) != 0
    await deployment.receiver.has(*accepted)


async def test_both_start_before_the_emulator_wait_for_it_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    async with open_deployment(f"http://{HOST}:{port}", tmp_path, SHORT_TIMES) as deployment:
        app, worker = deployment.launch_app(), deployment.launch("worker")
        await asyncio.gather(app.process.says("waiting for"), worker.says("waiting for"))
        status, answer = await deployment.call(app, "GET", "/readiness", "")
        assert status == 503, answer
        status, answer = await deployment.call(app, "GET", "/v1/inbox", "")
        assert status == 503, answer
        with run_emulator(tmp_path, port):
            await deployment.provision(monkeypatch)
            await asyncio.gather(app.process.says("ready"), worker.says("ready"))
            producer = await deployment.make_producer(app)
            await deployment.settled(app, producer, [await deployment.send(app, producer)])
            deployment.assert_clean_logs()
            assert await app.process.stop() == await worker.stop() == 0


async def test_a_worker_is_replaced_while_events_flow_and_each_arrives_once(
    deployment: Deployment,
) -> None:
    app, old = await asyncio.gather(deployment.start_app(), deployment.start_worker())
    producer = await deployment.make_producer(app)
    accepted: list[str] = []

    async def flow() -> None:
        for _ in range(ROLLING_EVENTS):
            accepted.append(await deployment.send(app, producer))
            await asyncio.sleep(PACE_SECONDS)

    flowing = asyncio.create_task(flow())
    await until(lambda: len(accepted) > ROLLING_EVENTS // 4)
    await deployment.start_worker()
    assert await old.stop() == 0
    await flowing
    await deployment.settled(app, producer, accepted)
    assert deployment.receiver.counts() == dict.fromkeys(accepted, 1)
