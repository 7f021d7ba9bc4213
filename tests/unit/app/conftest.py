"""What nearly every test of `app` needs."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.app.api import Api, running_api
from triggers.control import ControlPlane
from triggers.rate_limits import RateLimit
from triggers.tenants import LIMITS_BY_TIER, Tier


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running_api() as running:
        yield running


@pytest.fixture
async def calm_api(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Run the API for many calls: none is too many, no view too old soon, and no change waits."""
    monkeypatch.setitem(LIMITS_BY_TIER, Tier.FREE, RateLimit(per_second=10_000, burst=1_000_000))
    monkeypatch.setattr("triggers.control.ControlPlane.change", ControlPlane.write)
    async with running_api(control_age_max_seconds=5) as running:
        yield running
