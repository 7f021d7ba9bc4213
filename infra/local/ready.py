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
from infra.local.endpoints import Endpoints
from infra.local.errors import LocalRunError
from infra.local.loopback import call
from infra.local.settings import local_folder
from infra.local.terminal import BOLD, RESET

EVENT = '{"event_type":"order.created","payload":{"order":1}}'


class ReadyPlace(Protocol):
    """What a script takes from `ready.json`: the address of the API, and whatever it needs beside."""

    @property
    def api(self) -> str: ...


ReadyPlaceType = TypeVar("ReadyPlaceType", bound=ReadyPlace)


def ready_path(folder: Path) -> Path:
    """Where scripts look."""
    return folder / "ready.json"


def write_ready(
    folder: Path, endpoints: Endpoints, demo: Demo, pids: Mapping[str, int | None]
) -> None:
    """Write the file in one step, so that no script ever reads half of it. It holds keys: ours alone."""
    content = {
        "api": endpoints.api,
        "key": demo.key,
        "operator_key": endpoints.operator_key,
        "receiver": endpoints.receiver,
        "hook": endpoints.hook,
        "webhook_id": demo.webhook_id,
        "webhook_secret": endpoints.webhook_secret,
        "pids": dict(pids),
    }
    path = ready_path(folder)
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=2) + "\n")
    fresh.replace(path)


def read_ready(environ: Mapping[str, str], kind: type[ReadyPlaceType]) -> ReadyPlaceType:
    """Return where the service of this folder's run is. Raises LocalRunError, which says what to do."""
    path = ready_path(local_folder(environ))
    try:
        place = msgspec.json.decode(path.read_bytes(), type=kind)
        asyncio.run(call("GET", f"{place.api}/liveness"))  # a run that was killed leaves its file
    except OSError:
        raise LocalRunError(
            "no service runs here: start one with `make run` in another terminal or with `make up`, "
            "then try again"
        ) from None
    except msgspec.MsgspecError as error:
        raise LocalRunError(f"{path}: {error}") from None
    return place


def remove_ready(folder: Path) -> None:
    """Take back what is not true any more."""
    ready_path(folder).unlink(missing_ok=True)


def screen(folder: Path, endpoints: Endpoints, demo: Demo, *, stop: str, has_colour: bool) -> str:
    """Return what a person needs to send the first event, see it arrive, and stop it all."""
    bold, plain = (BOLD, RESET) if has_colour else ("", "")
    curl = (
        f"curl -i {endpoints.api}/v1/events -H 'Authorization: Bearer {demo.key}'"
        f" -H 'Content-Type: application/json' -d '{EVENT}'"
    )
    return f"""
{bold}Ready.{plain}

  API       {endpoints.api}
  Key       {demo.key}
  Docs      {endpoints.api}/docs
  Receiver  {endpoints.receiver}   shows what came in
  Commands  {_command(folder)}   then docs/cli.md
  Stop      {stop}

{bold}Send an event:{plain}

{curl}
"""


def _command(folder: Path) -> str:
    """Return what makes this run known to the command line, as short as it can be typed here."""
    program = Path(sys.prefix) / "bin" / "triggers"
    return f"{_from_here(program)} profiles set local --from {_from_here(ready_path(folder))}"


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
