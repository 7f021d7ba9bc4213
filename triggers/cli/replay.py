"""`triggers replay`: send events again."""

import click

from triggers.cli.api import path_of
from triggers.cli.bulk import tell_failure
from triggers.cli.context import Command, Session, pass_session
from triggers.cli.errors import CommandFailed, Refused
from triggers.cli.event_views import REPLAYS
from triggers.cli.event_watch import attempts_before, watch_event
from triggers.cli.ids import read_ids

STOPPING = frozenset({"unauthenticated", "forbidden", "signature_invalid"})


@click.command(
    cls=Command,
    examples=(
        "triggers replay evt_01KAN72XQV8YJ4T6Z0M3S5B7C9 --watch",
        "triggers replay evt_01KAN72XQV8YJ4T6Z0M3S5B7C9 --webhook wh_7Z0M3S5B7C9KAN72XQV8",
        "triggers events list --status failed --json | jq -r .event_id | triggers replay -",
    ),
)
@click.argument("event_ids", metavar="ID…", nargs=-1, required=True)
@click.option("--webhook", metavar="ID", help="To this one alone, whatever its filter.")
@click.option("--reason", metavar="TEXT", help="Why; kept with the event.")
@click.option("--workflow-id", metavar="TEXT", help="Your name for what it belongs to.")
@click.option("--watch", is_flag=True, help="Of one event: show each attempt as it comes.")
@pass_session
def replay(
    session: Session,
    *,
    event_ids: tuple[str, ...],
    webhook: str | None,
    reason: str | None,
    workflow_id: str | None,
    watch: bool,
) -> None:
    """Send events again, to every webhook that wants them. `-` reads ids from stdin, one a line.

    Receivers see the same webhook-id, and webhook-replay with the number of the replay, at most 10.
    """
    ids = read_ids(event_ids)
    if watch and len(ids) > 1:
        raise click.UsageError("--watch follows one event")
    given = {"webhook_id": webhook, "reason": reason, "workflow_id": workflow_id}
    body = {name: text for name, text in given.items() if text is not None}
    if len(ids) == 1:
        _replay_one(session, ids[0], body, watch=watch)
    else:
        _replay_all(session, ids, body)


def _replay_one(session: Session, event_id: str, body: dict[str, str], *, watch: bool) -> None:
    told = attempts_before(session.api, event_id) if watch else set()
    answer = session.api.call("POST", path_of("events", event_id, "replay"), body)
    if watch:
        watch_event(session.api, session.out, event_id, told)
    else:
        session.out.table([answer.body], REPLAYS, empty="")


def _replay_all(session: Session, ids: list[str], body: dict[str, str]) -> None:
    """Replay one after the other; what fails for one event does not stop the others."""
    failed = 0
    with session.out.progress("replaying", len(ids)) as done:
        for number, event_id in enumerate(ids, 1):
            try:
                answer = session.api.call("POST", path_of("events", event_id, "replay"), body)
            except Refused as error:
                if error.code in STOPPING:
                    raise
                failed += 1
                tell_failure(session.out, event_id, error.problem)
            else:
                if session.as_json:
                    session.out.raw(answer.body)
            done(number)
    summary = f"replayed: {len(ids) - failed} of {len(ids)}"
    if failed:
        raise CommandFailed(summary)
    session.out.note(summary)
