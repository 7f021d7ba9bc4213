"""`triggers events`: send events, and see what became of them."""

import secrets

import click
import msgspec

from triggers.cli.api import path_of
from triggers.cli.contents import read_content, read_pairs
from triggers.cli.context import Group, Session, pass_session
from triggers.cli.errors import CommandFailed
from triggers.cli.event_views import show_event

WAIT_SECONDS_MAX = 30


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
    type=click.Choice(["low", "normal", "high"]),
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
    answer = session.api.call("POST", "/v1/events", body, headers=headers)
    show_event(session.out, answer.body)
    if wait and answer.content["status"] == "failed":
        raise CommandFailed("not every delivery succeeded")


@events.command(examples=("triggers events show evt_01KAN72XQV8YJ4T6Z0M3S5B7C9",))
@click.argument("event_id", metavar="ID")
@pass_session
def show(session: Session, *, event_id: str) -> None:
    """Show an event with its payload, deliveries and replays."""
    answer = session.api.get(path_of("events", event_id))
    show_event(session.out, answer.body)


def _body(event_type: str, payload: bytes, source: str | None, metadata: dict[str, str]) -> bytes:
    """Return the event as the API takes it, its payload byte for byte as it was given."""
    try:
        msgspec.json.decode(payload)
    except msgspec.DecodeError as error:
        raise click.UsageError(f"the payload is not JSON: {error}") from None
    event = {"event_type": event_type, "payload": msgspec.Raw(payload), "metadata": metadata}
    if source is not None:
        event["source"] = source
    return msgspec.json.encode(event)
