"""What the tests of an event's way share."""

from collections.abc import AsyncIterator

import pytest

from tests.bench import Bench, open_bench
from tests.emulator import Emulator


@pytest.fixture
async def bench(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """Set up the way of an event, with a fault proxy in it."""
    async with open_bench(emulator, monkeypatch) as opened:
        yield opened
