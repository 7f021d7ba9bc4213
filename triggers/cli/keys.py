"""`triggers keys`: who may call, and what for."""

from typing import Any

import click

from triggers.cli.api import path_of
from triggers.cli.context import Group, Session, pass_session
from triggers.cli.key_options import key_fields, takes_key_fields, takes_scopes
from triggers.cli.moments import Span
from triggers.cli.new_keys import call_for_key, show_new_key, takes_save_profile
from triggers.cli.output import Column
from triggers.cli.printable import shown

OVERLAP_SECONDS_MAX = 7 * 24 * 3_600
ID = "XQV8YJ4T6Z0M3S5B7C9KAN72AB"

KEY: tuple[Column, ...] = (
    ("ID", "key_id"),
    ("Name", "name"),
    ("Scopes", "scopes"),
    ("Expires", lambda row: row["expires_at"] or "never"),
    ("Last used", lambda row: row["last_used_at"] or "never"),
    ("Calls a second", lambda row: row["rate_limit"] or "as many as its tenant may"),
    ("Addresses", lambda row: row["allowed_cidrs"] or "all"),
    ("Must sign", "require_signature"),
    ("Version", "version"),
    ("Old one valid until", "old_version_expires_at"),
    ("Created", "created_at"),
)
KEYS: tuple[Column, ...] = (
    ("ID", "key_id"),
    ("NAME", "name"),
    ("SCOPES", "scopes"),
    ("EXPIRES", lambda row: row["expires_at"] or "never"),
    ("LAST USED", lambda row: row["last_used_at"] or "never"),
)


@click.group(cls=Group)
def keys() -> None:
    """Say who may call the API, and what for."""


@keys.command(
    examples=(
        "triggers keys create shop --scope events:write",
        "triggers keys create billing --scope inbox --expires 90d --cidr 203.0.113.0/24",
        "triggers keys create laptop --scope events:read --require-signature --save-profile laptop",
    )
)
@click.argument("name", metavar="NAME")
@takes_scopes(required=True)
@takes_key_fields
@takes_save_profile
@pass_session
def create(session: Session, /, *, name: str, save_profile: str | None, **options: Any) -> None:
    """Create a key; it is shown once.

    It gets only scopes that the key in use has itself, and does not outlive it.
    """
    body = {"name": name} | key_fields(options)
    call_for_key(
        session,
        lambda: session.api.call("POST", path_of("keys"), body),
        KEY,
        save_profile=save_profile,
    )


@keys.command("list", examples=("triggers keys list",))
@pass_session
def list_keys(session: Session) -> None:
    """List all keys, oldest first."""
    session.out.table(session.api.whole(path_of("keys"), "keys"), KEYS, empty="there are no keys")


@keys.command(examples=(f"triggers keys show {ID}",))
@click.argument("key_id", metavar="ID")
@pass_session
def show(session: Session, *, key_id: str) -> None:
    """Show a key, without its text."""
    session.out.one(session.api.get(path_of("keys", key_id)).body, KEY)


@keys.command(
    examples=(
        f"triggers keys update {ID} --scope events:write --scope events:read",
        f"triggers keys update {ID} --expires none --rate-limit 50 --no-require-signature",
    )
)
@click.argument("key_id", metavar="ID")
@click.option("--name", metavar="TEXT", help="Another name.")
@takes_scopes(required=False)
@takes_key_fields
@pass_session
def update(session: Session, /, *, key_id: str, **options: Any) -> None:
    """Change a key; what is not named stays.

    Scopes and addresses are replaced by those that are named. When signatures become required, the
    signing secret is shown once.
    """
    changes = key_fields(options)
    if not changes:
        raise click.UsageError("say what is to change")
    answer = session.api.call("PATCH", path_of("keys", key_id), changes)
    show_new_key(session, answer, KEY)


@keys.command(
    examples=(
        f"triggers keys rotate {ID}",
        f"triggers keys rotate {ID} --overlap 1h --save-profile production",
    )
)
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap",
    "overlap_seconds",
    type=Span(OVERLAP_SECONDS_MAX),
    metavar="SPAN",
    help="How long the old text is still valid: 0s to 7d, 24h unless said.",
)
@takes_save_profile
@pass_session
def rotate(
    session: Session, *, key_id: str, overlap_seconds: int | None, save_profile: str | None
) -> None:
    """Give a key a new text, which is shown once; the old one lives on for a while."""
    body = {} if overlap_seconds is None else {"overlap_seconds": overlap_seconds}
    call_for_key(
        session,
        lambda: session.api.call("POST", path_of("keys", key_id, "rotate"), body),
        KEY,
        save_profile=save_profile,
    )


@keys.command(examples=(f"triggers keys revoke {ID}", f"triggers keys revoke {ID} --yes"))
@click.argument("key_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def revoke(session: Session, *, key_id: str, yes: bool) -> None:
    """Revoke a key: it is not valid any more when the command is done."""
    path = path_of("keys", key_id)
    if not yes:
        key = session.api.get(path).content
        used = shown(key["last_used_at"] or "never")
        session.out.confirm(f"Revoke the key {key['name']}, last used {used}?", yes=False)
    session.api.call("DELETE", path)
    session.out.note(f"{key_id} is revoked")
