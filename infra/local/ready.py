"""What tells that a run is ready: the screen for people, `ready.json` for scripts."""

import asyncio
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from infra.local.demo import Demo
from infra.local.errors import LocalRunError
from infra.local.loopback import call
from infra.local.parts import NAMES
from infra.local.settings import ROOT, LocalSettings
from infra.local.terminal import BOLD, RESET

EVENT = '{"event_type":"order.created","payload":{"order":1}}'


class Place(Protocol):
    """What a script takes from `ready.json`: the address of the API, and whatever it needs beside."""

    @property
    def api(self) -> str: ...


PlaceType = TypeVar("PlaceType", bound=Place)


def ready_path(settings: LocalSettings) -> Path:
    """Where scripts look."""
    return settings.folder / "ready.json"


def write_ready(settings: LocalSettings, demo: Demo, pids: Mapping[str, int | None]) -> None:
    """Write the file in one step, so that no script ever reads half of it. It holds keys: ours alone."""
    content = {
        "api": settings.api,
        "key": demo.key,
        "operator_key": settings.operator_key,
        "receiver": settings.receiver,
        "hook": settings.receiver,  # how the service reaches it: elsewhere by another name
        "webhook_id": demo.webhook_id,
        "webhook_secret": settings.webhook_secret,
        "pids": {name: pids.get(name) for name in NAMES},
    }
    path = ready_path(settings)
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=2) + "\n")
    fresh.replace(path)


def read_ready(environ: Mapping[str, str], kind: type[PlaceType]) -> PlaceType:
    """Return where the service of this folder's run is. Raises LocalRunError, which says what to do."""
    path = Path(environ.get("TRIGGERS_LOCAL_DIR") or ROOT / ".local") / "ready.json"
    try:
        place = msgspec.json.decode(path.read_bytes(), type=kind)
        asyncio.run(call("GET", f"{place.api}/liveness"))  # a run that was killed leaves its file
    except OSError:
        raise LocalRunError(
            "no service runs here: start one with `make run` in another terminal, then try again"
        ) from None
    except msgspec.MsgspecError as error:
        raise LocalRunError(f"{path}: {error}") from None
    return place


def remove_ready(settings: LocalSettings) -> None:
    """Take back what is not true any more."""
    ready_path(settings).unlink(missing_ok=True)


def screen(settings: LocalSettings, demo: Demo, *, has_colour: bool) -> str:
    """Return what a person needs to send the first event and see it arrive."""
    bold, plain = (BOLD, RESET) if has_colour else ("", "")
    curl = (
        f"curl -i {settings.api}/v1/events -H 'Authorization: Bearer {demo.key}'"
        f" -H 'Content-Type: application/json' -d '{EVENT}'"
    )
    return f"""
{bold}Ready.{plain}

  API       {settings.api}
  Key       {demo.key}
  Docs      {settings.api}/docs
  Receiver  {settings.receiver}   shows what came in
  Commands  {_command(settings)}   then docs/cli.md
  Stop      Ctrl-C

{bold}Send an event:{plain}

{curl}
"""


def _command(settings: LocalSettings) -> str:
    """Return what makes this run known to the command line, as short as it can be typed here."""
    program = Path(sys.prefix) / "bin" / "triggers"
    return f"{_from_here(program)} profiles set local --from {_from_here(ready_path(settings))}"


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
