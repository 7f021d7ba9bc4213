"""What the search for garbage is spared: it stops the loop, and takes longer the more it finds."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from app.context import RequestContext
from app.lifecycle import Lifecycle
from app.main import create_app
from app.server import Server, config_of
from infra.local.loopback import free_port
from tests.factories import make_settings
from tests.fakes import fake_resources, open_fake_resources
from tests.unit.app.serving import connected
from triggers.garbage import YOUNG_OBJECTS_MAX


@pytest.fixture(autouse=True)
def _garbage_is_looked_for_as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.enable()
    gc.set_threshold(*threshold)


async def test_a_request_leaves_nothing_behind_that_only_the_search_would_find() -> None:
    async with connected(keep_alive_seconds=60) as (reader, writer):
        gc.collect()
        gc.disable()
        before = contexts()  # of other tests, as far as something holds them
        for _ in range(3):
            writer.write(b"GET /liveness HTTP/1.1\r\nhost: x\r\n\r\n")
            await reader.readuntil(b"}")
        left = contexts() - before
    assert left <= 1  # the connection holds its last request


def contexts() -> int:
    """Count the requests that are in memory."""
    return sum(isinstance(found, RequestContext) for found in gc.get_objects())


async def test_once_it_listens_the_server_spares_it_what_is_kept() -> None:
    settings = make_settings(api_port=free_port())
    app = create_app(settings, open_resources=open_fake_resources(fake_resources()))
    server = Server(config_of(app, settings), Lifecycle(), serve_on_seconds=0)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    assert gc.get_freeze_count()
    assert gc.get_threshold()[0] == YOUNG_OBJECTS_MAX
    server.should_exit = True
    await serving
