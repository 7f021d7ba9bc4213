"""Real processes for tests, watched by what they print, stopped or killed by their own ids.

None outlives the tests, whatever happens to them.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from infra.local import launch
from infra.local.settings import ROOT

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.01
PYTHON = sys.executable
_NOT_INHERITED = ("AWS_", "TRIGGERS_")


def own_environment(*parts: Mapping[str, str]) -> dict[str, str]:
    """Return our environment without anybody's AWS account and settings, and with these parts."""
    inherited = {n: text for n, text in os.environ.items() if not n.startswith(_NOT_INHERITED)}
    for part in parts:
        inherited |= part
    return inherited | {"PYTHONUNBUFFERED": "1"}


async def until(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait for what happens in another process or task. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(POLL_SECONDS)


class Process:
    """A running process, in a folder of its own or ours. All that it prints goes to a file."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        folder: Path = ROOT,
    ) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(environment),
            )

    @property
    def process_id(self) -> int:
        """By which the operating system knows it."""
        return self._process.pid

    @property
    def processor_seconds(self) -> float:
        """What it has used of the processors so far: its CPU clock as Linux numbers it."""
        return time.clock_gettime((~self._process.pid << 3) | 2)

    @property
    def resident_bytes(self) -> int:
        """What it has of the machine's memory now."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    @property
    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self._process.poll() is None

    @property
    def printed(self) -> str:
        """All that it has printed so far."""
        return self._log.read_text(errors="replace")

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        """The JSON lines among it."""
        return [
            msgspec.json.decode(line)
            for line in self.printed.splitlines()
            if line.startswith("{") and line.endswith("}")
        ]

    def said(self, message: str) -> list[dict[str, Any]]:
        """Return the log lines whose message begins so."""
        return [line for line in self.log_lines if line["message"].startswith(message)]

    async def says(self, message: str) -> dict[str, Any]:
        """Wait for such a line and return the first."""
        await until(lambda: self.said(message) or not self.is_alive)
        lines = self.said(message)
        assert lines, f"it ended without saying {message!r}:\n{self.printed}"
        return lines[0]

    def interrupt_nobody(self) -> None:
        """Have it wait when it wakes for whoever runs: sched(7), SCHED_BATCH, where there is that."""
        if hasattr(os, "SCHED_BATCH"):
            for thread in Path(f"/proc/{self._process.pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_BATCH, os.sched_param(0))

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it as a lost machine would, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    async def end(self, seconds: float = WAIT_SECONDS) -> int:
        """Wait for its end and return the exit code."""
        await until(lambda: not self.is_alive, seconds)
        return self._process.returncode

    async def stop(self) -> int:
        """Ask it to stop, and wait."""
        self.send(signal.SIGTERM)
        return await self.end()


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path = ROOT
) -> Iterator[Process]:
    """Run a process while the context is open."""
    process = Process(command, environment, log, folder)
    try:
        yield process
    finally:
        if process.is_alive:
            process.kill()
