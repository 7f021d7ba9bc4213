"""How cost and throughput change with the number of workers, stored events, tenants and webhooks.

Each condition has a service of its own and is measured at what is its limit; what is compared stands in one table.
"""

from dataclasses import dataclass, replace

from tests.bench.arguments import Arguments
from tests.bench.findings import Findings, Row, Table, with_ratios
from tests.bench.measures import Figures
from tests.bench.runs import measure
from tests.bench.seeds import Look
from tests.bench.slices import sliced
from tests.bench.stage import Stage, open_stage, say

SENDS_A_SECOND = 2000  # so many deliveries at most for each second: all must arrive in time
# With an eighth of a processor a worker cannot follow this rate, nor can two; and the emulator can.
WORKER_SLICES, SLICED_RATE = 8, 250
SLICED_SECONDS_MAX = 5  # all that waits then waits in the workers, and no hint becomes too old
# Where the emulator gets slower with what is compared: fewer events a second cost more each, so at one rate.
SAME_RATE = 250
VISITS, KNOWN_SECONDS_MAX = 2, 30  # of every tenant, before
RATIOS = {"× both": "both, ms/event", "× delivered": "delivered/s"}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What there is of everything. `stored` are events of earlier days.

    Workers get one of `slices` slices of a processor each; `rate` is of events a second, None: as
    many as go through.
    """

    name: str
    workers: int = 1
    slices: int = 1
    rate: int | None = None
    stored: int = 0
    tenants: int = 10
    webhooks: int = 1


def conditions(arguments: Arguments) -> dict[str, list[Condition]]:
    """Return the conditions by what they are about."""
    return {
        # So little of a processor and so many sends an event that workers are the limit, not the emulator.
        "workers, each an eighth of a processor, 10 webhooks": [
            Condition(
                name=str(number),
                workers=number,
                slices=WORKER_SLICES,
                rate=SLICED_RATE,
                webhooks=10,
            )
            for number in (1, 2)
        ],
        f"stored events, {SAME_RATE} events/s": [
            Condition(name=str(number), stored=number, rate=SAME_RATE)
            for number in (10, arguments.stored)
        ],
        "tenants": [Condition(name=str(number), tenants=number) for number in (1, 1000)],
        f"tenants, {SAME_RATE} events/s": [
            Condition(name=str(number), tenants=number, rate=SAME_RATE) for number in (1, 1000)
        ],
        "webhooks of an event": [
            Condition(name=str(number), webhooks=number) for number in (1, 5, 20)
        ],
    }


async def measure_scaling(arguments: Arguments) -> Findings:
    """Measure under each condition. Raises TimeoutError when it takes far too long."""
    tables, lost = [], 0.0
    wanted = conditions(arguments)
    async with open_stage(arguments, scenes=sum(map(len, wanted.values()))) as stage:
        for title, row in wanted.items():
            found = []
            for condition in row:
                say(f"{title}: {condition.name}")
                figures = await measure_condition(stage, condition, arguments.seconds)
                lost += figures["lost, events"]
                found.append(row_of(condition, figures))
            tables.append(Table(title=title, rows=with_ratios(found, RATIOS)))
    return Findings(arguments=arguments, tables=tables, lost=lost)


async def measure_condition(stage: Stage, condition: Condition, seconds: int) -> Figures:
    """Measure under one condition."""
    look = Look(receiver_url=stage.driver.receiver_url, webhooks=condition.webhooks)
    events_max = min(stage.driver.events_max, SENDS_A_SECOND * seconds) // condition.webhooks
    driver = replace(stage.driver, events_max=events_max)
    async with stage.service(look, tenants=condition.tenants, workers=condition.workers) as service:
        await service.seeds.store_delivered(service.tenants, condition.stored)
        # Every tenant is known before, and has leased its calls: that it comes for the first time is
        # no matter of how many there are.
        known = replace(stage.driver, events_max=VISITS * condition.tenants)
        await known.drive(service, None, KNOWN_SECONDS_MAX)
        if condition.slices > 1:
            seconds = min(seconds, SLICED_SECONDS_MAX)
        async with sliced(service.parts["worker"], condition.slices):
            return await measure(driver, service, condition.rate, seconds)


def row_of(condition: Condition, figures: Figures) -> Row:
    """Return what is shown of all that was measured."""
    parts = ("app", "worker", "both")
    delivered = figures["delivered, events/s"]
    return Row(
        name=condition.name,
        figures={
            **{f"{part}, ms/event": figures[f"processor, {part}, ms/event"] for part in parts},
            "delivered/s": delivered,
            "sends/s": delivered * condition.webhooks,
            **{
                f"{name}, %": figures[f"busy, {name}, %"]
                for name in ("app", "worker", "emulator", "others")
            },
        },
    )
