"""`triggers profiles`: addresses and keys of services, kept under names."""

import os
import re
import sys
from pathlib import Path

import click
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from triggers.cli.contents import read_secret
from triggers.cli.context import Group, Session, pass_session
from triggers.cli.output import Column
from triggers.cli.targets import (
    API,
    FILE_BYTES_MAX,
    Profiles,
    Target,
    change_profiles,
    check_address,
    complete_profile,
    keep_profile,
    profiles_path,
    read_profiles,
)

ROWS: tuple[Column, ...] = (
    ("NAME", "name"),
    ("CURRENT", "current"),
    ("API", "api"),
    ("KEY", "key_id"),
    ("SIGNS", "signs"),
)
_KEY_ID = re.compile(r"trg_([0-9A-Z]{26})_")


class ProfileName(click.ParamType[str]):
    """The name of a profile: it stands in a file and on a screen."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name as it was typed."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
            self.fail("a name has 1 to 64 of A–Z a–z 0–9 . _ -", param, ctx)
        return value


PROFILE_NAME = ProfileName()


class Ready(Struct, frozen=True):
    """What we need of the file that `make run` writes."""

    api: str
    key: str
    operator_key: str


@click.group(cls=Group)
def profiles() -> None:
    """Keep addresses and keys of services under names."""


@profiles.command(
    "set",
    examples=(
        "triggers profiles set local --from .local/ready.json",
        "triggers profiles set production --api https://triggers.example.com",
        "pass show triggers | triggers profiles set production --api https://triggers.example.com --key -",
    ),
)
@click.argument("name", metavar="NAME", type=PROFILE_NAME)
@click.option("--api", metavar="URL", help="Address of the service.")
@click.option("--key", metavar="-", help="Read it from stdin; else it is asked for, unseen.")
@click.option("--signing-secret", metavar="-", help="Read it from stdin, in a line of its own.")
@click.option(
    "--from",
    "ready",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take address and key from what `make run` wrote.",
)
@click.option("--operator", is_flag=True, help="With --from: take the operator's key.")
@pass_session
def set_profile(
    session: Session,
    *,
    name: str,
    api: str | None,
    key: str | None,
    signing_secret: str | None,
    ready: Path | None,
    operator: bool,
) -> None:
    """Keep an address and a key under a NAME; what had that name is replaced.

    The first profile becomes the current one: it is used when nothing else is said. Neither key nor
    secret is an argument, where others on the machine could see it.
    """
    if (api is None) == (ready is None) or (ready and key) or (operator and not ready):
        raise click.UsageError("say --api, or --from with or without --operator")
    if ready is not None:
        target = _target_of(ready, operator=operator)
    else:
        check_address(str(api))
        target = Target(api=str(api), key=_read_key(key))
    if signing_secret:
        target = replace(target, signing_secret=read_secret("--signing-secret", signing_secret))
    path = profiles_path(os.environ)
    kept = keep_profile(path, name, target)
    session.out.note(f"{name} is kept in {path}")
    _tell_what_is_used(session, name, kept.current)


@profiles.command("list", examples=("triggers profiles list",))
@pass_session
def list_profiles(session: Session) -> None:
    """List the profiles; of keys only their ids are shown."""
    path = profiles_path(os.environ)
    known = read_profiles(path)
    rows = [
        {
            "name": name,
            "current": name == known.current,
            "api": target.api,
            "key_id": _key_id(target.key),
            "signs": target.signing_secret is not None,
        }
        for name, target in known.profiles.items()
    ]
    session.out.table(map(msgspec.json.encode, rows), ROWS, empty="there are no profiles")
    session.out.note(f"they are kept in {path}")


@profiles.command(examples=("triggers profiles use production",))
@click.argument("name", metavar="NAME", shell_complete=complete_profile)
@pass_session
def use(session: Session, *, name: str) -> None:
    """Make a profile the current one: used when nothing else is said."""
    path = profiles_path(os.environ)

    def use_it(known: Profiles) -> Profiles:
        known.named(name, path)
        return replace(known, current=name)

    change_profiles(path, use_it)
    _tell_what_is_used(session, name, name)


@profiles.command(
    examples=("triggers profiles remove local", "triggers profiles remove local --yes")
)
@click.argument("name", metavar="NAME", shell_complete=complete_profile)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def remove(session: Session, *, name: str, yes: bool) -> None:
    """Remove a profile, and the key in it: no service shows a key again."""
    path = profiles_path(os.environ)
    read_profiles(path).named(name, path)
    session.out.confirm(f"Remove the profile {name} with its key?", yes=yes)

    def drop(known: Profiles) -> Profiles:
        left = {other: target for other, target in known.profiles.items() if other != name}
        current = None if known.current == name else known.current
        return replace(known, current=current, profiles=left)

    change_profiles(path, drop)
    session.out.note(f"{name} is removed")


def _target_of(ready: Path, *, operator: bool) -> Target:
    """Return the service that `make run` has started. Raises click.UsageError."""
    try:
        with ready.open("rb") as file:
            found = msgspec.json.decode(file.read(FILE_BYTES_MAX), type=Ready)
    except FileNotFoundError:
        raise click.UsageError(f"{ready} is not there: `make run` writes it") from None
    except (OSError, msgspec.DecodeError) as error:
        raise click.UsageError(f"{ready}: {error}") from None
    check_address(found.api)
    return Target(api=found.api, key=found.operator_key if operator else found.key)


def _read_key(given: str | None) -> str:
    if given is None and not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked for the key here: --key - reads it from stdin")
    return read_secret("--key", given or "-")


def _key_id(key: str | None) -> str | None:
    """Return what may be shown of a key: the id of a tenant's; of any other, that there is one."""
    if key is None:
        return None
    found = _KEY_ID.match(key)
    return found[1] if found else "set"


def _tell_what_is_used(session: Session, name: str, current: str | None) -> None:
    if os.environ.get(API):
        session.out.note(f"{API} is set, and wins over the current profile")
    elif current == name:
        session.out.note(f"{name} is the current profile")
    else:
        session.out.note(
            f"{current} is the current profile; triggers profiles use {name} changes that"
        )
