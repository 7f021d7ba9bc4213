"""What is done with a webhook beyond changing it: tests, enabling, secrets, attempts."""

import click

from triggers.cli.api import path_of
from triggers.cli.contents import read_secret
from triggers.cli.context import Command, Session, pass_session
from triggers.cli.errors import CommandFailed
from triggers.cli.lists import show_list, takes_limit
from triggers.cli.webhook_views import ATTEMPTS, TEST, show_secrets, show_webhook

ID = "wh_7Z0M3S5B7C9KAN72XQV8"


@click.command(cls=Command, examples=(f"triggers webhooks test {ID}",))
@click.argument("webhook_id", metavar="ID")
@pass_session
def test(session: Session, *, webhook_id: str) -> None:
    """Send a webhook.test event to a webhook now, and show what came of it.

    It takes up to the webhook's timeout. Nothing is stored and nothing tried again. Exit code 1 when the
    test failed.
    """
    answer = session.api.call("POST", path_of("webhooks", webhook_id, "test"))
    came = answer.content
    session.out.one(answer.body, TEST)
    if came["response_excerpt"]:
        session.out.heading("Answer")
        session.out.line(came["response_excerpt"])
    if came["outcome"] != "delivered":
        raise CommandFailed(f"the test failed: {came['error']}")


@click.command(cls=Command, examples=(f"triggers webhooks enable {ID}",))
@click.argument("webhook_id", metavar="ID")
@pass_session
def enable(session: Session, *, webhook_id: str) -> None:
    """Enable a webhook; what was held for it is delivered."""
    answer = session.api.call("POST", path_of("webhooks", webhook_id, "enable"))
    show_webhook(session.out, answer.body, answer.content)


@click.command(cls=Command, examples=(f"triggers webhooks disable {ID}",))
@click.argument("webhook_id", metavar="ID")
@pass_session
def disable(session: Session, *, webhook_id: str) -> None:
    """Disable a webhook; what wants it is held until it is enabled."""
    answer = session.api.call("PATCH", path_of("webhooks", webhook_id), {"enabled": False})
    show_webhook(session.out, answer.body, answer.content)


@click.command(cls=Command, examples=(f"triggers webhooks secret {ID}",))
@click.argument("webhook_id", metavar="ID")
@pass_session
def secret(session: Session, *, webhook_id: str) -> None:
    """Show the secret that signs what is sent to a webhook, for its receiver."""
    answer = session.api.get(path_of("webhooks", webhook_id, "secret"))
    show_secrets(session.out, answer.body, answer.content)


@click.command(
    cls=Command,
    examples=(
        f"triggers webhooks rotate-secret {ID}",
        f"openssl rand -base64 32 | sed s/^/whsec_/ | triggers webhooks rotate-secret {ID} --secret -",
    ),
)
@click.argument("webhook_id", metavar="ID")
@click.option("--secret", "given", metavar="-", help="Read whsec_… from stdin; else one is made.")
@pass_session
def rotate_secret(session: Session, *, webhook_id: str, given: str | None) -> None:
    """Give a webhook another secret, and show it; the old one signs along for 24 hours."""
    body = {"secret": read_secret("--secret", given)} if given else {}
    answer = session.api.call("POST", path_of("webhooks", webhook_id, "rotate-secret"), body)
    show_secrets(session.out, answer.body, answer.content)


@click.command(
    cls=Command,
    examples=(
        f"triggers webhooks attempts {ID}",
        f"triggers webhooks attempts {ID} --all --json | jq -r .error | sort | uniq -c",
    ),
)
@click.argument("webhook_id", metavar="ID")
@takes_limit
@pass_session
def attempts(session: Session, *, webhook_id: str, limit: int | None) -> None:
    """List what a webhook's receiver answered lately, newest first.

    A success at the first try is not among it: it stands in its event.
    """
    path = path_of("webhooks", webhook_id, "attempts")
    show_list(session, path, "attempts", ATTEMPTS, limit=limit, empty="there are no attempts")


ACTIONS = (attempts, disable, enable, rotate_secret, secret, test)
