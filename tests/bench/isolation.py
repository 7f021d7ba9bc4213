"""Whether a neighbour can slow a tenant down: the tenant is measured alone and beside it, by turns.

Each turn has a service of its own, so that nothing of the neighbour is left when the tenant is alone again. The first
neighbour does nothing wrong: what the tenant loses beside that one is the machine's share, not isolation's.
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from tests.bench.arguments import Arguments
from tests.bench.findings import Findings, Row, Table
from tests.bench.loads import Driver, open_driver
from tests.bench.measures import Figures
from tests.bench.receiver import HANGING
from tests.bench.runs import WARM_UP_SECONDS_MAX, measure
from tests.bench.seeds import Look
from tests.bench.stage import Stage, open_stage, say
from tests.bench.targets import Service
from triggers.ids import DUE_SHARDS
from triggers.rate_limits import RateLimit
from triggers.times import system_clock
from worker.sweeper import PAGE_MAX

TURNS = 3
SHARE_MAX = 1.2  # what p95 beside a neighbour may be of that alone
FULL_PERCENT = 90  # of the machine: then what is measured is the queue for its processors
LATENCY = "accept to received p{}, ms"
LEAD_SECONDS = WARM_UP_SECONDS_MAX + 2  # the neighbour sends while the tenant warms up, and after
LIMIT = RateLimit(per_second=100, burst=200)
# What storing a backlog takes at least: it becomes due when it is all there.
STORE_SECONDS, STORED_A_SECOND = 5, 800


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """What a neighbour does. `rate` is events a second; `path` is where its webhooks are."""

    name: str
    rate: int = 0
    path: str = ""
    webhooks: int = 1
    timeout_seconds: int = 15
    rate_limit: RateLimit | None = None
    backlog: int = 0


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A tenant's figures alone and beside a neighbour, and what came of the neighbour's events."""

    alone: Figures
    beside: Figures
    of_neighbour: Figures


def neighbours(arguments: Arguments) -> list[Neighbour]:
    """Return the neighbours, from good to bad."""
    return [
        Neighbour(name="100 events/s, all well", rate=100),
        # Short enough that attempts also time out while the tenant is measured.
        Neighbour(
            name="100 events/s, its receiver hangs", rate=100, path=HANGING, timeout_seconds=5
        ),
        Neighbour(
            name="three times its limit of 100/s", rate=3 * LIMIT.per_second, rate_limit=LIMIT
        ),
        Neighbour(name="2 events/s to 50 webhooks", rate=2, webhooks=50),
        Neighbour(name=f"a backlog of {arguments.backlog}", backlog=arguments.backlog),
    ]


async def measure_isolation(arguments: Arguments) -> Findings:
    """Measure a tenant beside each neighbour. Raises TimeoutError when it takes far too long."""
    rows, lost = [], 0.0
    cast = neighbours(arguments)
    scenes = len(cast) * TURNS
    async with (
        open_stage(arguments, scenes=scenes) as stage,
        open_driver(
            stage.folder / "neighbour",
            payload_bytes=arguments.payload,
            events_max=arguments.events_max,
        ) as other,
    ):
        for neighbour in cast:
            turns = []
            for number in range(1, TURNS + 1):
                say(f"beside {neighbour.name}, turn {number} of {TURNS}")
                turns.append(await take_turn(stage, other, neighbour, arguments))
            rows.append(row_of(neighbour.name, turns))
            lost += sum(t.alone["lost, events"] + t.beside["lost, events"] for t in turns)
    title = "accept to received, beside"
    return Findings(arguments=arguments, tables=[Table(title=title, rows=rows)], lost=lost)


