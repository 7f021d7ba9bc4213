"""Lists: how many things are wanted, and how they are read and shown."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import click

from triggers.cli.api import Query
from triggers.cli.context import Session
from triggers.cli.output import Column

LIMIT_DEFAULT = 50


def takes_limit(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--limit` and `--all`; it takes both as `limit`, where None is all."""

    @click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=LIMIT_DEFAULT,
        show_default=True,
        metavar="N",
        help="At most so many.",
    )
    @click.option("--all", "every", is_flag=True, help="All there are.")
    @wraps(command)
    def limited(*args: Any, limit: int, every: bool, **kwargs: Any) -> None:
        command(*args, limit=None if every else limit, **kwargs)

    return limited


def show_list(
    session: Session,
    path: str,
    name: str,
    columns: Sequence[Column],
    *,
    limit: int | None,
    empty: str,
    query: Query | None = None,
) -> None:
    """Print the list that stands under `name` in the answers of `path`; `empty` says there is none.

    Scripts get each page as it comes; for people, a bar shows how far the reading is.
    """
    documents = _documents(session, path, name, query or {}, limit)
    session.out.table(documents, columns, empty=empty)


def _documents(
    session: Session, path: str, name: str, query: Query, limit: int | None
) -> Iterator[bytes]:
    pages = session.api.pages(path, name, query, limit)
    if session.as_json:
        for page in pages:
            yield from page
        return
    read: list[bytes] = []
    with session.out.progress(name, limit) as done:
        for page in pages:
            read += page
            done(len(read))
    yield from read
