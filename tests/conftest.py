"""What all tests share."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.emulator import Emulator, go_to, run_emulator

# The machine may be busy, so no deadline; and a run that was green stays green.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")

# A shell that runs the tests in the background has them ignore Ctrl-C, and so every process they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

CONTAINERS = Path(__file__).with_name("containers")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests that need an engine and minutes, unless they are named: `make containers`."""
    is_named = any(CONTAINERS.name in argument for argument in config.args)
    return True if collection_path == CONTAINERS and not is_named else None


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Callable[[object], None]:
    """Return what writes a line to the terminal, past pytest's capturing."""
    capturing = pytestconfig.pluginmanager.getplugin("capturemanager")

    def write(line: object) -> None:
        with capturing.global_and_fixture_disabled():
            sys.stdout.write(f"\n  {line}\n")

    return write


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Run the AWS emulator for the session. A test in it takes a `name_prefix` of its own.

    EMULATOR_URL names another that runs already, such as LocalStack: see `make contract`.
    """
    if url := os.environ.get("EMULATOR_URL"):
        yield Emulator(url)
        return
    with run_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def aws(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Have this process's own AWS clients go to the emulator."""
    go_to(emulator.url, monkeypatch)
    return emulator
