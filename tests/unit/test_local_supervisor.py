"""The supervisor of `make run`: it keeps parts running, and leaves none behind."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from infra.local.settings import ROOT
from infra.local.supervisor import PAUSE_SECONDS_MAX, Part, Supervisor, describe_end, pause_seconds
from infra.local.terminal import Terminal
from tests.processes import WAIT_SECONDS, until

FOR_EVER = "import time; print('up', flush=True); time.sleep(3600)"


def python_part(code: str, name: str = "worker") -> Part:
    return Part(
        name=name,
        command=(sys.executable, "-c", code),
        environment=dict(os.environ),
        folder=Path(),
    )


class Run:
    """A supervisor, with what it printed and reported."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.changes: list[str] = []
        self.supervisor = Supervisor(Terminal(self.stream), self.changes.append)

    @property
    def printed(self) -> str:
        return self.stream.getvalue()

    @property
    def pid(self) -> int | None:
        return self.supervisor.pids.get("worker")


@asynccontextmanager
async def supervised(code: str) -> AsyncIterator[Run]:
    """Run one part until the block ends."""
    run = Run()
    run.supervisor.start(python_part(code))
    try:
        yield run
    finally:
        await run.supervisor.stop("worker")


def is_running(pid: int) -> bool:
    """Tell whether a process is there, and not merely waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def test_a_part_that_is_killed_starts_again_and_says_so() -> None:
    async with supervised(FOR_EVER) as run:
        await until(lambda: "up" in run.printed)
        first = run.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: run.printed.count("up") == 2)
        assert run.pid not in {first, None}
        assert "local    | worker was ended by SIGKILL: it starts again at once" in run.printed


async def test_a_part_that_keeps_ending_starts_again_after_a_pause() -> None:
    async with supervised("import sys; sys.exit(3)") as run:
        await until(lambda: "worker ended with code 3: it starts again in 0.5 s" in run.printed)
        await until(lambda: run.pid is None)


def test_the_pause_grows_up_to_a_bound() -> None:
    pauses = [pause_seconds(deaths) for deaths in range(1, 12)]
    assert pauses[:4] == [0, 0.5, 1, 2]
    assert pauses == sorted(pauses)
    assert pauses[-1] == PAUSE_SECONDS_MAX


def test_an_end_is_told_in_words() -> None:
    assert describe_end(-9) == "was ended by SIGKILL"
    assert describe_end(1) == "ended with code 1"


async def test_stopping_leaves_nothing_running_and_starts_nothing_again() -> None:
    async with supervised(FOR_EVER) as run:
        await until(lambda: "up" in run.printed)
        pid = run.pid
    assert pid is not None
    assert not is_running(pid)
    assert run.pid is None
    assert "starts again" not in run.printed


async def test_a_part_that_will_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.supervisor.STOP_SECONDS_MAX", 0.1)
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOR_EVER}"
    async with supervised(deaf) as run:
        await until(lambda: "up" in run.printed)
        pid = run.pid
    assert pid is not None
    assert not is_running(pid)
    assert "worker did not stop within 0.1 s: killed" in run.printed


async def test_what_a_part_prints_stands_under_its_name_however_long() -> None:
    run = Run()
    code = await run.supervisor.run(
        python_part("print('x' * 3_000_000); print('ü'); print('end', end='')")
    )
    lines = run.printed.splitlines()
    assert code == 0
    assert sum(line.count("x") for line in lines) == 3_000_000
    assert lines[-2:] == ["worker   | ü", "worker   | end"]


async def test_a_part_that_ends_takes_its_own_children_with_it() -> None:
    run = Run()
    parent = (
        "import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', {!r}]); print(c.pid)"
    )
    await run.supervisor.run(python_part(parent.format(FOR_EVER)))
    child = int(run.printed.partition("|")[2].split()[0])
    await until(lambda: not is_running(child))


async def test_a_run_that_is_cancelled_leaves_no_process() -> None:
    run = Run()
    running = asyncio.create_task(run.supervisor.run(python_part(FOR_EVER)))
    await until(lambda: "up" in run.printed)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert run.pid is not None
    assert not is_running(run.pid)


async def test_parts_do_not_outlive_a_supervisor_that_is_killed() -> None:
    supervise = f"""
import asyncio, os
from pathlib import Path
from infra.local.supervisor import Part, Supervisor
from infra.local.terminal import Terminal
async def main():
    supervisor = Supervisor(Terminal(), lambda name: print("pid", supervisor.pids[name], flush=True))
    code = {FOR_EVER!r}
    supervisor.start(Part(name="worker", command=({sys.executable!r}, "-c", code),
                          environment=dict(os.environ), folder=Path()))
    await asyncio.sleep(3600)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", supervise, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_SECONDS):
        pid = int((await process.stdout.readline()).split()[1])
        assert b"up" in await process.stdout.readline()
        process.kill()
        await process.wait()
    await until(lambda: not is_running(pid))
