"""`triggers webhooks`: where events are delivered to."""

from typing import Any

import click

from triggers.cli.api import Answer, path_of
from triggers.cli.contents import read_secret
from triggers.cli.context import Group, Session, pass_session
from triggers.cli.errors import NoAnswer
from triggers.cli.webhook_actions import ACTIONS
from triggers.cli.webhook_options import changed_headers, takes_webhook_fields, webhook_fields
from triggers.cli.webhook_views import WEBHOOKS, show_webhook


@click.group(cls=Group)
def webhooks() -> None:
    """Say where events are delivered to, and see whether they arrive."""


@webhooks.command(
    examples=(
        "triggers webhooks create https://example.com/hooks --type 'order.*'",
        "triggers webhooks create https://example.com/hooks --retry 5,60,3600 --header @headers.txt",
        "triggers webhooks create https://example.com/hooks --secret - --disabled",
    )
)
@click.argument("url", metavar="URL")
@takes_webhook_fields
@click.option("--secret", metavar="-", help="Read whsec_… from stdin; else one is made.")
@click.option("--disabled", is_flag=True, help="Hold what wants it until it is enabled.")
@pass_session
def create(
    session: Session, /, *, url: str, secret: str | None, disabled: bool, **options: Any
) -> None:
    """Create a webhook: events that it wants are posted to URL, signed with its secret."""
    body = {"url": url} | webhook_fields(options)
    if secret:
        body["secret"] = read_secret("--secret", secret)
    if disabled:
        body["enabled"] = False
    answer = session.api.call("POST", path_of("webhooks"), body)
    show_webhook(session.out, answer.body, answer.content)
    if not session.as_json:
        session.out.heading("Secret")
        session.out.line(answer.content["secret"])


@webhooks.command(
    "list",
    examples=(
        "triggers webhooks list",
        "triggers webhooks list --json | jq -r 'select(.status != \"active\").webhook_id'",
    ),
)
@pass_session
def list_webhooks(session: Session) -> None:
    """List all webhooks, oldest first."""
    found = session.api.whole(path_of("webhooks"), "webhooks")
    session.out.table(found, WEBHOOKS, empty="there are no webhooks")


@webhooks.command(examples=("triggers webhooks show wh_7Z0M3S5B7C9KAN72XQV8",))
@click.argument("webhook_id", metavar="ID")
@pass_session
def show(session: Session, *, webhook_id: str) -> None:
    """Show a webhook, and why and since when it is failing or disabled."""
    answer = session.api.get(path_of("webhooks", webhook_id))
    show_webhook(session.out, answer.body, answer.content)


@webhooks.command(
    examples=(
        "triggers webhooks update wh_7Z0M3S5B7C9KAN72XQV8 --type 'order.*' --type invoice.paid",
        "triggers webhooks update wh_7Z0M3S5B7C9KAN72XQV8 --header 'X-Team: orders' --header X-Old:",
    )
)
@click.argument("webhook_id", metavar="ID")
@click.option("--url", metavar="URL", help="Where to deliver from now on.")
@takes_webhook_fields
@pass_session
def update(session: Session, /, *, webhook_id: str, **options: Any) -> None:
    """Change a webhook; what is not named stays.

    Types are replaced by those that are named. A header is set, or with no text taken away; an empty
    description clears it. When somebody else changes the webhook meanwhile, nothing is done.
    """
    changes = webhook_fields(options)
    if not changes:
        raise click.UsageError("say what is to change")
    path = path_of("webhooks", webhook_id)
    present = session.api.get(path)
    if "headers" in changes:
        changes["headers"] = changed_headers(present.content["headers"], changes["headers"])
    answer = session.api.call("PATCH", path, changes, headers=_as_read(present))
    show_webhook(session.out, answer.body, answer.content)


@webhooks.command(
    examples=(
        "triggers webhooks delete wh_7Z0M3S5B7C9KAN72XQV8",
        "triggers webhooks delete wh_7Z0M3S5B7C9KAN72XQV8 --yes",
    )
)
@click.argument("webhook_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def delete(session: Session, *, webhook_id: str, yes: bool) -> None:
    """Delete a webhook, and with it what is pending or held for it."""
    path = path_of("webhooks", webhook_id)
    present = session.api.get(path)
    session.out.confirm(f"Delete the webhook to {present.content['url']}?", yes=yes)
    session.api.call("DELETE", path, headers=_as_read(present))
    session.out.note(f"{webhook_id} is deleted")


for action in ACTIONS:
    webhooks.add_command(action)


def _as_read(answer: Answer) -> dict[str, str]:
    """Demand that a thing still is what was read: else a change of somebody else would be lost."""
    tag = answer.headers.get("etag")
    if tag is None:
        raise NoAnswer("the answer has no ETag: something between us and the service took it away")
    return {"if-match": tag}
