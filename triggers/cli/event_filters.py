"""Which events are meant: the filters that the lists of events and of the inbox share."""

from collections.abc import Callable
from typing import Any

import click

from triggers.cli.api import Query
from triggers.cli.contents import read_pairs
from triggers.cli.context import with_options
from triggers.cli.moments import Moment

PRIORITIES = ("low", "normal", "high")
_OPTIONS = (
    click.option(
        "--type",
        "event_type",
        multiple=True,
        metavar="TYPE",
        help="order.created, or 'order.*' for all below it; may be repeated.",
    ),
    click.option("--source", metavar="TEXT", help="Where the events come from."),
    click.option(
        "--since", "created_after", type=Moment(), metavar="MOMENT", help="2h (ago), or RFC 3339."
    ),
    click.option(
        "--until", "created_before", type=Moment(), metavar="MOMENT", help="10m (ago), or RFC 3339."
    ),
    click.option(
        "--priority",
        type=click.Choice(PRIORITIES),
        metavar="PRIORITY",
        help="low, normal or high.",
    ),
    click.option(
        "-m", "--metadata", multiple=True, metavar="NAME=TEXT", help="All that are given must hold."
    ),
)


def takes_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filters; it takes them as keywords for `query_of`."""
    return with_options(command, _OPTIONS)


def query_of(*, metadata: tuple[str, ...], **given: Any) -> Query:
    """Return the query of the filters that were given. Raises click.UsageError."""
    query = {name: list(v) if isinstance(v, tuple) else v for name, v in given.items() if v}
    return query | {f"metadata.{name}": text for name, text in read_pairs(metadata).items()}
