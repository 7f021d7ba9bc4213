"""A whole local run, with stand-ins for the service and the emulator."""

import asyncio
import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local import __main__ as local
from infra.local.parts import pid_path
from infra.local.ready import ready_path
from infra.local.settings import LocalSettings
from infra.local.supervisor import Part
from infra.local.terminal import Terminal
from tests.local_runs import free_ports, local_settings
from tests.processes import WAIT_SECONDS, until

SERVER = """
import http.server, json, sys
ANSWER = json.dumps({"key": "trg_k_s", "webhook_id": "wh_1"}).encode()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.answer(200)
    def do_POST(self): self.rfile.read(int(self.headers["content-length"])); self.answer(201)
    def answer(self, status):
        self.send_response(status); self.send_header("content-length", str(len(ANSWER)))
        self.end_headers(); self.wfile.write(ANSWER)
    def log_message(self, *arguments): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def python_part(name: str, *arguments: str) -> Part:
    command = (sys.executable, "-c", *arguments)
    return Part(name=name, command=command, environment=dict(os.environ), folder=Path())


def stand_ins(settings: LocalSettings, _environment: object) -> list[Part]:
    ports = {
        "emulator": settings.emulator_port,
        "app": settings.api_port,
        "worker": settings.worker_port,
        "receiver": settings.receiver_port,
    }
    return [python_part(name, SERVER, str(port)) for name, port in ports.items()]


class Run:
    """A local run of stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.settings = local_settings(folder)
        self.stream = io.StringIO()
        self.stop = asyncio.Event()
        self.local = local.LocalRun(self.settings, Terminal(self.stream))

    @property
    def printed(self) -> str:
        return self.stream.getvalue()

    def pid(self, name: str) -> int | None:
        """Return what ready.json says; None where it says nothing."""
        try:
            pid: int | None = json.loads(ready_path(self.settings.folder).read_text())["pids"][name]
        except FileNotFoundError:
            return None
        return pid


@pytest.fixture
def provisioned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let stand-ins run; each making of the tables leaves a line in this file."""
    log = tmp_path / "provisioned"
    note = f"open({str(log)!r}, 'a').write('made\\n')"
    monkeypatch.setattr(local, "parts", stand_ins)
    monkeypatch.setattr(local, "provision", lambda _: python_part("local", note))
    return log


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Run]:
    """Run until the block ends."""
    run = Run(folder)
    task = asyncio.create_task(run.local.run(run.stop))
    try:
        yield run
    finally:
        run.stop.set()
        await task


async def test_when_all_answer_the_run_is_ready_and_says_so(
    provisioned: Path, tmp_path: Path
) -> None:
    async with running(tmp_path / "local") as run:
        await until(lambda: "Ready." in run.printed)
        assert provisioned.read_text() == "made\n"
        pids = [run.pid(name) for name in ("app", "worker", "emulator", "receiver")]
        assert None not in pids
    assert list((tmp_path / "local").iterdir()) == []


async def test_ready_json_follows_a_part_that_starts_again(
    provisioned: Path, tmp_path: Path
) -> None:
    async with running(tmp_path) as run:
        await until(lambda: run.pid("worker"))
        before = run.pid("worker")
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await until(lambda: run.pid("worker") not in {before, None})
    assert provisioned.read_text() == "made\n"


async def test_a_fresh_emulator_gets_tables_and_tenant_anew(
    provisioned: Path, tmp_path: Path
) -> None:
    async with running(tmp_path) as run:
        await until(lambda: run.pid("emulator"))
        before = run.pid("emulator")
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await until(lambda: run.printed.count("Ready.") == 2)
        assert run.pid("emulator") not in {before, None}
    assert "a fresh emulator is empty: tables and tenant are made anew" in run.printed
    assert provisioned.read_text() == "made\nmade\n"


async def test_what_fails_on_the_way_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, provisioned: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(local, "RETRY_SECONDS", 0.01)
    once = f"import pathlib, sys; p = pathlib.Path({str(provisioned)!r})"
    fails_once = f"{once}; seen = p.exists(); p.touch(); sys.exit(0 if seen else 4)"
    monkeypatch.setattr(local, "provision", lambda _: python_part("local", fails_once))
    async with running(tmp_path) as run:
        await until(lambda: "Ready." in run.printed)
    assert "making tables and queues ended with code 4: trying again" in run.printed


@pytest.mark.usefixtures("provisioned")
async def test_a_run_stopped_before_it_is_ready_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = "import os, time; print('making', os.getpid(), flush=True); time.sleep(3600)"
    monkeypatch.setattr(local, "provision", lambda _: python_part("local", slow))
    async with running(tmp_path / "local") as run:
        await until(lambda: "making" in run.printed)
    pid = int(run.printed.partition("making")[2].split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert "Ready." not in run.printed
    assert list((tmp_path / "local").iterdir()) == []


async def test_ready_json_never_names_a_process_that_is_dead(
    monkeypatch: pytest.MonkeyPatch, provisioned: Path, tmp_path: Path
) -> None:
    async with running(tmp_path) as run:
        await until(lambda: run.pid("worker"))
        before = run.pid("worker")
        assert before is not None
        named: list[int | None] = []
        start_again = run.local._supervisor._pause

        async def note(*values: Any) -> None:
            named.append(run.pid("worker"))
            await start_again(*values)

        monkeypatch.setattr(run.local._supervisor, "_pause", note)
        os.kill(before, signal.SIGKILL)
        await until(lambda: run.pid("worker") not in {before, None})
        assert named == [None]
    assert provisioned.read_text() == "made\n"


async def test_the_emulators_pid_file_goes_with_it(provisioned: Path, tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await until(lambda: "Ready." in run.printed)
        pid_path(run.settings).write_text("1")
    assert list(tmp_path.iterdir()) == [provisioned]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"API_PORT": "none"}, "API_PORT=none is no port: a number from 1 to 65535 is"),
        ({"TRIGGERS_SWEEP_SECONDS": "x"}, "TRIGGERS_SWEEP_SECONDS: "),
        ({"TRIGGERS_SWEP_SECONDS": "1"}, "TRIGGERS_SWEP_SECONDS is no setting"),
    ],
)
async def test_what_is_wrong_ends_the_command_before_anything_starts(
    tmp_path: Path, wrong: dict[str, str], told: str
) -> None:
    own = {"TRIGGERS_LOCAL_DIR": str(tmp_path), "TRIGGERS_EMULATOR_PYTHON": sys.executable}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.local"),
        env=os.environ | free_ports() | own | wrong,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed, complained = await asyncio.wait_for(process.communicate(), WAIT_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert (process.returncode, printed) == (1, b"")
    assert complained.decode().startswith(f"make run: {told}")
    assert complained.count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []
