"""What a million events cost on AWS, and a month without any: counted units, times prices.

Writes, reads and requests are counted by meters in a proxy, which slow the calls down; processor time is measured without
them. What goes by time and not by events, the sweeps of the workers and their processor time at rest, is left to the month.
Some calls come once a minute for each key or webhook that is used: only a minute or more counts them as often as they come.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.arguments import WEBHOOKS_MAX, Arguments
from tests.bench.emulation import quiet_emulator
from tests.bench.findings import Findings, Row, Table
from tests.bench.measures import Figures, processor_seconds
from tests.bench.prices import (
    BALANCER_HOUR,
    HOURS_A_MONTH,
    MILLION,
    TASK_GB,
    TASK_VCPUS,
    Usage,
    bill,
    with_total,
)
from tests.bench.runs import warm_up
from tests.bench.seeds import Look
from tests.bench.stage import Stage, open_stage, say
from tests.bench.targets import Service, open_service
from tests.fault_proxy import FaultProxy, run_fault_proxy
from tests.read_units import ReadMeter, RequestMeter
from tests.write_units import Item, WriteMeter
from triggers.aws import keys, tables
from triggers.settings import Settings

WEBHOOKS = (1, 5, WEBHOOKS_MAX)
REST_SECONDS = 60  # three long polls, and some turns of the shard leases
REST_WORKERS, REST_TASKS = 2, 4  # two of `app` besides, which call nothing at rest
IDLE_SECONDS = 5
PROCESSOR_SECONDS_MAX = 20
# What workers ask for by the clock, however many events there are.
SWEEP_LEASES = f"{keys.COUNTERS}, sweep"
SWEEP_READS = f"{keys.EVENTS}, {keys.DUE_INDEX}"


@dataclass(frozen=True, kw_only=True)
class Meters:
    """What counts the units and requests."""

    writes: WriteMeter
    reads: ReadMeter
    requests: RequestMeter

    def counts(self) -> Figures:
        """Return all that was counted, by names that begin with the kind."""
        kinds: dict[str, Mapping[str, float]] = {
            "write units": self.writes.units,
            "read units": self.reads.units,
            "requests": self.requests.requests,
        }
        return {
            f"{kind}, {name}": count
            for kind, counted in kinds.items()
            for name, count in counted.items()
        }

    def stored(self) -> float:
        """Return by how many bytes the tables have grown, but for what is there once for each tenant."""
        grown = self.writes.stored_bytes
        return sum(size for name, size in grown.items() if name != keys.COUNTERS)


async def measure_costs(arguments: Arguments) -> Findings:
    """Count and measure for each number of webhooks, and at rest. Raises TimeoutError when it takes far too long."""
    columns: dict[str, Figures] = {}
    lost = 0.0
    async with open_stage(arguments, scenes=2 * len(WEBHOOKS) + 1) as stage:
        for webhooks in WEBHOOKS:
            look = Look(receiver_url=stage.driver.receiver_url, webhooks=webhooks)
            name = f"{webhooks} webhook{'s' * (webhooks > 1)}"
            say(f"what an event uses, {name}")
            counted, missing = await count_units(stage, look, arguments)
            columns[name] = counted | await measure_processors(stage, look, arguments)
            lost += missing
        say(f"what is used at rest, {REST_SECONDS} seconds long")
        at_rest = await count_at_rest(stage)
    a_million = {
        name: with_total(bill(usage_of(figures).times(MILLION)))
        for name, figures in columns.items()
    }
    found = [
        Table(title="an event uses", rows=transposed(columns)),
        Table(title="a million events cost, $", rows=transposed(a_million)),
        Table(title="at rest", rows=rows_at_rest(at_rest)),
    ]
    return Findings(arguments=arguments, tables=found, lost=lost)


async def count_units(stage: Stage, look: Look, arguments: Arguments) -> tuple[Figures, float]:
    """Return what an event uses of DynamoDB and SQS; and how many events were lost."""
    rate, seconds = arguments.rates[0], arguments.seconds
    async with metered_service(
        stage, look, tenants=arguments.tenants, workers=arguments.workers
    ) as (service, proxy):
        await warm_up(stage.driver, service, rate, seconds)
        with metering(service, proxy) as meters:
            load = await stage.driver.drive(service, rate, seconds)
    events = len(load.received_ns)
    counts = dict(sorted(meters.counts().items())) | {"stored, bytes": meters.stored()}
    return by_events(counts, events), len(load.sent.accepted) - events


async def measure_processors(stage: Stage, look: Look, arguments: Arguments) -> Figures:
    """Return the processor time of an event, beyond what a service takes that has nothing to do."""
    rate, seconds = arguments.rates[0], min(arguments.seconds, PROCESSOR_SECONDS_MAX)
    async with stage.service(look, tenants=arguments.tenants, workers=arguments.workers) as service:
        await warm_up(stage.driver, service, rate, seconds)
        before = processor_seconds(service.parts)
        await asyncio.sleep(IDLE_SECONDS)
        began, between = time.monotonic(), processor_seconds(service.parts)
        load = await stage.driver.drive(service, rate, seconds)
        idle_times = (time.monotonic() - began) / IDLE_SECONDS
        after = processor_seconds(service.parts)
    events = len(load.received_ns)
    return {
        f"processor, {part}, ms": 1000
        * (after[part] - between[part] - idle_times * (between[part] - before[part]))
        / events
        for part in service.parts
    }


async def count_at_rest(stage: Stage) -> Figures:
    """Return what a service without any event uses of DynamoDB and SQS in a second."""
    look = Look(receiver_url=stage.driver.receiver_url)
    async with metered_service(stage, look, tenants=1, workers=REST_WORKERS) as (service, proxy):
        await asyncio.sleep(IDLE_SECONDS)  # what is read and asked at the start
        with metering(service, proxy) as meters:
            await asyncio.sleep(REST_SECONDS)
    return {name: count / REST_SECONDS for name, count in meters.counts().items()}


@asynccontextmanager
async def metered_service(
    stage: Stage, look: Look, *, tenants: int, workers: int
) -> AsyncIterator[tuple[Service, FaultProxy]]:
    """Run a service with an emulator of its own, and a proxy between."""
    folder = Path(tempfile.mkdtemp(dir=stage.folder))
    with quiet_emulator(folder) as emulator:
        async with (
            run_fault_proxy(emulator.url) as proxy,
            open_service(
                proxy.url, folder / "service", look, tenants=tenants, workers=workers
            ) as service,
        ):
            yield service, proxy


@contextmanager
def metering(service: Service, proxy: FaultProxy) -> Iterator[Meters]:
    """Count what is called while open."""
    meters = Meters(
        writes=WriteMeter(service.name_prefix, name_of_write),
        reads=ReadMeter(service.name_prefix),
        requests=RequestMeter(),
    )
    with (
        proxy.laid("DynamoDB", meters.reads),
        proxy.laid("DynamoDB", meters.writes),
        proxy.laid("SQS", meters.requests),
    ):
        yield meters


def name_of_write(table: tables.Table, key: Item) -> str:
    """Return the table's name; of the counters, which are of several kinds, with the kind."""
    if table.name != keys.COUNTERS:
        return table.name
    return f"{table.name}, {key['pk']['S'].partition('#')[0]}"