async def take_turn(
    stage: Stage, other: Driver, neighbour: Neighbour, arguments: Arguments
) -> Turn:
    """Measure a new tenant alone, then beside a new neighbour."""
    rate, seconds = arguments.rates[0], arguments.seconds
    look = Look(receiver_url=stage.driver.receiver_url)
    async with stage.service(look, tenants=1, workers=arguments.workers) as service:
        alone = await measure(stage.driver, service, rate, seconds)
        await other.taken()  # what the neighbour before has left
        async with living(other, service, neighbour, seconds) as of_neighbour:
            beside = await measure(stage.driver, service, rate, seconds)
            of_neighbour["its arrived"] = len((await other.taken()).first_ns)
    return Turn(alone=alone, beside=beside, of_neighbour=of_neighbour)


@asynccontextmanager
async def living(
    driver: Driver, service: Service, neighbour: Neighbour, seconds: int
) -> AsyncIterator[Figures]:
    """Have a neighbour do what it does while open; at the end it is known what was let in."""
    look = Look(
        receiver_url=driver.receiver_url + neighbour.path,
        webhooks=neighbour.webhooks,
        timeout_seconds=neighbour.timeout_seconds,
        rate_limit=neighbour.rate_limit,
    )
    tenant = await service.seeds.make_tenant(look)
    found: Figures = {}
    if neighbour.backlog:
        store_seconds = STORE_SECONDS + neighbour.backlog / STORED_A_SECOND
        due_ms = system_clock() + int(store_seconds * 1000)
        await service.seeds.store_backlog(tenant, neighbour.backlog, due_ms)
        await asyncio.sleep((due_ms - system_clock()) / 1000)
        found["due page, ms"] = await time_due_page(service)
        yield found
        found |= {"its accepted": neighbour.backlog, "its refused": 0}
        return
    target = replace(service, keys=[tenant.key])
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(driver.send(target, neighbour.rate, seconds + LEAD_SECONDS))
        yield found
    sent = sending.result()
    found |= {"its accepted": len(sent.accepted), "its refused": sum(sent.refused.values())}


async def time_due_page(service: Service) -> float:
    """Return how long a page of the due index takes, in milliseconds.

    The emulator sorts all that is due in the partition for each, which no DynamoDB does.
    """
    began = time.monotonic()
    await service.seeds.resources.events.read_due(
        DUE_SHARDS[0], now_ms=system_clock(), limit=PAGE_MAX, after=None
    )
    return (time.monotonic() - began) * 1000


def row_of(name: str, turns: Sequence[Turn]) -> Row:
    """Return the medians over the turns, and how far the ratios of single turns lie apart."""
    figures: Figures = {}
    for percent in (50, 95):
        latency = LATENCY.format(percent)
        alone = statistics.median(turn.alone[latency] for turn in turns)
        beside = statistics.median(turn.beside[latency] for turn in turns)
        figures |= {f"alone p{percent}, ms": alone, f"beside p{percent}, ms": beside}
        figures |= {f"× p{percent}": beside / alone}
    p95 = LATENCY.format(95)
    shares = [turn.beside[p95] / turn.alone[p95] for turn in turns]
    figures |= {"least": min(shares), "most": max(shares)}
    for part in ("emulator", "worker", "others"):
        figures[f"{part}, %"] = statistics.median(turn.beside[f"busy, {part}, %"] for turn in turns)
    figures["machine, %"] = statistics.median(machine_percent(turn.beside) for turn in turns)
    for told_of in turns[0].of_neighbour:
        told = [turn.of_neighbour[told_of] for turn in turns]
        figures[told_of] = statistics.median(told) if told_of.endswith("ms") else sum(told)
    return Row(name=name, figures=figures, note=f"  {verdict_of(figures)}")


def machine_percent(figures: Figures) -> float:
    """Return how much of all processors was used, by whomever."""
    busy = sum(value for name, value in figures.items() if name.startswith("busy, "))
    return busy / (os.cpu_count() or 1)


def verdict_of(figures: Figures) -> str:
    """Say whether the neighbour was without effect; where the machine was full, it may be the machine's."""
    if figures["× p95"] < SHARE_MAX:
        return "holds"
    return "fails, machine full" if figures["machine, %"] > FULL_PERCENT else "fails"
