"""The server's life: it begins, serves on after a signal, drains and ends, as real processes."""

import asyncio
import signal
import socket
import sys
import time

import pytest

from app.server import KEEP_ALIVE_SECONDS
from tests.unit.app.serving import JSON, environment, running

SLOW = '{"event_type": "slow", "payload": 1}'
STUCK = '{"event_type": "stuck", "payload": 1}'


def test_idle_connections_outlive_the_balancers() -> None:
    assert KEEP_ALIVE_SECONDS > 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_after_a_signal_the_process_serves_on_and_then_ends_well(number: int) -> None:
    async with running(serve_on_seconds=0.5) as process, process.client() as client:
        assert (await client.get("/readiness")).status_code == 200
        process.stop(number)
        await process.wait_for("draining")
        async with process.client() as another:
            readiness = await another.get("/readiness")
            assert (readiness.status_code, readiness.json()) == (503, {"status": "draining"})
            inbox = await another.get("/v1/inbox")
            assert (inbox.status_code, inbox.headers["connection"]) == (200, "close")
        assert await asyncio.wait_for(process.exit_code, 10) == 0
        assert "closed" in process.lines


async def test_what_is_in_the_air_is_finished_before_the_end() -> None:
    async with running() as process, process.client() as client:
        call = asyncio.create_task(client.post("/v1/events", content=SLOW, headers=JSON))
        await process.wait_for("inserting")
        process.stop(signal.SIGTERM)
        assert (await call).status_code == 202
        assert await asyncio.wait_for(process.exit_code, 10) == 0


async def test_what_outlasts_the_drain_is_told_to_try_again() -> None:
    async with running(drain_seconds=0.1) as process, process.client() as client:
        call = asyncio.create_task(client.post("/v1/events", content=STUCK, headers=JSON))
        await process.wait_for("inserting")
        process.stop(signal.SIGTERM)
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert await asyncio.wait_for(process.exit_code, 10) == 0


async def test_F14_a_second_signal_ends_the_process_at_once() -> None:
    async with running(serve_on_seconds=30) as process:
        process.stop(signal.SIGTERM)
        await process.wait_for("draining")
        started = time.monotonic()
        process.stop(signal.SIGTERM)
        assert await asyncio.wait_for(process.exit_code, 10) == 128 + signal.SIGTERM
        assert time.monotonic() - started < 2


async def run_to_its_end(module: str, **settings: object) -> tuple[int, str, str]:
    """Run a process whose settings stop it; returns its exit code and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env=environment(**settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    written, complained = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode is not None
    return process.returncode, written.decode(), complained.decode()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"api_port": "x"}, "app: TRIGGERS_API_PORT: "),
        ({"api_prt": 1}, "app: TRIGGERS_API_PRT is no setting; meant TRIGGERS_API_PORT?"),
        ({"environment": "production"}, "app: TRIGGERS_CURSOR_KEY must be set in production"),
        ({}, "app: TRIGGERS_SECRETS_KEY must be set"),
    ],
)
async def test_a_wrong_setting_ends_the_process_with_its_name(
    settings: dict[str, object], complaint: str
) -> None:
    code, written, complained = await run_to_its_end("app", **settings)
    assert (code, written) == (2, "")
    assert complained.startswith(complaint)
    assert complained.count("\n") == 1


async def test_a_port_that_is_taken_ends_the_process() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, written, _ = await run_to_its_end("tests.unit.app.serve_fakes", api_port=port)
    assert code == 3
    assert "address already in use" in written


async def test_the_log_is_ours_alone() -> None:
    async with running() as process:
        await process.exchange(b"HELLO\r\n\r\n")
        await process.wait_for('"request refused"')
        assert not any("Uvicorn" in line or "Invalid HTTP" in line for line in process.lines)
