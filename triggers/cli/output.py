"""What commands print: tables for people, JSON for scripts; answers on stdout, all else on stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from triggers.cli.errors import CommandFailed, Refused
from triggers.cli.printable import NOTHING, printable, shown

WIDTH_OF_FILES = 1000  # columns: what reads a pipe does not want its lines broken
COLOURS = {
    "active": "green",
    "cancelled": "red",
    "completed": "green",
    "delivered": "green",
    "acknowledged": "green",
    "disabled": "red",
    "failed": "red",
    "failing": "yellow",
    "held": "yellow",
    "ok": "green",
    "degraded": "yellow",
    "pending": "cyan",
    "running": "cyan",
    "unavailable": "red",
}

Row = Mapping[str, Any]
Column = tuple[str, str | Callable[[Row], object]]
"""A title, and the field that stands under it: its name, dots lead inside, or what makes its value."""


class Output:
    """Prints what a command has to tell. `as_json`: one JSON document a line, as the API wrote it."""

    def __init__(
        self, *, as_json: bool, out: IO[str] | None = None, err: IO[str] | None = None
    ) -> None:
        self.as_json = as_json
        self._out = _console(out or sys.stdout)
        self._err = _console(err or sys.stderr)

    def one(self, document: bytes, columns: Sequence[Column]) -> None:
        """Print one thing, a field a line; fields that hold nothing are left out."""
        if self.as_json:
            self.raw(document)
            return
        row, width = msgspec.json.decode(document), max(len(title) for title, _ in columns)
        for title, field in columns:
            cell = _cell(row, field)
            if cell.plain != NOTHING:
                self._print_line(Text.assemble((f"{title:<{width}}  ", "dim"), cell))

    def table(self, documents: Iterable[bytes], columns: Sequence[Column], *, empty: str) -> None:
        """Print things of a kind, one a line; `empty` says on stderr that there are none."""
        if self.as_json:
            for document in documents:
                self.raw(document)
            return
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for title, _ in columns:
            table.add_column(title, header_style="bold", no_wrap=not table.columns)
        for document in documents:
            row = msgspec.json.decode(document)
            table.add_row(*(_cell(row, field) for _, field in columns))
        if table.row_count:
            self._print(table)
        else:
            self.note(empty)

    def stream(
        self, columns: Sequence[Column], widths: Sequence[int]
    ) -> Callable[[bytes, Row], None]:
        """Begin a table without an end; call what is returned with each thing and its row.

        `widths`: of the columns but the last.
        """
        self.line(_spread([Text(title) for title, _ in columns], widths).plain, "bold")

        def show(document: bytes, row: Row) -> None:
            if self.as_json:
                self.raw(document)
            else:
                self._print_line(_spread([_cell(row, field) for _, field in columns], widths))

        return show

    def raw(self, document: bytes) -> None:
        """Print a document as it came, on a line; on a terminal without what could move its cursor."""
        line = _one_line(document)
        click.echo(_harmless(line) if self._out.is_terminal else line, file=self._out.file)

    def line(self, text: str, style: str = "") -> None:
        """Print a line for people on stdout; nothing for scripts, which have the document."""
        if not self.as_json:
            self._print_line(Text(printable(text), style=style))

    def heading(self, text: str) -> None:
        """Begin another part of the output for people."""
        self.line("")
        self.line(text, "bold")

    def note(self, text: str) -> None:
        """Say on stderr what is not part of the answer."""
        self._err.print(Text(printable(text), style="dim"))

    def failure(self, error: click.ClickException) -> None:
        """Say on stderr why a command failed; for scripts, the problem as it came."""
        if isinstance(error, Refused) and self.as_json:
            click.echo(_one_line(error.document), file=self._err.file)
            return
        self._err.print(Text.assemble(("Error: ", "bold red"), printable(error.message)))
        if isinstance(error, Refused):
            for line in error.lines():
                self._err.print(Text(line))

    def _print_line(self, line: Text) -> None:
        """Print it unbroken: a terminal breaks it as it likes, and what is copied is whole."""
        self._out.print(line, soft_wrap=True)

    def _print(self, table: Table) -> None:
        with self._out.capture() as printed:
            self._out.print(table)
        for line in printed.get().splitlines():
            click.echo(line.rstrip(), file=self._out.file)

    @contextmanager
    def progress(self, what: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
        """Show a bar on stderr, where that is a terminal; call what is yielded with how much is done."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        hidden = not self._err.is_terminal
        with Progress(*columns, console=self._err, disable=hidden, transient=True) as bars:
            task = bars.add_task(printable(what), total=total)
            yield lambda done: bars.update(task, completed=done)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before what cannot be taken back. Raises CommandFailed where nobody can be asked."""
        if yes:
            return
        self._require_somebody(question)
        click.confirm(printable(question), abort=True, err=True)

    def confirm_name(self, question: str, name: str) -> None:
        """Have a name typed before what is the end of much. Raises CommandFailed."""
        self._require_somebody(question)
        typed = click.prompt(printable(f"{question} Type its name, {name}"), err=True)
        if typed != name:
            raise CommandFailed("that is not its name; nothing was done")

    def _require_somebody(self, question: str) -> None:
        if not sys.stdin.isatty():
            raise CommandFailed(f"{question} Nobody can be asked here: say --yes.")


def _one_line(document: bytes) -> str:
    """Return a document without its line ends, which JSON has between its parts alone."""
    text = document.decode(errors="backslashreplace")
    return text.replace("\r", " ").replace("\n", " ")


def _harmless(line: str) -> str:
    r"""Return JSON with every character that is not printable as `\uXXXX`: the same document."""
    if line.isprintable():
        return line
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line)


def _console(file: IO[str]) -> Console:
    """Colours only on a terminal, and not where NO_COLOR is set; nothing in a text is markup."""
    width = None if file.isatty() else WIDTH_OF_FILES
    return Console(file=file, width=width, markup=False, highlight=False, emoji=False)


def _cell(row: Row, field: str | Callable[[Row], object]) -> Text:
    value = field(row) if callable(field) else _inside(row, field)
    text = shown(value).replace("\n", "\\n")  # a line of its own could pass for another field
    return Text(text, style=COLOURS.get(text, ""), overflow="fold")


def _spread(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    for cell, width in zip(cells, widths, strict=False):
        cell.pad_right(max(width - cell.cell_len, 0))
    return Text("  ").join(cells)


def _inside(row: Row, path: str) -> object:
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
