"""Run the whole service on this machine, for `make run`. Everything listens on loopback alone."""

import argparse
import asyncio
import os
import signal
import sys

from infra.local.demo import Demo, make_demo
from infra.local.errors import LocalRunError
from infra.local.loopback import wait_until_ready
from infra.local.parts import NAMES, parts, pid_path, provision
from infra.local.ready import remove_ready, screen, write_ready
from infra.local.settings import LocalSettings, parts_environment, read_local_settings
from infra.local.supervisor import Supervisor
from infra.local.terminal import Terminal, ctrl_c_for_us_alone, has_ended
from triggers.settings import SettingsError, read_settings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RETRY_SECONDS = 1.0
HELP = """environment:
  API_PORT, RECEIVER_PORT, EMULATOR_PORT   ports, by default 8080, 9000 and 4566
  TRIGGERS_LOCAL_DIR         where ready.json goes, by default .local
  TRIGGERS_EMULATOR_PYTHON   the Python with the emulator, by default that of .venv-emulator
  TRIGGERS_…                 any setting of app and worker is handed on to them
"""


class LocalRun:
    """One run from start to stop."""

    def __init__(self, settings: LocalSettings, terminal: Terminal) -> None:
        self._settings = settings
        self._terminal = terminal
        self._environment = parts_environment(os.environ, settings)
        self._supervisor = Supervisor(terminal, self._on_change)
        self._settling: asyncio.Task[None] | None = None
        self._demo: Demo | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Keep all parts running until told to stop, then leave nothing behind."""
        self._settings.folder.mkdir(parents=True, exist_ok=True)
        remove_ready(self._settings.folder)
        self._terminal.say("local", f"starting {', '.join(NAMES)}")
        for part in parts(self._settings, self._environment):
            self._supervisor.start(part)
        await stop.wait()
        self._terminal.say("local", "stopping")
        self._begin_anew()
        # The emulator last: the others put away their work there.
        await self._supervisor.stop("app", "worker", "receiver")
        await self._supervisor.stop("emulator")
        pid_path(self._settings).unlink(missing_ok=True)  # the emulator has no time to do it

    def _on_change(self, name: str) -> None:
        """Keep ready.json true. An emulator that died has forgotten everything: settle again."""
        if name == "emulator":
            if self._settling is not None:
                self._terminal.say(
                    "local", "a fresh emulator is empty: tables and tenant are made anew"
                )
            self._begin_anew()
            if self._supervisor.pids["emulator"] is not None:
                self._settling = asyncio.create_task(self._settle(), name="settle")
                self._settling.add_done_callback(_show_failure)
        elif self._demo is not None and name in NAMES:
            self._write_ready(self._demo)

    def _begin_anew(self) -> None:
        self._demo = None
        remove_ready(self._settings.folder)
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    async def _settle(self) -> None:
        """Make what the parts need, wait until they answer, then tell the world."""
        while True:
            try:
                demo = await self._make_everything()
            except (LocalRunError, OSError) as problem:
                self._terminal.say("local", f"{problem}: trying again")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._tell(demo)
                return

    def _tell(self, demo: Demo) -> None:
        self._demo = demo
        self._write_ready(demo)
        folder, endpoints = self._settings.folder, self._settings.endpoints
        has_colour = self._terminal.has_colour
        self._terminal.show(screen(folder, endpoints, demo, stop="Ctrl-C", has_colour=has_colour))

    def _write_ready(self, demo: Demo) -> None:
        pids = {name: self._supervisor.pids.get(name) for name in NAMES}
        write_ready(self._settings.folder, self._settings.endpoints, demo, pids)

    async def _make_everything(self) -> Demo:
        settings = self._settings
        await wait_until_ready(f"{settings.emulator}/_localstack/health")
        if code := await self._supervisor.run(provision(self._environment)):
            raise LocalRunError(f"making tables and queues ended with code {code}")
        await wait_until_ready(f"{settings.api}/readiness")
        demo = await make_demo(settings.endpoints)
        await wait_until_ready(f"{settings.worker}/readiness")
        await wait_until_ready(f"{settings.receiver}/requests")
        return demo


async def run_until_told(settings: LocalSettings, terminal: int | None) -> None:
    """Run until Ctrl-C, SIGTERM or the end of the terminal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    if terminal is not None:
        loop.add_reader(terminal, _watch, terminal, stop)
    await LocalRun(settings, Terminal()).run(stop)


def _show_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.result()  # what it raises, the loop prints


def _watch(terminal: int, stop: asyncio.Event) -> None:
    if has_ended(terminal):
        asyncio.get_running_loop().remove_reader(terminal)
        stop.set()


def main() -> int:
    """Return the exit code: 0 after a stop, 1 when the run could not start."""
    argparse.ArgumentParser(
        prog="python -m infra.local",
        description=__doc__,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    try:
        settings = read_local_settings(os.environ)
        # One that is wrong would end app and worker again and again.
        read_settings(parts_environment(os.environ, settings))
    except (LocalRunError, SettingsError) as problem:
        print(f"make run: {problem}", file=sys.stderr)
        return 1
    with ctrl_c_for_us_alone() as terminal:
        asyncio.run(run_until_told(settings, terminal))
    return 0


if __name__ == "__main__":
    sys.exit(main())
