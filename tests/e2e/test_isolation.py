"""One tenant's receiver hangs; another tenant's events arrive as soon as ever."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.deployment import Deployment, Producer, open_deployment
from tests.emulator import Emulator
from tests.receiver import Holding

STEADY_PACE = 20  # events a second
HANGING_PACE = 50
ALONE_SECONDS = 6
TOGETHER_SECONDS = 30
WINDOW_SECONDS = 2  # the median over windows leaves out what else the machine does for a moment
SHARE_MAX = 1.5


@pytest.fixture
async def deployment(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Deployment]:
    """Have a deployment with the times of production."""
    async with open_deployment(emulator.url, tmp_path, {}) as opened:
        await opened.provision(monkeypatch)
        yield opened
        opened.assert_clean_logs()


class Pacer:
    """Sends events at an even pace, whatever becomes of those before; knows when each was sent."""

    def __init__(self, send: Callable[[], "asyncio.Future[str]"], pace: float) -> None:
        self.sent: dict[str, float] = {}
        self._send = send
        self._pace = pace

    async def run(self, seconds: float) -> None:
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * self._pace)):
                await asyncio.sleep(started + number / self._pace - time.monotonic())
                group.create_task(self._send_one())

    async def _send_one(self) -> None:
        before = time.monotonic()
        self.sent[await self._send()] = before


def p95_of_windows(latencies: list[tuple[float, float]]) -> float:
    """Return the median of the windows' 95th percentiles, from (sent at, seconds until it came)."""
    first = min(sent for sent, _ in latencies)
    windows: dict[int, list[float]] = {}
    for sent, seconds in latencies:
        windows.setdefault(int((sent - first) / WINDOW_SECONDS), []).append(seconds)
    whole = [w for w in windows.values() if len(w) >= STEADY_PACE * WINDOW_SECONDS / 2]
    return statistics.median(statistics.quantiles(window, n=20)[-1] for window in whole)


async def test_F72_a_tenant_whose_receiver_hangs_does_not_slow_down_another(
    deployment: Deployment, say: Callable[[object], None]
) -> None:
    app, _ = await asyncio.gather(deployment.start_app(), deployment.start_worker())
    receiver = deployment.receiver
    receiver.behaviours["/hanging"] = Holding()
    steady, hanging = await asyncio.gather(
        deployment.make_producer(app, "/steady", timeout_seconds=15),
        deployment.make_producer(app, "/hanging", timeout_seconds=15),
    )

    def pacer(producer: Producer, pace: float) -> Pacer:
        return Pacer(lambda: asyncio.ensure_future(deployment.send(app, producer)), pace)

    alone, together = pacer(steady, STEADY_PACE), pacer(steady, STEADY_PACE)
    load = pacer(hanging, HANGING_PACE)
    await alone.run(ALONE_SECONDS)
    await asyncio.gather(together.run(TOGETHER_SECONDS), load.run(TOGETHER_SECONDS))
    await receiver.has(*alone.sent, *together.sent)

    came = {request.event_id: request.at for request in receiver.requests}
    usual, meanwhile = (
        p95_of_windows([(at, came[event_id] - at) for event_id, at in p.sent.items()])
        for p in (alone, together)
    )
    held = receiver.counts("/hanging").total()
    say(
        f"p95 alone {usual * 1000:.0f} ms, beside {len(load.sent)} events to a hanging receiver"
        f" {meanwhile * 1000:.0f} ms (x{meanwhile / usual:.2f}); it was tried {held} times"
    )
    assert len(load.sent) == HANGING_PACE * TOGETHER_SECONDS
    assert receiver.counts("/steady").total() == len(alone.sent) + len(together.sent)
    assert meanwhile < SHARE_MAX * usual
