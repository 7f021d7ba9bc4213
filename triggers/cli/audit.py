"""`triggers audit`."""

import click

from triggers.cli.api import path_of
from triggers.cli.context import Command, Session, pass_session
from triggers.cli.lists import show_list, takes_limit
from triggers.cli.moments import Moment
from triggers.cli.output import Column

ENTRIES: tuple[Column, ...] = (
    ("AT", "at"),
    ("ACTION", "action"),
    ("SUBJECT", "subject"),
    ("FIELDS", "fields"),
    ("BY", "actor"),
)


@click.command(
    cls=Command,
    examples=(
        "triggers audit",
        "triggers audit --since 7d --action key.created --all",
        "triggers audit --subject wh_7Z0M3S5B7C9KAN72XQV8 --json",
    ),
)
@click.option("--action", metavar="ACTION", help="One alone, such as webhook.updated.")
@click.option("--subject", metavar="ID", help="What was done to one key or webhook alone.")
@click.option("--since", type=Moment(), metavar="WHEN", help="From then on: 2h (ago), or RFC 3339.")
@click.option("--until", type=Moment(), metavar="WHEN", help="Before then: 2h (ago), or RFC 3339.")
@takes_limit
@pass_session
def audit(
    session: Session,
    *,
    action: str | None,
    subject: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
) -> None:
    """List the changes of keys, webhooks and the tenant, newest first: who did what, and when."""
    wanted = {"action": action, "subject": subject, "since": since, "until": until}
    query = {name: text for name, text in wanted.items() if text is not None}
    show_list(
        session,
        path_of("audit"),
        "entries",
        ENTRIES,
        query=query,
        limit=limit,
        empty="there are no such changes",
    )
