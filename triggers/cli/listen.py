"""`triggers listen`: shows what arrives, or passes it on to a receiver of one's own."""

import os
import secrets

import click

from triggers.cli.api import path_of
from triggers.cli.arrivals import EVENTS, Arrivals
from triggers.cli.contents import read_secret
from triggers.cli.context import Command, Session, pass_session
from triggers.cli.forwarding import Forwarder
from triggers.cli.interruption import Interruption
from triggers.cli.listening import Showing, Source, listen_to
from triggers.cli.pulling import Pulling
from triggers.networks import parse_networks
from triggers.signatures import make_secret, secret_bytes
from triggers.webhook_urls import issue_with_url
from triggers.webhooks import TIMEOUT_SECONDS_MAX

SECRET = "TRIGGERS_WEBHOOK_SECRET"  # noqa: S105 its name
ANYWHERE = parse_networks(("0.0.0.0/0", "::/0"))  # it is the address of whoever types it


@click.command(
    cls=Command,
    examples=(
        "triggers listen --type 'order.*'",
        "triggers listen --json | jq -c .payload",
        "triggers listen --forward http://127.0.0.1:3000/hook",
        "echo $SECRET | triggers listen --forward http://127.0.0.1:3000/hook --secret - --waiting",
    ),
)
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    help="Only order.created, or order.* for all below it. May be repeated.",
)
@click.option("--forward", metavar="URL", help="Pull the inbox, and pass it on to this address.")
@click.option("--waiting", is_flag=True, help="Forward also what waits in the inbox already.")
@click.option(
    "--timeout",
    type=click.IntRange(1, TIMEOUT_SECONDS_MAX),
    default=15,
    show_default=True,
    metavar="SECONDS",
    help="How long the receiver may take.",
)
@click.option("--secret", metavar="-", help=f"Read whsec_… from stdin, else {SECRET}.")
@click.option("--webhook", metavar="ID", help="Sign with the secrets of this webhook.")
@pass_session
def listen(
    session: Session,
    *,
    types: tuple[str, ...],
    forward: str | None,
    waiting: bool,
    timeout: int,
    secret: str | None,
    webhook: str | None,
) -> None:
    """Show each event as it is accepted, until Ctrl-C.

    With --forward each is passed on to a receiver of yours as a webhook would send it: same body, same headers,
    signed. It is pulled from the inbox, so that nothing has to reach your machine from outside, and acknowledged
    once the receiver answered 2xx. What is not taken stays in the inbox and is tried again after 1, 2, 4 … 60 s.
    What a webhook wants is left to it, and not forwarded. Without a secret one is made, and shown. The key
    needs the scopes events:read, inbox and webhooks.

    The service is asked every second, and every 10 s when nothing came for minutes.
    """
    out = session.out
    arrivals = _arrivals(session, types, is_inbox=forward is not None)
    interruption = Interruption()
    source: Source
    if forward is None:
        if secret or webhook or waiting:
            raise click.UsageError("--secret, --webhook and --waiting go with --forward")
        source = Showing(out, arrivals)
    else:
        forwarder = Forwarder(_checked(forward), _secrets(session, secret, webhook), timeout)
        source = Pulling(session.api, out, arrivals, forwarder, interruption)
        source.begin()
    with interruption.watched():
        try:
            arrivals.begin_now(is_all_fresh=waiting)
            out.note("listening; Ctrl-C ends it")
            listen_to(source, out)
        except KeyboardInterrupt:
            out.note(source.summary)


def _arrivals(session: Session, types: tuple[str, ...], *, is_inbox: bool) -> Arrivals:
    if is_inbox:
        return Arrivals(session.api, path_of("inbox"), types=types, query={})
    query = {"order": "asc", "include": "payload"}
    return Arrivals(session.api, EVENTS, types=types, query=query)


def _checked(url: str) -> str:
    """Return an address that every client reads in the same way. Raises click.UsageError."""
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("--forward: an address begins with http:// or https://")
    if issue := issue_with_url(url, is_development=True, allowed=ANYWHERE):
        raise click.UsageError(f"--forward: {issue}")
    return url


def _secrets(session: Session, given: str | None, webhook_id: str | None) -> tuple[str, ...]:
    """Return what signs: of a webhook also the old ones that sign along. Raises Refused, NoAnswer."""
    if webhook_id:
        if given:
            raise click.UsageError("--secret or --webhook, not both")
        found = session.api.get(path_of("webhooks", webhook_id, "secret")).content
        return (found["secret"], *(old["secret"] for old in found["old_secrets"]))
    secret = read_secret("--secret", given) if given else os.environ.get(SECRET)
    if not secret:
        secret = make_secret(secrets.randbits)
        session.out.note(f"signed with {secret}")
    try:
        secret_bytes(secret)
    except ValueError as issue:
        raise click.UsageError(f"the secret {issue}") from None
    return (secret,)
