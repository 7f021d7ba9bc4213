"""Where address and key come from: options, then the environment, then a profile of the profile file.

The file is ours alone (0600), since it holds keys; it is read only when it is.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

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

    def named(self, name: str, path: Path) -> Target:
        """Return a profile. Raises CommandFailed, which says where it was looked for."""
        if name not in self.profiles:
            there = ", ".join(self.profiles) or "none"
            raise CommandFailed(f"There is no profile {name} in {path}; there are: {there}")
        return self.profiles[name]


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


def change_profiles(path: Path, change: Callable[[Profiles], Profiles]) -> Profiles:
    """Change what the file holds, in one step and one run at a time; return what it holds then.

    Raises CommandFailed, also when the change does.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _only_run(path.parent):
            changed = change(read_profiles(path))
            _write(path, msgspec.json.format(msgspec.json.encode(changed)) + b"\n")
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None
    return changed


def keep_profile(path: Path, name: str, target: Target) -> Profiles:
    """Keep a profile, the first one as the current; return all. Raises CommandFailed."""

    def keep(known: Profiles) -> Profiles:
        current = known.current or name
        return replace(known, current=current, profiles=known.profiles | {name: target})

    return change_profiles(path, keep)


def check_address(api: str) -> None:
    """Refuse what is no address of a service. Raises CommandFailed."""
    parts = _split(api)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise CommandFailed(f"{api} is no address of a service: it begins with https:// or http://")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise CommandFailed("The address of a service has no user, no query and no fragment")


def find_target(
    environ: Mapping[str, str], *, profile: str | None, api: str | None, key: str | None
) -> Target:
    """Return which service is meant, and with which key. Raises CommandFailed, which says what to do.

    Options win over the environment, and that over a profile; but a profile that an option names wins
    over the environment. A key that stands with an address is sent to no other: an address of an option
    takes no key over from an environment that names another, and none from a profile.
    """
    if profile and api:
        raise click.UsageError("--profile or --api, not both: a profile has an address")
    around = {} if profile else environ
    address = api or around.get(API)
    if api and around.get(API, api).rstrip("/") != api.rstrip("/"):
        around = {}
    base = Target(api=address) if address else _profile(environ, profile)
    check_address(base.api)
    own_key, own_secret = key or around.get(KEY), around.get(SIGNING_SECRET)
    if own_key:
        target = Target(api=base.api, key=own_key, signing_secret=own_secret)
    else:
        target = replace(base, signing_secret=own_secret or base.signing_secret)
    return replace(
        target, key=_of_a_line(target.key), signing_secret=_of_a_line(target.signing_secret)
    )


def _of_a_line(secret: str | None) -> str | None:
    """Return a secret without the space around it. Raises CommandFailed, which does not show it."""
    stripped = secret and secret.strip()
    if stripped and not (stripped.isascii() and stripped.isprintable() and " " not in stripped):
        raise CommandFailed("The key has characters that no key has: was all of it copied?")
    return stripped


def complete_profile(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """Return the names of profiles that begin so, for the completion of a shell."""
    try:
        return [n for n in read_profiles(profiles_path(os.environ)).profiles if n.startswith(begun)]
    except CommandFailed:
        return []


@contextmanager
def _only_run(folder: Path) -> Iterator[None]:
    """Wait until no other run changes a file there: each would write what it read before the other."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, content: bytes) -> None:
    """Write in one step, readable by us alone."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with open(fresh, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        try:
            file.write(content)
            file.flush()
            fresh.replace(path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise


def _split(api: str) -> SplitResult | None:
    try:
        parts, port = urlsplit(api), urlsplit(api).port
    except ValueError:
        return None
    return parts if port != 0 else None


def _profile(environ: Mapping[str, str], name: str | None) -> Target:
    path = profiles_path(environ)
    known = read_profiles(path)
    name = name or environ.get(PROFILE) or known.current
    if name is None:
        raise CommandFailed(
            f"Which service? Set {API} and {KEY}, or make a profile: triggers profiles set NAME --api …"
        )
    return known.named(name, path)
