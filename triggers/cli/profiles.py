"""Where address and key come from: options, then the environment, then a profile of the profile file.

The file is ours alone (0600), since it holds keys; it is read only when it is.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from triggers.cli.errors import CommandFailed

API, KEY, SIGNING_SECRET = "TRIGGERS_API", "TRIGGERS_KEY", "TRIGGERS_SIGNING_SECRET"
PROFILE, FILE = "TRIGGERS_PROFILE", "TRIGGERS_PROFILES"
FILE_BYTES_MAX = 1 << 20


class Target(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A service, and who we are to it."""

    api: str
    key: str | None = None
    signing_secret: str | None = None


class Profiles(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that the file holds; `current` names the profile that is used when none is named."""

    current: str | None = None
    profiles: dict[str, Target] = {}


def profiles_path(environ: Mapping[str, str]) -> Path:
    """Where the file is: TRIGGERS_PROFILES, else the system's place for settings of programs."""
    return Path(environ.get(FILE) or Path(click.get_app_dir("triggers")) / "profiles.json")


def read_profiles(path: Path) -> Profiles:
    """Read the file; one that is not there has no profiles. Raises CommandFailed."""
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise CommandFailed(
                    f"{path} holds keys and others may read it; say: chmod 600 {path}"
                )
            return msgspec.json.decode(file.read(FILE_BYTES_MAX), type=Profiles)
    except FileNotFoundError:
        return Profiles()
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise CommandFailed(f"{path} is not a profile file: {error}") from None


def write_profiles(path: Path, profiles: Profiles) -> None:
    """Write the file in one step, readable by us alone. Raises CommandFailed."""
    text = msgspec.json.format(msgspec.json.encode(profiles)) + b"\n"
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(fresh, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None


def find_target(
    environ: Mapping[str, str], *, profile: str | None, api: str | None, key: str | None
) -> Target:
    """Return which service is meant, and with which key. Raises CommandFailed, which says what to do.

    Options win over the environment, and that over a profile; but a profile that an option names wins
    over the environment. An address that is given without a key takes none over from a profile: the key
    of one service is not sent to another.
    """
    given = {} if profile else environ
    address = api or given.get(API)
    target = Target(api=address) if address else _profile(environ, profile)
    target = replace(
        target,
        key=key or given.get(KEY) or target.key,
        signing_secret=given.get(SIGNING_SECRET) or target.signing_secret,
    )
    if not target.api.startswith(("http://", "https://")):
        raise CommandFailed(f"{target.api} is no address of a service: it begins with https://")
    return target


def _profile(environ: Mapping[str, str], name: str | None) -> Target:
    path = profiles_path(environ)
    known = read_profiles(path)
    name = name or environ.get(PROFILE) or known.current
    if name is None:
        raise CommandFailed(
            f"Which service? Set {API} and {KEY}, or make a profile: triggers profiles set NAME --api …"
        )
    if name not in known.profiles:
        raise CommandFailed(
            f"There is no profile {name} in {path}; there are: {', '.join(known.profiles) or 'none'}"
        )
    return known.profiles[name]
