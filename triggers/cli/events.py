"""`triggers events`: send events, and see what became of them."""

import os
import secrets
from typing import Any

import click
import msgspec

from triggers.cli.api import path_of
from triggers.cli.bulk import do_to_events
from triggers.cli.contents import open_content, read_content, read_pairs
from triggers.cli.context import Group, Session, pass_session
from triggers.cli.errors import CommandFailed
from triggers.cli.event_batches import send_lines
from triggers.cli.event_filters import PRIORITIES, query_of, takes_filters
from triggers.cli.event_views import EVENT_ATTEMPTS, EVENTS, show_event
from triggers.cli.event_watch import watch_event
from triggers.cli.ids import read_ids
from triggers.cli.lists import show_list, takes_limit

WAIT_SECONDS_MAX = 30
STATUSES = ("pending", "delivered", "failed", "acknowledged")


@click.group(cls=Group)
def events() -> None:
    """Send events, and see what became of them."""


@events.command(
    examples=(
        "triggers events send order.created -d '{\"order\": 1}'",
        "triggers events send order.created -d @order.json --idempotency-key order-1",
        "generate | triggers events send report.ready -d - --wait 10",
    )
)
@click.argument("event_type", metavar="TYPE")
@click.option("-d", "--data", required=True, help="The payload: JSON, @file, or - for stdin.")
@click.option("--source", help="Where the event comes from.")
@click.option("-m", "--metadata", multiple=True, metavar="NAME=TEXT", help="May be repeated.")
@click.option(
    "--priority",
    type=click.Choice(PRIORITIES),
    metavar="PRIORITY",
    help="low, normal or high; normal unless said.",
)
@click.option("--idempotency-key", metavar="KEY", help="Made when left out.")
@click.option(
    "--wait",
    type=click.IntRange(1, WAIT_SECONDS_MAX),
    metavar="SECONDS",
    help="Wait so long for every delivery; exit code 1 when one failed.",
)
@pass_session
def send(
    session: Session,
    *,
    event_type: str,
    data: str,
    source: str | None,
    metadata: tuple[str, ...],
    priority: str | None,
    idempotency_key: str | None,
    wait: int | None,
) -> None:
    """Send an event of a TYPE, such as order.created.

    It is sent with an idempotency key, so that it is tried again when no answer comes, and stored once.
    """
    pairs = read_pairs(metadata) | ({"priority": priority} if priority else {})
    body = _body(event_type, read_content(data), source, pairs)
    headers = {"idempotency-key": idempotency_key or f"cli-{secrets.token_hex(16)}"}
    if wait:
        headers["prefer"] = f"wait={wait}"
    answer = session.api.call("POST", path_of("events"), body, headers=headers)
    show_event(session.out, answer.body)
    if wait and answer.content["status"] == "failed":
        raise CommandFailed("not every delivery succeeded")


@events.command(
    examples=(
        "triggers events send-many events.jsonl",
        "zcat events.jsonl.gz | triggers events send-many -",
    )
)
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--run", metavar="NAME", help="Of an earlier run: what that has sent is stored once.")
@pass_session
def send_many(session: Session, *, file: str, run: str | None) -> None:
    """Send the events of a FILE, each a JSON document on a line of its own, as the API takes them.

    Such as {"event_type": "order.created", "payload": {"order": 1}}; - is stdin. They go a hundred in a call,
    each under an idempotency key made of the run and the line, unless its metadata has one. Lines that fail are
    told by their numbers; a run that breaks off tells its name, with which the whole file may be sent again.
    """
    with open_content(file) as lines:
        size = os.fstat(lines.fileno()).st_size if lines.seekable() else None
        send_lines(session, lines, size, run or f"cli-{secrets.token_hex(12)}")


@events.command(
    "list",
    examples=(
        "triggers events list --type 'order.*' --since 2h",
        "triggers events list --status failed --since 1d --all",
        "triggers events list --status failed --json | jq -r .event_id | triggers replay -",
    ),
)
@takes_filters
@click.option(
    "--status",
    type=click.Choice(STATUSES),
    metavar="STATUS",
    help="pending, delivered, failed or acknowledged.",
)
@click.option("--oldest-first", is_flag=True, help="Newest first, when left out.")
@click.option("--payload", is_flag=True, help="With --json: the payloads too.")
@takes_limit
@pass_session
def list_events(
    session: Session,
    /,
    *,
    oldest_first: bool,
    payload: bool,
    limit: int | None,
    **filters: Any,
) -> None:
    """List events, newest first: those of which all that is given holds."""
    query = dict(query_of(**filters))
    if oldest_first:
        query["order"] = "asc"
    if payload:
        query["include"] = "payload"
    show_list(
        session,
        path_of("events"),
        "events",
        EVENTS,
        query=query,
        limit=limit,
        empty="there are no such events",
    )


@events.command(
    examples=(
        "triggers events show evt_01KAN72XQV8YJ4T6Z0M3S5B7C9",
        "triggers events show evt_01KAN72XQV8YJ4T6Z0M3S5B7C9 --watch",
    )
)
@click.argument("event_id", metavar="ID")
@click.option(
    "--watch", is_flag=True, help="Show each attempt as it comes, until nothing is pending."
)
@pass_session
def show(session: Session, *, event_id: str, watch: bool) -> None:
    """Show an event with its payload, deliveries and replays.

    With --watch the exit code is 1 when it was not delivered to all that want it.
    """
    if watch:
        watch_event(session.api, session.out, event_id)
    else:
        show_event(session.out, session.api.get(path_of("events", event_id)).body)


@events.command(examples=("triggers events attempts evt_01KAN72XQV8YJ4T6Z0M3S5B7C9",))
@click.argument("event_id", metavar="ID")
@pass_session
def attempts(session: Session, *, event_id: str) -> None:
    """List all attempts to deliver an event, newest first: what each receiver answered."""
    found = session.api.whole(path_of("events", event_id, "attempts"), "attempts")
    session.out.table(found, EVENT_ATTEMPTS, empty="there was no attempt yet")


@events.command(
    examples=(
        "triggers events delete evt_01KAN72XQV8YJ4T6Z0M3S5B7C9",
        "triggers events list --source test --json | jq -r .event_id | triggers events delete --yes -",
    )
)
@click.argument("event_ids", metavar="ID…", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def delete(session: Session, *, event_ids: tuple[str, ...], yes: bool) -> None:
    """Delete events; what is still to be delivered of them is cancelled. `-` reads ids from stdin."""
    ids = read_ids(event_ids)
    session.out.confirm(f"Delete {len(ids)} event{'s' * (len(ids) > 1)} for good?", yes=yes)
    do_to_events(session, "DELETE", path_of("events", "bulk"), ids, done="deleted")


def _body(event_type: str, payload: bytes, source: str | None, metadata: dict[str, str]) -> bytes:
    """Return the event as the API takes it, its payload byte for byte as it was given."""
    if not payload.strip():
        raise click.UsageError("the payload is empty")
    try:
        msgspec.json.decode(payload)
    except msgspec.DecodeError as error:
        raise click.UsageError(f"the payload is not JSON: {error}") from None
    event = {"event_type": event_type, "payload": msgspec.Raw(payload), "metadata": metadata}
    if source is not None:
        event["source"] = source
    return msgspec.json.encode(event)
