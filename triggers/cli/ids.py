"""Ids as a command is given them: as arguments, or a line each on the standard input."""

import sys
from collections.abc import Iterator
from itertools import islice

import click

IDS_MAX = 100_000


def read_ids(given: tuple[str, ...]) -> list[str]:
    """Return the ids; `-` stands for those on stdin, one a line. Raises click.UsageError."""
    if given != ("-",):
        return list(given)
    lines = (line.strip() for line in sys.stdin)
    ids = list(islice(filter(None, lines), IDS_MAX + 1))
    if not ids:
        raise click.UsageError("no ids came from stdin")
    if len(ids) > IDS_MAX:
        raise click.UsageError(f"more than {IDS_MAX} ids came from stdin")
    return ids


def in_batches(ids: list[str], size: int) -> Iterator[list[str]]:
    """Return them so many at a time."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
