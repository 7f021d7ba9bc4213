"""`triggers health`."""

import click
import msgspec

from triggers.cli.context import Command, Session, pass_session
from triggers.cli.errors import CommandFailed
from triggers.cli.output import Column

SERVICE: tuple[Column, ...] = (
    ("Status", "status"),
    ("Version", "version"),
    ("Up", lambda row: f"{row['uptime_seconds']:.0f} s"),
)
DEPENDENCY: tuple[Column, ...] = (
    ("DEPENDENCY", "name"),
    ("STATUS", "status"),
    ("MS", "milliseconds"),
)


@click.command(cls=Command, examples=("triggers health", "triggers health --json"))
@pass_session
def health(session: Session) -> None:
    """Show how the service is, and what it depends on. No key is needed.

    Exit code 1 when it is not able to take events.
    """
    answer = session.api.call("GET", "/health", also=frozenset({503}))
    session.out.one(answer.body, SERVICE)
    if not session.as_json:
        rows = [{"name": name} | one for name, one in answer.content["dependencies"].items()]
        session.out.heading("Dependencies")
        session.out.table(map(msgspec.json.encode, rows), DEPENDENCY, empty="none")
    if answer.status != 200:
        raise CommandFailed("the service takes no events now")
