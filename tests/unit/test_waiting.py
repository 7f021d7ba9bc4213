"""The wait for the store: it says what it waits for, and nothing ends it but an answer."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from tests.fakes import FakeReachable
from triggers.errors import StoreUnavailable
from triggers.waiting import wait_until_reachable

_logger = logging.getLogger("waiting")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("triggers.waiting.PAUSE_SECONDS", 0)
    caplog.set_level(logging.INFO, "waiting")


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return why it said it waits."""
    assert {(record.message, record.levelname) for record in caplog.records} <= {
        ("waiting for the tables", "WARNING")
    }
    return [record.__dict__["fields"]["reason"] for record in caplog.records]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_it_says_once_what_it_waits_for_and_not_at_every_look(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reachable = FakeReachable()
    reachable.failing = StoreUnavailable("DescribeTable events")
    waiting = asyncio.create_task(wait_until_reachable(reachable, _logger))
    await until(lambda: reachable.calls["check"] >= 5)
    assert not waiting.done()
    reachable.failing = None
    await waiting
    assert reasons(caplog) == ["store unavailable: DescribeTable events"]


async def test_it_survives_what_nobody_foresaw_and_what_hangs(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triggers.waiting.SAY_SO_SECONDS", 0)
    monkeypatch.setattr("triggers.waiting.CHECK_SECONDS", 0.01)
    reachable = FakeReachable()
    reachable.gate.clear()
    waiting = asyncio.create_task(wait_until_reachable(reachable, _logger))
    await until(lambda: "no answer within 0.01 seconds" in reasons(caplog))
    reachable.failing = ZeroDivisionError("x")  # type: ignore[assignment]
    reachable.gate.set()
    await until(lambda: "ZeroDivisionError: x" in reasons(caplog))
    reachable.failing = None
    await waiting


async def test_it_can_be_given_up() -> None:
    reachable = FakeReachable()
    reachable.gate.clear()
    waiting = asyncio.create_task(wait_until_reachable(reachable, _logger))
    await until(lambda: reachable.calls["check"])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
