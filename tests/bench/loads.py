"""Drives a load through a target: a producer sends, and all is awaited at the receiver."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from infra.local.loopback import HOST, call, free_port
from tests.bench.producer import ANSWER_SECONDS, Plan, Sent
from tests.bench.receiver import Taken
from tests.bench.targets import Target, launch
from tests.processes import WAIT_SECONDS, Process

AT_ONCE = 64  # requests in the air at saturation
DRAIN_SECONDS, DRAIN_TIMES = 30.0, 2  # and so many times as long as was sent,
DELIVERIES_A_SECOND_MIN = 1000  # or as long as so many a second take, when those are more
SETTLE_SECONDS = 0.3  # for what comes after the last delivery: its finish, the delete of its hint
POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came of a load. `received_ns` is when each accepted event had arrived at all webhooks."""

    sent: Sent
    repeated: int
    received_ns: dict[str, int]

    @property
    def started_ns(self) -> int:
        """When the first event was sent."""
        return min(sent_ns for _, sent_ns, _ in self.sent.accepted)

    @property
    def accept_seconds(self) -> float:
        """From the first event that was sent to the last that was accepted."""
        return (max(at_ns for _, _, at_ns in self.sent.accepted) - self.started_ns) / 1e9

    @property
    def seconds(self) -> float:
        """From the first event that was sent to the last that arrived."""
        return (max(self.received_ns.values()) - self.started_ns) / 1e9


@dataclass(frozen=True, kw_only=True)
class Driver:
    """The producer and the receiver, and what every load has in common.

    At most `events_max` are sent as fast as they go through.
    """

    processes: dict[str, Process]
    producer_url: str
    receiver_url: str
    payload_bytes: int
    events_max: int

    async def drive(self, target: Target, rate: int | None, seconds: float) -> Load:
        """Send for so many seconds, and wait until all has arrived and is settled.

        What has not in time is lost.
        """
        sent = await self.send(target, rate, seconds)
        expected = len(sent.accepted) * target.webhooks
        ends = time.monotonic() + drain_seconds(seconds, expected)
        while await self._ask("count") < expected and time.monotonic() < ends:
            await asyncio.sleep(POLL_SECONDS)
        await asyncio.sleep(SETTLE_SECONDS)
        taken = await self.taken()
        received_ns = arrivals(sent, taken, target.webhooks)
        assert received_ns, f"nothing has arrived; refused by status: {sent.refused}"
        return Load(sent=sent, repeated=taken.repeated, received_ns=received_ns)

    async def send(self, target: Target, rate: int | None, seconds: float) -> Sent:
        """Send for so many seconds, and wait for nothing but the answers."""
        plan = Plan(
            url=target.url,
            keys=target.keys,
            rate=rate,
            at_once=AT_ONCE,
            events_max=self.events_max,
            seconds=seconds,
            payload_bytes=self.payload_bytes,
        )
        content = msgspec.to_builtins(plan)
        answered = 2 * seconds + ANSWER_SECONDS + WAIT_SECONDS
        status, answer = await call("POST", self.producer_url, content=content, seconds=answered)
        assert status == 200, answer
        return msgspec.convert(answer, Sent, strict=False)

    async def taken(self) -> Taken:
        """Return what the receiver has taken in since it was asked last."""
        return msgspec.convert(await self._ask("taken"), Taken)

    async def _ask(self, question: str) -> Any:
        status, answer = await call("GET", f"{self.receiver_url}/{question}")
        assert status == 200, answer
        return answer


@asynccontextmanager
async def open_driver(
    folder: Path, *, payload_bytes: int, events_max: int
) -> AsyncIterator[Driver]:
    """Run a producer and a receiver; their logs go into a new folder."""
    folder.mkdir()
    ports = {"producer": free_port(), "receiver": free_port()}
    with ExitStack() as stack:
        processes = {name: launch(stack, folder, name, str(port)) for name, port in ports.items()}
        for process in processes.values():
            await process.says("ready")
            process.interrupt_nobody()
        yield Driver(
            processes=processes,
            producer_url=f"http://{HOST}:{ports['producer']}",
            receiver_url=f"http://{HOST}:{ports['receiver']}",
            payload_bytes=payload_bytes,
            events_max=events_max,
        )


def drain_seconds(seconds: float, deliveries: int) -> float:
    """Return how long so many deliveries are awaited that were sent in so many seconds."""
    return DRAIN_SECONDS + max(DRAIN_TIMES * seconds, deliveries / DELIVERIES_A_SECOND_MIN)


def arrivals(sent: Sent, taken: Taken, webhooks: int) -> dict[str, int]:
    """Return when each accepted event had arrived at all webhooks, of those that have."""
    found = {}
    for event_id, _, _ in sent.accepted:
        names = [f"{event_id}/{number}" for number in range(webhooks)]
        if all(name in taken.first_ns for name in names):
            found[event_id] = max(taken.first_ns[name] for name in names)
    return found
