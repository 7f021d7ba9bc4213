"""Keys that were made just now: the service shows them once, so they are shown, or kept unseen."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec

from triggers.cli.api import Answer
from triggers.cli.context import Session
from triggers.cli.errors import CommandFailed
from triggers.cli.output import Column
from triggers.cli.profiles import PROFILE_NAME
from triggers.cli.targets import Target, keep_profile, profiles_path, read_profiles

SECRETS = {"key": "Key", "signing_secret": "Signing secret"}

takes_save_profile = click.option(
    "--save-profile",
    type=PROFILE_NAME,
    metavar="NAME",
    help="Keep the new key under that name, and do not show it.",
)


def call_for_key(
    session: Session,
    call: Callable[[], Answer],
    columns: Sequence[Column],
    *,
    save_profile: str | None,
) -> None:
    """Make a call that makes a key; show what it made, or keep the key in a profile.

    That it can be kept is seen before the call, since nobody shows the key again; and when it cannot be
    after all, it is shown. Raises CommandFailed.
    """
    path = profiles_path(os.environ)
    if save_profile:
        read_profiles(path)
    answer = call()
    if not save_profile:
        show_new_key(session, answer, columns)
        return
    try:
        _keep(session, path, save_profile, answer)
    except CommandFailed:
        show_new_key(session, answer, columns)
        raise
    shown = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    rest = {name: value for name, value in shown.items() if name not in SECRETS}
    session.out.one(msgspec.json.encode(rest), columns)
    session.out.note(f"the key is kept in {path} as {save_profile}")


def show_new_key(session: Session, answer: Answer, columns: Sequence[Column]) -> None:
    """Show what was made, with the secrets that the answer holds, each on a line of its own."""
    session.out.one(answer.body, columns)
    shown = [name for name in SECRETS if name in answer.content]
    if not session.as_json:
        for name in shown:
            session.out.heading(SECRETS[name])
            session.out.line(answer.content[name])
    if shown:
        session.out.note("it is not shown again: keep it safe")


def _keep(session: Session, path: Path, name: str, answer: Answer) -> None:
    made = answer.content
    target = Target(
        api=session.target.api, key=made["key"], signing_secret=made.get("signing_secret")
    )
    keep_profile(path, name, target)
