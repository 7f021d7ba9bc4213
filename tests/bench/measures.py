"""What is measured of processes and of times: processor time, memory, answer lag, percentiles."""

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.wire import connect, request_of
from tests.processes import Process

PROBE_SECONDS = 0.25
PERCENTILES = (50, 95, 99)

Figures = dict[str, float]
"""Figures by name. The unit is part of the name."""


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of the values that so many percent of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def milliseconds(name: str, values_ns: Sequence[float]) -> Figures:
    """Return the percentiles of times in nanoseconds; nothing when there are none."""
    if not values_ns:
        return {}
    return {f"{name} p{p}, ms": percentile(values_ns, p) / 1e6 for p in PERCENTILES}


def processor_seconds(parts: Mapping[str, Sequence[Process]]) -> dict[str, float]:
    """Return what the processes of each part have used of the processors so far."""
    return {name: sum(p.processor_seconds for p in part) for name, part in parts.items()}


def machine_seconds() -> float:
    """Return what all that runs on this machine has used of the processors so far."""
    ticks = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts = ticks[:7]
    return (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(parts: Mapping[str, Sequence[Process]]) -> dict[str, float]:
    """Return how much memory each part has now; of several processes the one with the most."""
    return {name: max(p.resident_bytes for p in part) / 1e6 for name, part in parts.items()}


@dataclass(kw_only=True)
class Samples:
    """What was seen from outside during a load."""

    lag_ns: dict[str, list[float]] = field(default_factory=dict)
    peak_megabytes: dict[str, float] = field(default_factory=dict)


@asynccontextmanager
async def sampling(
    parts: Mapping[str, Sequence[Process]], liveness: Mapping[str, str]
) -> AsyncIterator[Samples]:
    """Ask each address for `/liveness`, and look at the memory, every PROBE_SECONDS while open.

    How long the answers take is how long the event loops keep others waiting.
    """
    samples = Samples(lag_ns={name: [] for name in liveness})
    tasks = [asyncio.create_task(_probe(url, samples.lag_ns[n])) for n, url in liveness.items()]
    tasks.append(asyncio.create_task(_watch(parts, samples.peak_megabytes)))
    try:
        yield samples
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _probe(url: str, lag_ns: list[float]) -> None:
    connection = await connect(url)
    while True:
        asked_ns = time.monotonic_ns()
        answer = await connection.ask(request_of("GET", "/liveness"))
        assert answer.status == 200, answer
        # A late answer stands also for the questions that it kept from being asked.
        lag_ns.extend(range(answer.at_ns - asked_ns, 0, -int(PROBE_SECONDS * 1e9)))
        await asyncio.sleep(PROBE_SECONDS)


async def _watch(parts: Mapping[str, Sequence[Process]], peaks: dict[str, float]) -> None:
    while True:
        for name, megabytes in resident_megabytes(parts).items():
            peaks[name] = max(megabytes, peaks.get(name, 0))
        await asyncio.sleep(10 * PROBE_SECONDS)
