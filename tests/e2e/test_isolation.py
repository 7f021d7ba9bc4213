"""One tenant's receiver hangs; another tenant's events arrive as soon as ever."""

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.deployment import UNMEASURED, App, Deployment, Producer
from tests.receiver import Holding

STEADY_PACE = 20  # events a second
HANGING_PACE = 50
ALONE_SECONDS = 3  # and once more afterwards: the machine may change meanwhile
TOGETHER_SECONDS = 30
WINDOW_SECONDS = 1.5  # the median over windows leaves out what else the machine does for a moment
SHARE_MAX = 1.5
MEASUREMENTS_MAX = 2  # others may work on this machine, which can only make it look worse


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


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A tenant's 95th percentiles, from sending to arrival: alone, and beside a hanging receiver."""

    usual: float
    meanwhile: float
    tries: int

    @property
    def share(self) -> float:
        return self.meanwhile / self.usual

    def __str__(self) -> str:
        return (
            f"p95 alone {self.usual * 1000:.0f} ms, beside {HANGING_PACE * TOGETHER_SECONDS} events"
            f" to a hanging receiver {self.meanwhile * 1000:.0f} ms (x{self.share:.2f});"
            f" that one was tried {self.tries} times"
        )


async def measure(deployment: Deployment, app: App) -> Measured:
    """Measure with two new tenants, of whom nothing is known yet."""
    receiver = deployment.receiver
    path = f"/hanging-{len(receiver.behaviours)}"
    receiver.behaviours[path] = Holding()
    steady, hanging = await asyncio.gather(
        deployment.make_producer(app, "/steady", timeout_seconds=15),
        deployment.make_producer(app, path, timeout_seconds=15),
    )

    def pacer(producer: Producer, pace: float) -> Pacer:
        return Pacer(lambda: asyncio.ensure_future(deployment.send(app, producer)), pace)

    alone, together = pacer(steady, STEADY_PACE), pacer(steady, STEADY_PACE)
    load = pacer(hanging, HANGING_PACE)
    await alone.run(ALONE_SECONDS)
    await asyncio.gather(together.run(TOGETHER_SECONDS), load.run(TOGETHER_SECONDS))
    await alone.run(ALONE_SECONDS)
    await receiver.has(*alone.sent, *together.sent)

    came = {request.event_id: request.at for request in receiver.requests}
    usual, meanwhile = (
        p95_of_windows([(at, came[event_id] - at) for event_id, at in p.sent.items()])
        for p in (alone, together)
    )
    assert len(load.sent) == HANGING_PACE * TOGETHER_SECONDS
    return Measured(usual=usual, meanwhile=meanwhile, tries=receiver.counts(path).total())


# The times are those of production: the settings' own.
@pytest.mark.parametrize("deployment", [UNMEASURED], indirect=True, ids=[""])
async def test_F72_a_tenant_whose_receiver_hangs_does_not_slow_down_another(
    deployment: Deployment, say: Callable[[object], None]
) -> None:
    app, _ = await asyncio.gather(deployment.start_app(), deployment.start_worker())
    shares: list[float] = []
    while len(shares) < MEASUREMENTS_MAX and min(shares, default=SHARE_MAX) >= SHARE_MAX:
        measured = await measure(deployment, app)
        say(measured)
        shares.append(measured.share)
    assert min(shares) < SHARE_MAX
    counts = deployment.receiver.counts("/steady")
    assert counts.total() == len(counts)