def by_events(counts: Figures, events: int) -> Figures:
    """Return what an event uses of all that was counted: the sweeps come with the clock."""
    return {
        name: count / events
        for name, count in counts.items()
        if not name.endswith((SWEEP_LEASES, SWEEP_READS))
    }


def usage_of(figures: Figures) -> Usage:
    """Return what figures by name come to. What is stored is kept as long as events are."""

    def together(kind: str) -> float:
        return sum(figure for name, figure in figures.items() if name.startswith(f"{kind}, "))

    return Usage(
        write_units=together("write units"),
        read_units=together("read units"),
        requests=together("requests"),
        processor_seconds=together("processor") / 1000,
        byte_hours=together("stored") * Settings().retention_days * 24,
    )


def rows_at_rest(a_second: Figures) -> list[Row]:
    """Return what a month costs without any event, by what is used in a second."""
    month_seconds = HOURS_A_MONTH * 3600
    rows = [
        Row(
            name=name,
            figures={
                "a second": used,
                "millions a month": used * month_seconds / MILLION,
                "$ a month": sum(bill(usage_of({name: used}).times(month_seconds)).values()),
            },
        )
        for name, used in a_second.items()
    ]
    tasks = bill(Usage(task_hours=REST_TASKS * HOURS_A_MONTH))["Fargate"]
    name = f"{REST_TASKS} tasks, {TASK_VCPUS} vCPU and {TASK_GB} GB"
    rows.append(Row(name=name, figures={"$ a month": tasks}))
    balancer = BALANCER_HOUR * HOURS_A_MONTH
    rows.append(Row(name="a load balancer", figures={"$ a month": balancer}))
    total = sum(row.figures["$ a month"] for row in rows)
    return [*rows, Row(name="together", figures={"$ a month": total})]


def transposed(columns: Mapping[str, Figures]) -> list[Row]:
    """Return a row for each figure, with what it is in each column; 0 where there is none."""
    most = max(columns.values(), key=len)
    names = dict.fromkeys(name for figures in (most, *columns.values()) for name in figures)
    return [
        Row(
            name=name,
            figures={column: figures.get(name, 0) for column, figures in columns.items()},
        )
        for name in names
    ]
