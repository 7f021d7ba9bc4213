"""Ids as a command is given them: as arguments, or a line each on the standard input."""

import sys
from collections.abc import Iterator

import click

IDS_MAX = 1_000_000


def read_ids(given: tuple[str, ...]) -> list[str]:
    """Return the ids; `-` stands for those on stdin, one a line. Raises click.UsageError."""
    if given != ("-",):
        return list(given)
    ids = [line.strip() for line in sys.stdin.readlines(IDS_MAX * 64) if line.strip()]
    if not ids:
        raise click.UsageError("no ids came from stdin")
    return ids


def in_batches(ids: list[str], size: int) -> Iterator[list[str]]:
    """Return them so many at a time."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
