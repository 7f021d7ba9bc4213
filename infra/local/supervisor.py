"""Keeps processes running: starts them, starts again what dies, stops them all."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from msgspec import Struct

from infra.local import launch
from infra.local.terminal import Terminal

STEADY_SECONDS = 10.0  # who lived this long starts again without a pause
PAUSE_SECONDS_MAX = 15.0
STOP_SECONDS_MAX = 5.0
LINE_BYTES_MAX = 1 << 20


class Part(Struct, frozen=True, kw_only=True):
    """A process to keep: its name, its command and its whole environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    stop_signal: signal.Signals = signal.SIGTERM


def pause_seconds(deaths: int) -> float:
    """How long to wait after so many deaths in a row: none after the first, then longer and longer."""
    return 0.0 if deaths <= 1 else min(0.25 * 2.0 ** (deaths - 1), PAUSE_SECONDS_MAX)


def describe_end(code: int) -> str:
    """Say how a process ended."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


class Supervisor:
    """Runs parts until `stop`. `pids` says who runs now; `on_change` hears whenever it changed."""

    def __init__(self, terminal: Terminal, on_change: Callable[[str], None]) -> None:
        self.pids: dict[str, int | None] = {}
        self._terminal = terminal
        self._on_change = on_change
        self._stopping = asyncio.Event()
        self._parts: dict[str, Part] = {}
        self._processes: dict[str, Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}

    def start(self, part: Part) -> None:
        """Start a part, and again whenever it has died."""
        self._parts[part.name] = part
        self._keepers[part.name] = asyncio.create_task(self._keep(part), name=part.name)

    async def stop(self, *names: str) -> None:
        """Stop these parts together, by force when they take too long. Nothing starts again."""
        self._stopping.set()
        keepers = {self._keepers[name] for name in names}
        for name in self._alive(names):
            self._processes[name].send_signal(self._parts[name].stop_signal)
        await asyncio.wait(keepers, timeout=STOP_SECONDS_MAX)
        for name in self._alive(names):
            self._processes[name].kill()
            self._terminal.say(
                "local", f"{name} did not stop within {STOP_SECONDS_MAX:g} s: killed"
            )
        await asyncio.gather(*keepers)

    async def run(self, part: Part) -> int:
        """Run a process to its end, showing what it prints; return its exit code."""
        # Our own pipe, not asyncio's: a grandchild that holds it open must not hold up `wait`.
        reading, writing = os.pipe()
        printing = asyncio.create_task(self._print(part.name, reading))
        try:
            process = await self._spawn(part, writing)
        finally:
            os.close(writing)
        try:
            code = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # itself when we are cancelled; its children
            await process.wait()
            await asyncio.wait({printing}, timeout=1)  # for its last words
            printing.cancel()
        return code

    async def _spawn(self, part: Part, output: int) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *part.command),
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            cwd=part.folder,
            env=part.environment,
            process_group=0,  # the terminal's Ctrl-C is for us: we stop the parts in order
        )
        self._processes[part.name] = process
        self._change(part.name, process.pid)
        if self._stopping.is_set():
            process.send_signal(part.stop_signal)
        return process

    async def _keep(self, part: Part) -> None:
        deaths = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            code = await self.run(part)
            self._change(part.name, None)
            if self._stopping.is_set():
                break
            deaths = 1 if time.monotonic() - started > STEADY_SECONDS else deaths + 1
            await self._pause(part.name, describe_end(code), pause_seconds(deaths))

    async def _pause(self, name: str, end: str, seconds: float) -> None:
        when = f"in {seconds:g} s" if seconds else "at once"
        self._terminal.say("local", f"{name} {end}: it starts again {when}")
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)

    def _change(self, name: str, pid: int | None) -> None:
        self.pids[name] = pid
        self._on_change(name)

    def _alive(self, names: tuple[str, ...]) -> list[str]:
        return [n for n, p in self._processes.items() if n in names and p.returncode is None]

    async def _print(self, name: str, reading: int) -> None:
        async for line in _lines(reading):
            self._terminal.say(name, line.decode(errors="replace"))


async def _lines(reading: int) -> AsyncIterator[bytes]:
    """Yield the lines of a pipe, cut where one has no end."""
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb")
    )
    rest = b""
    try:
        while chunk := await stream.read(LINE_BYTES_MAX):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
            if len(rest) > LINE_BYTES_MAX:
                yield rest
                rest = b""
        if rest:
            yield rest
    finally:
        transport.close()
