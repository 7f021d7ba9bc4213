"""`python -m tests.bench NAME=value …`: what an event takes and costs, measured on real processes.

One or two producers and receivers, the service with the defaults of its settings, and the AWS emulator. The scenarios:
`rates`, what an event takes and costs at each rate; `costs`, in dollars of AWS; `isolation`, one tenant alone and beside bad neighbours;
`scaling`, the same load with more workers, events, tenants and webhooks; `soak`, memory over time; `profile`, where the
processor time goes.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.arguments import ArgumentError, Arguments, describe_arguments, read_arguments
from tests.bench.costs import measure_costs
from tests.bench.findings import Findings, tables_of
from tests.bench.isolation import measure_isolation
from tests.bench.profiles import measure_profile
from tests.bench.rates import measure_rates
from tests.bench.report import Report, read_report, tables, write_report
from tests.bench.scaling import measure_scaling
from tests.bench.soak import measure_soak
from tests.bench.spy import SpyError

SCENARIOS: dict[str, Callable[[Arguments], Coroutine[Any, Any, Report | Findings]]] = {
    "rates": measure_rates,
    "costs": measure_costs,
    "isolation": measure_isolation,
    "scaling": measure_scaling,
    "soak": measure_soak,
    "profile": measure_profile,
}


def main() -> int:
    """Measure as the command line says; 1 when events were lost or py-spy may not look, 2 for a wrong argument."""
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
        report = asyncio.run(SCENARIOS[arguments.scenario](arguments))
    except KeyboardInterrupt:
        return 130
    except SpyError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    text = tables(report, earlier) if isinstance(report, Report) else tables_of(report)
    sys.stdout.write(text + "\n")
    if arguments.out:
        write_report(report, Path(arguments.out))
    if report.lost:
        sys.stderr.write(f"bench: {report.lost:.0f} accepted events have not arrived in time\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
