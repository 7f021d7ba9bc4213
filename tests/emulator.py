"""The AWS emulator: one process for all the tests of a session, in which each has names of its own."""

import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aioboto3
import pytest

from infra.local.loopback import HOST, free_port
from infra.local.parts import EMULATOR_ENVIRONMENT
from infra.local.settings import ROOT
from tests.processes import Process, own_environment, running

START_SECONDS = 20.0
PYTHON = ROOT / ".venv-emulator/bin/python"
# One for all clients: each session reads AWS's models from the disk anew.
_session = aioboto3.Session(region_name="us-east-1")


@dataclass(frozen=True)
class Emulator:
    """Where the emulator is; and its process, when it is ours."""

    url: str
    process: Process | None = None


def aws_environment(url: str) -> dict[str, str]:
    """Return the variables by which AWS's clients find an emulator, or a proxy before it."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def go_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process's own AWS clients go to an emulator, or a proxy before it.

    They leave out what they do at length and plain HTTP on loopback has no use for.
    """
    for name, text in aws_environment(url).items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr("triggers.aws.clients.aioboto3.Session", lambda **_: _session)
    for load in ("load_verify_locations", "set_default_verify_paths"):
        monkeypatch.setattr(ssl.SSLContext, load, lambda *_, **__: None)


@contextmanager
def run_emulator(folder: Path, port: int | None = None) -> Iterator[Emulator]:
    """Run an emulator with its own folder while the context is open."""
    port = port or free_port()
    own = {
        **EMULATOR_ENVIRONMENT,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "DOCKER_HOST": "unix:///nonexistent.sock",
        "TMPDIR": str(folder),
    }
    command = (str(PYTHON), "-m", "infra.local.emulator")
    with running(command, own_environment(own), folder / "emulator.log") as process:
        emulator = Emulator(f"http://{HOST}:{port}", process)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(emulator.url):
            assert process.is_alive, process.printed
            assert time.monotonic() < deadline, "the emulator did not start in time"
            time.sleep(0.02)
        yield emulator


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_localstack/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
