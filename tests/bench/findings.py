"""What a scenario found: tables with a row for each condition, for people and as JSON."""

from collections.abc import Iterator

from msgspec import Struct

from tests.bench.measures import Figures
from tests.bench.report import Conditions, number

NAME_WIDTH, COLUMN_WIDTH = 34, 9


class Row(Struct, frozen=True, kw_only=True):
    """The figures under one condition; `note` says what they come to."""

    name: str
    figures: Figures
    note: str = ""


class Table(Struct, frozen=True, kw_only=True):
    """Rows that are to be compared."""

    title: str
    rows: list[Row]


class Findings(Conditions, frozen=True, kw_only=True):
    """All that a scenario found. `lost` are accepted events that have not arrived."""

    tables: list[Table]
    lost: float


def tables_of(findings: Findings) -> str:
    """Return the tables as text."""
    lines = [str(findings)]
    for table in findings.tables:
        lines += ["", *_lines(table)]
    return "\n".join(lines)


def with_ratios(rows: list[Row], names: dict[str, str]) -> list[Row]:
    """Return rows that also say how often each has what the first one has: by new names, from which figure."""
    first = rows[0].figures
    return [
        Row(
            name=row.name,
            note=row.note,
            figures=row.figures
            | {new: row.figures[name] / first[name] for new, name in names.items()},
        )
        for row in rows
    ]


def _lines(table: Table) -> Iterator[str]:
    columns = list(dict.fromkeys(name for row in table.rows for name in row.figures))
    widths = [max(COLUMN_WIDTH, len(name)) + 2 for name in columns]
    width = max([NAME_WIDTH, *(len(row.name) + 4 for row in table.rows)])
    yield table.title.ljust(width) + _cells(columns, widths)
    for row in table.rows:
        texts = [number(row.figures.get(name)) for name in columns]
        yield f"  {row.name}".ljust(width) + _cells([*texts, row.note], [*widths, 0]).rstrip()


def _cells(texts: list[str], widths: list[int]) -> str:
    return "".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))
