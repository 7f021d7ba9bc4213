"""The files that the guide has its reader save, run as they stand there."""

import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from infra.local.loopback import HOST, free_port
from infra.local.settings import ROOT
from tests.guide.documents import read_sections
from tests.guide.reader import shell_environment
from tests.processes import Process, running, until

GUIDE = ROOT / "docs/api.md"
RUN_SECONDS_MAX = 60.0


def save(name: str, folder: Path) -> None:
    """Save a file of the guide."""
    blocks = [block for section in read_sections(GUIDE) for block in section.blocks]
    [text] = [block.text for block in blocks if block.file == name]
    (folder / name).write_text(text)


def run(command: Sequence[str], folder: Path, **own: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env=shell_environment(**own),
        timeout=RUN_SECONDS_MAX,
    )


@asynccontextmanager
async def listening(
    command: Sequence[str], folder: Path, **own: str
) -> AsyncIterator[tuple[int, Process]]:
    """Run a receiver while the context is open; yields its port once it listens."""
    port = free_port()
    environment = shell_environment(PORT=str(port), **own)
    program = shutil.which(command[0], path=environment["PATH"])
    assert program is not None
    with running((program, *command[1:]), environment, folder / "log", folder) as process:
        await until(lambda: _listens(port) or not process.is_alive)
        assert process.is_alive, process.printed
        yield port, process


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
