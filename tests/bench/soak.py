"""Whether memory grows: what `app` and `worker` have of it, over minutes at one rate."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from tests.bench.arguments import Arguments
from tests.bench.findings import Findings, Row, Table
from tests.bench.measures import Figures, resident_megabytes
from tests.bench.runs import outcome_figures, warm_up
from tests.bench.seeds import Look
from tests.bench.stage import open_stage, say
from tests.processes import Process

EVERY_SECONDS = 10
SPAN_SECONDS = 60.0  # the first and the last; half of all when that is shorter

Samples = list[tuple[float, Figures]]
"""Seconds since the start, and the megabytes of each part."""


async def measure_soak(arguments: Arguments) -> Findings:
    """Keep a rate up and watch. Raises TimeoutError when it takes far too long."""
    rate, seconds = arguments.rates[0], arguments.seconds
    async with open_stage(arguments, scenes=1) as stage:
        look = Look(receiver_url=stage.driver.receiver_url, webhooks=arguments.webhooks)
        async with stage.service(
            look, tenants=arguments.tenants, workers=arguments.workers
        ) as service:
            await warm_up(stage.driver, service, rate, seconds)
            say(f"memory, {seconds} seconds long")
            async with watching(service.parts) as samples:
                load = await stage.driver.drive(service, rate, seconds)
    outcome = outcome_figures(load)
    counts = {name: outcome[name] for name in ("accepted, events", "lost, events")}
    rows = [Row(name=f"{at:.0f} s", figures=megabytes) for at, megabytes in samples]
    grown = [
        Row(name=part, figures=growth([(at, megabytes[part]) for at, megabytes in samples]))
        for part in service.parts
    ]
    tables = [
        Table(title="memory, MB", rows=rows),
        Table(title="growth", rows=grown),
        Table(title="events", rows=[Row(name="in all", figures=counts)]),
    ]
    return Findings(arguments=arguments, tables=tables, lost=counts["lost, events"])


@asynccontextmanager
async def watching(parts: Mapping[str, Sequence[Process]]) -> AsyncIterator[Samples]:
    """Look at the memory at once and every EVERY_SECONDS while open."""
    began, samples = time.monotonic(), Samples()

    async def look_on() -> None:
        while True:
            samples.append((time.monotonic() - began, resident_megabytes(parts)))
            await asyncio.sleep(EVERY_SECONDS)

    task = asyncio.create_task(look_on())
    try:
        yield samples
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def growth(samples: Sequence[tuple[float, float]]) -> Figures:
    """Return the means of the first and the last span, and what lies between them."""
    end = samples[-1][0]
    span = min(SPAN_SECONDS, end / 2)
    first = statistics.mean(megabytes for at, megabytes in samples if at <= span)
    last = statistics.mean(megabytes for at, megabytes in samples if at >= end - span)
    return {
        "first, MB": first,
        "last, MB": last,
        "growth, MB": last - first,
        "growth, %": 100 * (last / first - 1),
    }
