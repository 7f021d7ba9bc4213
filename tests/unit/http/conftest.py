"""What the tests of the sender share: the event loop that it runs on, and quick TLS."""

import asyncio
import os
from collections.abc import Callable, Mapping

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
