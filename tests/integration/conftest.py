"""What the tests of an event's way share."""

from collections.abc import AsyncIterator

import pytest

from tests.emulator import Emulator
from tests.testbed import Bench, open_bench


@pytest.fixture
async def bench(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """Set up the way of an event, with a fault proxy in it."""
    async with open_bench(emulator, monkeypatch) as opened:
        yield opened
