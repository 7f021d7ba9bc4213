"""What the tests of the worker share: the event loop that it runs on, quick TLS, short pauses."""

import asyncio
import gc
import os
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def _no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust nobody: to load a machine's authorities takes longer than most tests."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.finishing.PAUSE_SECONDS_FIRST", 0.001)
    monkeypatch.setattr("worker.finishing.SAVE_SECONDS_MAX", 0.05)


@pytest.fixture(autouse=True)
def _garbage_is_looked_for_as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
