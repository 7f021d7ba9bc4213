"""`triggers inbox`: what waits to be pulled."""

from typing import Any

import click

from triggers.cli.api import path_of
from triggers.cli.bulk import do_to_events
from triggers.cli.context import Group, Session, pass_session
from triggers.cli.event_filters import query_of, takes_filters
from triggers.cli.event_views import EVENTS
from triggers.cli.ids import read_ids
from triggers.cli.lists import show_list, takes_limit


@click.group(cls=Group)
def inbox() -> None:
    """See what no webhook has taken yet, and acknowledge what was worked on."""


@inbox.command(
    "list",
    examples=(
        "triggers inbox list",
        "triggers inbox list --type 'report.*' --all --json | jq .payload",
    ),
)
@takes_filters
@takes_limit
@pass_session
def list_inbox(session: Session, /, *, limit: int | None, **filters: Any) -> None:
    """List what is neither delivered nor acknowledged, oldest first. With --json payloads are shown."""
    show_list(
        session,
        path_of("inbox"),
        "events",
        EVENTS,
        query=query_of(**filters),
        limit=limit,
        empty="the inbox is empty",
    )


@inbox.command(
    examples=(
        "triggers inbox ack evt_01KAN72XQV8YJ4T6Z0M3S5B7C9",
        "triggers inbox list --type test --all --json | jq -r .event_id | triggers inbox ack -",
    )
)
@click.argument("event_ids", metavar="ID…", nargs=-1, required=True)
@pass_session
def ack(session: Session, *, event_ids: tuple[str, ...]) -> None:
    """Acknowledge events: they leave the inbox, and are delivered no more. `-` reads ids from stdin.

    The exit code is 1 when any was not acknowledged by this call, such as one that was before.
    """
    ids = read_ids(event_ids)
    do_to_events(session, "POST", path_of("events", "bulk", "ack"), ids, done="acknowledged")
