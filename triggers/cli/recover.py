"""`triggers recover`: redeliver what a webhook has missed."""

import click

from triggers.cli.api import path_of
from triggers.cli.context import Command, Session, pass_session
from triggers.cli.jobs import follow_job, show_job
from triggers.cli.moments import Moment


@click.command(
    cls=Command,
    examples=(
        "triggers recover wh_7Z0M3S5B7C9KAN72XQV8 --since 2h",
        "triggers recover wh_7Z0M3S5B7C9KAN72XQV8 --since 2026-11-21T00:00:00Z --until 1d",
    ),
)
@click.argument("webhook_id", metavar="WEBHOOK")
@click.option(
    "--since", type=Moment(), required=True, metavar="MOMENT", help="2h (ago), or RFC 3339."
)
@click.option("--until", type=Moment(), metavar="MOMENT", help="Now, when left out.")
@click.option("--no-wait", is_flag=True, help="Start the job, and do not follow it.")
@pass_session
def recover(
    session: Session, *, webhook_id: str, since: str, until: str | None, no_wait: bool
) -> None:
    """Redeliver to a WEBHOOK what failed or was held, of the events accepted in a span of time.

    A job of the service does it, one at a time for a webhook; Ctrl-C stops following it, not the job.
    """
    body = {"since": since} | ({"until": until} if until else {})
    answer = session.api.call("POST", path_of("webhooks", webhook_id, "recover"), body)
    show_job(session, answer if no_wait else follow_job(session, answer))
