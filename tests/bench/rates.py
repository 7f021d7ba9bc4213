"""What an event takes and costs at each rate: by the floor, by the service, and in calls of AWS.

First comes the floor, the same HTTP in and out by bare Litestar and bare aiohttp; then the service; then, in runs
of their own, the calls of AWS, counted by a proxy. At `max` the loop is closed: the same number of requests is always in the
air, and the throughput is that of all that was accepted, until the last of it has arrived.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from tests.bench.arguments import SATURATION, Arguments
from tests.bench.emulation import measure_emulator, quiet_emulator
from tests.bench.loads import Driver, open_driver
from tests.bench.measures import Figures
from tests.bench.report import Report, Run
from tests.bench.runs import count, measure, meter, rest
from tests.bench.seeds import Look
from tests.bench.stage import say
from tests.bench.targets import open_floor, open_service
from tests.emulator import Emulator
from tests.fault_proxy import run_fault_proxy

# The deadline of it all: for the starts, and for each rate beside and with what its loads and their drains take.
START_SECONDS, RATE_SECONDS, LOAD_TIMES = 120, 240, 15


async def measure_rates(arguments: Arguments) -> Report:
    """Carry out all runs. Raises TimeoutError when they take far too long."""
    a_rate = RATE_SECONDS + LOAD_TIMES * arguments.seconds
    async with AsyncExitStack() as stack:
        deadline = asyncio.timeout(START_SECONDS + len(arguments.rates) * a_rate)
        await stack.enter_async_context(deadline)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        emulator = stack.enter_context(quiet_emulator(folder))
        opening = open_driver(
            folder / "driver", payload_bytes=arguments.payload, events_max=arguments.events_max
        )
        driver = await stack.enter_async_context(opening)
        still = await measure_emulator(emulator.url)
        floor = await run_floor(driver, folder / "floor", arguments)
        at_rest, found = await run_service(driver, emulator, folder / "service", arguments)
        counted = await run_counts(driver, emulator, folder / "counted", arguments)
    return Report(
        arguments=arguments,
        still=still | at_rest,
        runs=[
            Run(rate=name, figures=figures | counted[name], floor=floor[name])
            for name, figures in found.items()
        ],
    )


async def run_floor(driver: Driver, folder: Path, arguments: Arguments) -> dict[str, Figures]:
    """Measure the floor at each rate."""
    found = {}
    async with open_floor(folder, look_of(driver, arguments)) as target:
        for rate in arguments.rates:
            say(f"the floor at {name_of(rate)}")
            found[name_of(rate)] = await measure(driver, target, rate, arguments.seconds)
    return found


async def run_service(
    driver: Driver, emulator: Emulator, folder: Path, arguments: Arguments
) -> tuple[Figures, dict[str, Figures]]:
    """Measure the service at rest and at each rate."""
    found = {}
    look, workers = look_of(driver, arguments), arguments.workers
    async with open_service(
        emulator.url, folder, look, tenants=arguments.tenants, workers=workers
    ) as service:
        at_rest = {"app ready after, s": service.ready_seconds}
        at_rest |= await rest(service, arguments.seconds)
        beside = {"emulator": emulator.process} if emulator.process else {}
        target = replace(service, beside=beside)
        for rate in arguments.rates:
            say(f"the service at {name_of(rate)}")
            found[name_of(rate)] = await measure(driver, target, rate, arguments.seconds)
    return at_rest, found


async def run_counts(
    driver: Driver, emulator: Emulator, folder: Path, arguments: Arguments
) -> dict[str, Figures]:
    """Count calls and write units at each rate, with a service of its own behind a proxy."""
    found = {}
    look, workers = look_of(driver, arguments), arguments.workers
    async with (
        run_fault_proxy(emulator.url) as proxy,
        open_service(proxy.url, folder, look, tenants=arguments.tenants, workers=workers) as target,
    ):
        units = await meter(driver, target, proxy)
        for rate in arguments.rates:
            say(f"the calls at {name_of(rate)}")
            found[name_of(rate)] = await count(driver, target, proxy, rate, arguments.seconds)
    return {name: figures | units for name, figures in found.items()}


def look_of(driver: Driver, arguments: Arguments) -> Look:
    """Return what the tenants look like."""
    return Look(receiver_url=driver.receiver_url, webhooks=arguments.webhooks)


def name_of(rate: int | None) -> str:
    """Return a rate as it is written."""
    return SATURATION if rate is None else str(rate)
