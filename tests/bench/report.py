"""What a run of the bench found: as tables for people, as JSON for the next run to compare itself with."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.bench.arguments import Arguments
from tests.bench.emulation import ROUND_TRIP
from tests.bench.measures import Figures

LATENCIES = ("accept p", "accept to received p", "sent to received p")  # told in round trips too
FLOORED = ("accept p", "sent to received p", "delivered", "processor")  # told in times of the floor
COLUMNS = ("value", "round trips", "floor", "× floor", "earlier", "× earlier")
WIDTH = 44


class Run(Struct, frozen=True, kw_only=True):
    """The figures at one rate, of the service and of the floor."""

    rate: str
    figures: Figures
    floor: Figures = {}


class Conditions(Struct, frozen=True, kw_only=True):
    """Under what conditions something was found."""

    arguments: Arguments
    processors: int | None = msgspec.field(default_factory=os.cpu_count)
    python: str = msgspec.field(default_factory=platform.python_version)

    def __str__(self) -> str:
        values = msgspec.to_builtins(self.arguments)
        given = " ".join(f"{n}={v}" for n, v in values.items() if n not in ("OUT", "COMPARE"))
        return f"{given}, {self.processors} processors, Python {self.python}"


class Report(Conditions, frozen=True, kw_only=True):
    """All that was found at the rates. `still` are figures without a load: of the emulator, and at rest."""

    still: Figures
    runs: list[Run]

    @property
    def lost(self) -> float:
        """How many accepted events have not arrived."""
        return sum(run.figures["lost, events"] for run in self.runs)


def write_report(report: Conditions, path: Path) -> None:
    """Write a report as JSON. Raises OSError."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


def read_report(path: Path) -> Report:
    """Read an earlier report. Raises OSError, or msgspec.ValidationError for what is none."""
    return msgspec.json.decode(path.read_bytes(), type=Report)


def tables(report: Report, earlier: Report | None = None) -> str:
    """Return a table of what was found without a load, and one for each rate.

    Besides each value stands what it is in writes of the emulator, in times of the floor, and of an earlier run.
    """
    before = {run.rate: run.figures for run in earlier.runs} if earlier else {}
    still = Run(rate="", figures=report.still)
    lines = [str(report)]
    if earlier and str(earlier) != str(report):
        lines += [f"the earlier run had other conditions: {earlier}"]
    lines += ["", *_table("without a load", still, None, earlier.still if earlier else {})]
    round_trip = report.still.get(ROUND_TRIP)
    for run in report.runs:
        title = f"{run.rate} events a second" if run.rate.isdigit() else "as many as go through"
        lines += ["", *_table(title, run, round_trip, before.get(run.rate, {}))]
    return "\n".join(lines)


def _table(title: str, run: Run, round_trip: float | None, earlier: Figures) -> Iterator[str]:
    rows = [(name, _cells(name, run, round_trip, earlier)) for name in run.figures]
    shown = [n for n in range(len(COLUMNS)) if any(cells[n] for _, cells in rows)]
    yield title.ljust(WIDTH) + "".join(f"{COLUMNS[n]:>13}" for n in shown)
    for name, cells in rows:
        yield (f"  {name}".ljust(WIDTH) + "".join(f"{cells[n]:>13}" for n in shown)).rstrip()


def _cells(name: str, run: Run, round_trip: float | None, earlier: Figures) -> list[str]:
    """Return a row's cells, one for each column; empty: there is nothing to say."""
    value, floor, before = run.figures[name], run.floor.get(name), earlier.get(name)
    trips = value / round_trip if round_trip and name.startswith(LATENCIES) else None
    return [
        number(value),
        number(trips),
        number(floor),
        number(value / floor if floor and name.startswith(FLOORED) else None),
        number(before),
        number(value / before if before else None),
    ]


def number(value: float | None) -> str:
    """Write a figure with three digits; None: nothing."""
    if value is None:
        return ""
    return f"{value:.0f}" if value % 1 == 0 or abs(value) >= 1000 else f"{value:.3g}"
