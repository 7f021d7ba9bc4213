"""What nearly every test of `app` needs."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.app.api import Api, running_api
from triggers.control import ControlPlane


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running_api() as running:
        yield running


@pytest.fixture
async def calm_api(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Run the API for many calls: what it knows is not too old soon, and no change waits."""
    monkeypatch.setattr("triggers.control.ControlPlane.change", ControlPlane.write)
    async with running_api(control_age_max_seconds=5) as running:
        yield running
