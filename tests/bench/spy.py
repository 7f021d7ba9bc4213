"""py-spy: it looks from outside at what running processes do, many times a second.

Only samples count in which a thread holds the interpreter's lock: py-spy also takes for busy a thread of a
library that only waits. It could show the code in C by itself, but then sees writes to sockets several times
as often as all calls of the kernel together are of the processor time.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from infra.local.settings import ROOT
from tests.bench.stacks import Stacks, read_stacks
from tests.processes import PYTHON, Process, own_environment, running

PY_SPY = Path(PYTHON).with_name("py-spy")
SAMPLES_A_SECOND = 250
ATTACH_SECONDS = 60.0  # it reads the symbols of every library first
_REFUSALS = ("permission denied", "not permitted", "requires root", "elevated permissions")


class SpyError(Exception):
    """The processes cannot be looked at; the text says why, and what helps."""


def check_access(pid: int) -> None:
    """Look once at a process, best our own, which is as closed to py-spy as others. Raises SpyError."""
    try:
        looked = subprocess.run(
            (PY_SPY, "dump", "--pid", str(pid)),
            capture_output=True,
            check=False,
            text=True,
            timeout=ATTACH_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpyError(f"py-spy cannot be run: {error}") from error
    if looked.returncode:
        raise SpyError(reason_of(looked.stderr))


async def sample(
    parts: Mapping[str, Sequence[Process]], folder: Path, seconds: float
) -> dict[str, Stacks]:
    """Look at all processes for so many seconds; those of a part are added up. Raises SpyError."""
    files: dict[Path, str] = {}
    with ExitStack() as stack:
        spies = []
        for part, processes in parts.items():
            for process in processes:
                file = folder / f"{process.process_id}.json"
                files[file] = part
                spies.append(stack.enter_context(_spying(process.process_id, file, seconds)))
        for spy in spies:
            if await spy.end(seconds + ATTACH_SECONDS):
                raise SpyError(reason_of(spy.printed))
    found = {part: Stacks() for part in parts}
    for file, part in files.items():
        found[part] += read_stacks(file.read_bytes(), (str(ROOT), *sys.path))
    return found


def _spying(pid: int, file: Path, seconds: float) -> AbstractContextManager[Process]:
    command = (
        *(str(PY_SPY), "record", "--gil", "--format", "speedscope", "--output", str(file)),
        *("--pid", str(pid), "--duration", f"{seconds:.0f}", "--rate", str(SAMPLES_A_SECOND)),
    )
    return running(command, own_environment(), file.with_suffix(".log"))


def reason_of(printed: str) -> str:
    """Return in one sentence why py-spy has failed, and what to do if it may not look."""
    if any(refusal in printed.lower() for refusal in _REFUSALS):
        return (
            "py-spy may not look into other processes: run as root (macOS: with sudo), or allow it with "
            "`sysctl -w kernel.yama.ptrace_scope=0`; in a container, with the capability SYS_PTRACE"
        )
    lines = printed.strip().splitlines()
    return f"py-spy failed: {lines[-1] if lines else 'it says nothing'}"
