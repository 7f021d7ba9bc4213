"""`triggers jobs`, and how a job is followed to its end."""

import time

import click

from triggers.cli.api import Answer, path_of
from triggers.cli.context import Group, Session, pass_session
from triggers.cli.errors import CommandFailed
from triggers.cli.output import Column

POLL_SECONDS = 0.5
JOB: tuple[Column, ...] = (
    ("Job", "job_id"),
    ("Kind", "kind"),
    ("Webhook", "webhook_id"),
    ("Status", "status"),
    ("Progress", lambda job: f"{job['progress']:.0%}"),
    ("Looked at", "examined"),
    ("Recovered", "recovered"),
    ("Left alone", "skipped"),
    ("From", "since"),
    ("Until", "until"),
    ("Started", "created_at"),
    ("Ended", "completed_at"),
    ("Reason", "reason"),
)


@click.group(cls=Group)
def jobs() -> None:
    """See how far a recovery has come."""


@jobs.command(
    examples=(
        "triggers jobs show job_7Z0M3S5B7C9KAN72XQV8",
        "triggers jobs show job_7Z0M3S5B7C9KAN72XQV8 --watch",
    )
)
@click.argument("job_id", metavar="ID")
@click.option("--watch", is_flag=True, help="Follow it to its end; exit code 1 if it is cancelled.")
@pass_session
def show(session: Session, *, job_id: str, watch: bool) -> None:
    """Show a job: the redelivery of what failed or was held for a webhook."""
    answer = session.api.get(path_of("jobs", job_id))
    show_job(session, follow_job(session, answer) if watch else answer)


def follow_job(session: Session, answer: Answer) -> Answer:
    """Show how far a job is until it has ended; Ctrl-C stops the looking, not the job."""
    job_id = answer.content["job_id"]
    try:
        with session.out.progress("recovering", 1.0) as done:
            while answer.content["status"] == "running":
                done(answer.content["progress"])
                time.sleep(POLL_SECONDS)
                answer = session.api.get(path_of("jobs", job_id))
    except KeyboardInterrupt:
        session.out.note(f"the job goes on; to follow it: triggers jobs show {job_id} --watch")
        raise click.exceptions.Exit(1) from None
    return answer


def show_job(session: Session, answer: Answer) -> None:
    """Print a job. Raises CommandFailed for one that was cancelled."""
    session.out.one(answer.body, JOB)
    if answer.content["status"] == "cancelled":
        raise CommandFailed(f"the job was cancelled: {answer.content['reason']}")
