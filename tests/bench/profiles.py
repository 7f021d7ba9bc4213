"""Where the processor time of `app` and `worker` goes: whose code runs, at which step, in which functions."""

import asyncio
import os
import time
from collections.abc import Mapping
from functools import partial
from itertools import chain, islice

from tests.bench.arguments import Arguments
from tests.bench.findings import Findings, Row, Table
from tests.bench.measures import Figures, processor_seconds
from tests.bench.runs import outcome_figures, warm_up
from tests.bench.seeds import Look
from tests.bench.spy import check_access, sample
from tests.bench.stacks import Stacks, function_of, shares
from tests.bench.stage import Stage, open_stage, say
from tests.bench.targets import Service
from tests.bench.ways import STEPS, area_of, step_of

LEAD_SECONDS = 1  # of the load, until it is looked at
ATTACHED_SECONDS = 3  # and after: it takes a while until py-spy begins
FUNCTIONS = 10


async def measure_profile(arguments: Arguments) -> Findings:
    """Look at both containers under a load. Raises SpyError, and TimeoutError when it takes far too long."""
    check_access(os.getpid())
    tenants, workers = arguments.tenants, arguments.workers
    async with open_stage(arguments, scenes=1) as stage:
        look = Look(receiver_url=stage.driver.receiver_url, webhooks=arguments.webhooks)
        async with stage.service(look, tenants=tenants, workers=workers) as service:
            return await _measure(stage, service, arguments)


async def _measure(stage: Stage, service: Service, arguments: Arguments) -> Findings:
    rate, seconds = arguments.rates[0], arguments.seconds
    await warm_up(stage.driver, service, rate, seconds)
    say(f"where the time goes, {seconds} seconds long")
    load_seconds = LEAD_SECONDS + seconds + ATTACHED_SECONDS
    loading = asyncio.create_task(stage.driver.drive(service, rate, load_seconds))
    try:
        await asyncio.sleep(LEAD_SECONDS)
        began, before = time.monotonic(), processor_seconds(service.parts)
        found = await sample(service.parts, stage.folder, seconds)
        took, now = time.monotonic() - began, processor_seconds(service.parts)
        outcome = outcome_figures(await loading)
    finally:
        loading.cancel()
    busy = {part: 100 * (now[part] - before[part]) / took for part in found}
    seen = table_of_samples(found, busy, outcome["accepted, events/s"])
    tables = [*tables_of_stacks(found), seen]
    return Findings(arguments=arguments, tables=tables, lost=outcome["lost, events"])


def table_of_samples(
    found: Mapping[str, Stacks], busy_percent: Figures, accepted_a_second: float
) -> Table:
    """Return what the shares rest on, and what each part had of one processor meanwhile."""
    rows = [
        Row(
            name=part,
            figures={
                "samples": stacks.total(),
                "busy, %": round(busy_percent[part], 1),
                "accepted, events/s": accepted_a_second,
            },
        )
        for part, stacks in found.items()
    ]
    return Table(title="what was seen", rows=rows)


def tables_of_stacks(found: Mapping[str, Stacks]) -> list[Table]:
    """Return the shares of areas, and for each part those of steps and functions."""
    areas = {part: shares(stacks, area_of) for part, stacks in found.items()}
    tables = [Table(title="whose code runs, self time", rows=_rows(areas))]
    for part, stacks in found.items():
        steps = shares(stacks, partial(step_of, tables=STEPS[part]))
        tables.append(Table(title=f"{part}, at which step", rows=_rows({part: steps})))
    for part, stacks in found.items():
        most = dict(islice(shares(stacks, function_of).items(), FUNCTIONS))
        tables.append(Table(title=f"{part}, most self time", rows=_rows({part: most})))
    return tables


def _rows(columns: Mapping[str, Figures]) -> list[Row]:
    """Return a row for each name that a column has, the largest first."""
    names = dict.fromkeys(chain(*columns.values()))
    return [
        Row(
            name=name,
            figures={f"{title}, %": column.get(name, 0) for title, column in columns.items()},
        )
        for name in sorted(
            names, key=lambda name: max(c.get(name, 0) for c in columns.values()), reverse=True
        )
    ]
