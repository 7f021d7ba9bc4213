"""A tour of one minute against a running service: send, fail, retry, replay, pull.

Every command is one of the command line, really run; what comes out otherwise than it is told ends the tour with 1.
"""

import argparse
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from infra.local.errors import LocalRunError
from infra.local.ready import read_ready
from infra.local.settings import ROOT
from infra.local.terminal import BOLD, RESET

COMMAND_SECONDS_MAX = 60
PACE_SECONDS, PACE_SECONDS_MAX = 3.0, 60.0
HELP = """environment:
  TRIGGERS_LOCAL_DIR   where `make run` has left ready.json, by default .local
  API, OPERATOR_KEY, HOOK
                       another service, its operator's key, and how it reaches an example receiver
  PACE                 seconds to read each step, at most 60; by default 3 on a terminal, else 0
"""


class TourPlace(Struct, frozen=True, kw_only=True):
    """Where the tour goes: a service, its operator's key, and how it reaches an example receiver."""

    api: str
    operator_key: str
    hook: str


class Guide:
    """Says what is done and does it, as one tenant of a service."""

    def __init__(self, place: TourPlace, key: str, pace_seconds: float) -> None:
        self.hook = place.hook
        self._environment = _environment(place, key)
        self._pace_seconds = pace_seconds
        self._number = 0

    def step(self, text: str) -> None:
        """Begin another step, after a time to read the last."""
        if self._number:
            time.sleep(self._pace_seconds)
        self._number += 1
        bold, plain = (BOLD, RESET) if sys.stdout.isatty() else ("", "")
        _print(f"\n{bold}{self._number}. {text}{plain}\n")

    def run(self, *arguments: str, exit_code: int = 0) -> str:
        """Show a command, run it, show and return what it prints. Raises LocalRunError."""
        _print(f"$ triggers {shlex.join(arguments)}")
        printed = _run(arguments, self._environment, exit_code)
        _print(printed.rstrip())
        return printed


def tour(guide: Guide) -> None:
    """Go through it all. Raises LocalRunError when something does not come out as it is told."""
    guide.step("A webhook wants all orders. Its receiver is down: it answers 503.")
    url = f"{guide.hook}/hook"
    made = guide.run("webhooks", "create", f"{url}/503", "--type", "order.*", "--retry", "1,2")
    webhook = _found(r"wh_\w+", made)

    guide.step("An event is sent. It is stored before the answer comes.")
    event = _found(r"evt_\w+", guide.run("events", "send", "order.created", "-d", '{"order": 1}'))

    guide.step("It fails, is tried again after 1 and 2 seconds, and each attempt says why.")
    guide.run("events", "show", event, "--watch", exit_code=1)

    guide.step("The receiver is mended. A test shows that it takes what is sent.")
    guide.run("webhooks", "update", webhook, "--url", url)
    guide.run("webhooks", "test", webhook)

    guide.step("Nothing was lost: the event is replayed, and arrives.")
    guide.run("replay", event, "--reason", "the receiver was down", "--watch")

    guide.step("What no webhook wants waits in the inbox, until it is pulled and acknowledged.")
    report = _found(r"evt_\w+", guide.run("events", "send", "report.ready", "-d", '{"report": 7}'))
    if report not in guide.run("inbox", "list"):
        raise LocalRunError(f"{report} is not in the inbox")
    guide.run("inbox", "ack", report)
    guide.run("inbox", "list")


def find_place(environ: Mapping[str, str]) -> TourPlace:
    """Return where to go. Raises LocalRunError, which says what to do."""
    if environ.get("API"):
        try:
            return TourPlace(
                api=environ["API"],
                operator_key=environ["OPERATOR_KEY"],
                hook=environ["HOOK"],
            )
        except KeyError as error:
            raise LocalRunError(f"API is set, but {error.args[0]} is not") from None
    return read_ready(environ, TourPlace)


def read_pace(environ: Mapping[str, str]) -> float:
    """Return the seconds to read each step, at most 60. Raises LocalRunError."""
    text = environ.get("PACE") or str(PACE_SECONDS if sys.stdout.isatty() else 0)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= PACE_SECONDS_MAX:  # which nan is not
        raise LocalRunError(f"PACE={text[:20]} is no number of seconds up to {PACE_SECONDS_MAX:g}")
    return seconds


@contextmanager
def tenant_of_the_tour(place: TourPlace) -> Iterator[str]:
    """Have a tenant while the context is open; yields its key. Raises LocalRunError."""
    environment = _environment(place, place.operator_key)
    made: Any = json.loads(_documents("tenants", "create", "tour", environment=environment))
    try:
        yield made["key"]
    finally:
        _documents("tenants", "delete", made["tenant_id"], "--yes", environment=environment)


def _environment(place: TourPlace, key: str) -> dict[str, str]:
    """Return ours with this service alone; colours where they can be seen."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("TRIGGERS_")}
    colours = {"FORCE_COLOR": "1"} if sys.stdout.isatty() and "NO_COLOR" not in ours else {}
    return ours | colours | {"TRIGGERS_API": place.api, "TRIGGERS_KEY": key}


def _documents(*arguments: str, environment: Mapping[str, str]) -> str:
    """Run a command that the tour does not show; return the JSON that it prints."""
    return _run(("--json", *arguments), environment, 0, notes=subprocess.PIPE)


def _run(
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    exit_code: int,
    *,
    notes: int = subprocess.STDOUT,
) -> str:
    ran = subprocess.run(
        (sys.executable, "-m", "triggers.cli", *arguments),
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=notes,
        text=True,
        cwd=ROOT,
        env=dict(environment),
        timeout=COMMAND_SECONDS_MAX,
    )
    if ran.returncode != exit_code:
        told = f"triggers {shlex.join(arguments)}: exit code {ran.returncode}, not {exit_code}"
        raise LocalRunError(f"{told}\n{ran.stdout}{ran.stderr or ''}")
    return ran.stdout


def _found(pattern: str, printed: str) -> str:
    found = re.search(pattern, printed)
    if found is None:
        raise LocalRunError(f"no {pattern} in:\n{printed}")
    return found[0]


def _print(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """Return the exit code: 0 when all came out as told, 1 when not."""
    argparse.ArgumentParser(
        prog="make demo",
        description=__doc__,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was made is taken away
    try:
        pace_seconds = read_pace(os.environ)
        place = find_place(os.environ)
        with tenant_of_the_tour(place) as key:
            tour(Guide(place, key, pace_seconds))
    except (LocalRunError, subprocess.TimeoutExpired) as problem:
        print(f"make demo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    _print("\nThat was all. Go on with docs/api.md, triggers listen and triggers --help.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
