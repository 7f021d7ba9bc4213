"""What the tests of real processes share."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.deployment import SHORT_TIMES, Deployment, open_deployment
from tests.emulator import Emulator


@pytest.fixture
async def deployment(
    request: pytest.FixtureRequest,
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Deployment]:
    """Have tables and queues, and no process yet; a test's parameter changes the environment.

    At the end every log must be clean.
    """
    environment = getattr(request, "param", SHORT_TIMES)
    async with open_deployment(emulator.url, tmp_path, environment) as opened:
        await opened.provision(monkeypatch)
        yield opened
        opened.assert_clean_logs()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[object], None]:
    """Return what writes a line to the terminal, past pytest's capturing."""

    def write(line: object) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {line}\n")

    return write
