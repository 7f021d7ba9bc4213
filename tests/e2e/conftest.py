"""What the tests of real processes share."""

from collections.abc import AsyncIterator
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
