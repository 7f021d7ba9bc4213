"""`python -m tests.bench NAME=value …`: what an event takes and costs, measured on real processes.

One producer, one receiver, the service with the defaults of its settings, and the AWS emulator. First comes the
floor, the same HTTP in and out by bare Litestar and bare aiohttp; then the service; then, in runs of their own,
the calls of AWS, counted by a proxy. At `max` the loop is closed: the same number of requests is always in the
air, and the throughput is that of all that was accepted, until the last of it has arrived.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from tests.bench.arguments import (
    SATURATION,
    ArgumentError,
    Arguments,
    describe_arguments,
    read_arguments,
)
from tests.bench.emulation import measure_emulator
from tests.bench.loads import Driver, open_driver
from tests.bench.measures import Figures
from tests.bench.report import Report, Run, read_report, tables, write_report
from tests.bench.runs import count, measure, meter, rest
from tests.bench.targets import open_floor, open_service
from tests.emulator import Emulator, run_emulator
from tests.fault_proxy import run_fault_proxy

# The deadline of it all: for the starts, and for each rate beside and with what its loads and their drains take.
START_SECONDS, RATE_SECONDS, LOAD_TIMES = 120, 240, 15


async def bench(arguments: Arguments) -> Report:
    """Carry out all runs. Raises TimeoutError when they take far too long."""
    a_rate = RATE_SECONDS + LOAD_TIMES * arguments.seconds
    async with AsyncExitStack() as stack:
        deadline = asyncio.timeout(START_SECONDS + len(arguments.rates) * a_rate)
        await stack.enter_async_context(deadline)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        emulator = stack.enter_context(run_emulator(folder))
        driver = await stack.enter_async_context(open_driver(folder, arguments))
        still = await measure_emulator(emulator.url)
        floor = await run_floor(driver, folder / "floor", arguments)
        at_rest, found = await run_service(driver, emulator, folder / "service", arguments)
        counted = await run_counts(driver, emulator, folder / "counted", arguments)
    return Report(
        arguments=arguments,
        processors=os.cpu_count(),
        python=platform.python_version(),
        still=still | at_rest,
        runs=[
            Run(rate=name, figures=figures | counted[name], floor=floor[name])
            for name, figures in found.items()
        ],
    )


async def run_floor(driver: Driver, folder: Path, arguments: Arguments) -> dict[str, Figures]:
    """Measure the floor at each rate."""
    found = {}
    async with open_floor(folder, driver.receiver_url, arguments) as target:
        for rate in arguments.rates:
            say(f"the floor at {name_of(rate)}")
            found[name_of(rate)] = await measure(driver, target, {}, rate, arguments.seconds)
    return found


async def run_service(
    driver: Driver, emulator: Emulator, folder: Path, arguments: Arguments
) -> tuple[Figures, dict[str, Figures]]:
    """Measure the service at rest and at each rate."""
    found = {}
    beside = {"emulator": emulator.process} if emulator.process else {}
    async with open_service(emulator.url, folder, driver.receiver_url, arguments) as target:
        at_rest = await rest(target, arguments.seconds)
        for rate in arguments.rates:
            say(f"the service at {name_of(rate)}")
            found[name_of(rate)] = await measure(driver, target, beside, rate, arguments.seconds)
    return at_rest, found


async def run_counts(
    driver: Driver, emulator: Emulator, folder: Path, arguments: Arguments
) -> dict[str, Figures]:
    """Count calls and write units at each rate, with a service of its own behind a proxy."""
    found = {}
    async with (
        run_fault_proxy(emulator.url) as proxy,
        open_service(proxy.url, folder, driver.receiver_url, arguments) as target,
    ):
        units = await meter(driver, target, proxy)
        for rate in arguments.rates:
            say(f"the calls at {name_of(rate)}")
            found[name_of(rate)] = await count(driver, target, proxy, rate, arguments.seconds)
    return {name: figures | units for name, figures in found.items()}


def name_of(rate: int | None) -> str:
    """Return a rate as it is written."""
    return SATURATION if rate is None else str(rate)


def say(what: str) -> None:
    """Tell on standard error what is being measured."""
    sys.stderr.write(f"measuring {what}\n")


def main() -> int:
    """Measure as the command line says; 1 when events were lost, 2 for a wrong argument."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=f"{__doc__}\narguments:\n{describe_arguments()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("arguments", nargs="*", metavar="NAME=value")
    try:
        arguments = read_arguments(parser.parse_args().arguments)
        earlier = read_report(Path(arguments.compare)) if arguments.compare else None
        if arguments.out:
            Path(arguments.out).touch()  # better now than after minutes
    except (ArgumentError, OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 2
    try:
        report = asyncio.run(bench(arguments))
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(tables(report, earlier) + "\n")
    if arguments.out:
        write_report(report, Path(arguments.out))
    if lost := sum(run.figures["lost, events"] for run in report.runs):
        sys.stderr.write(f"bench: {lost:.0f} accepted events have not arrived in time\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
