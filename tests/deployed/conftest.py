"""The deployment that the suite goes to, and a tenant of it."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import msgspec
import pytest

from tests.deployed.journal import Journal
from tests.deployed.place import ANSWER_SECONDS_MAX, GIVEN, DeployedPlace, read_seconds
from tests.deployed.tenant import Tenant
from tests.local_service import run_local_service


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedPlace]:
    """Return the place that was given, else run a service for these tests."""
    if given := os.environ.get(GIVEN):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was made is taken away
        yield msgspec.json.decode(given, type=DeployedPlace)
        return
    with run_local_service(tmp_path_factory.mktemp("service")) as ready:
        yield msgspec.convert(ready, DeployedPlace)


@pytest.fixture(scope="package")
def journal(place: DeployedPlace, say: Callable[[object], None]) -> Iterator[Journal]:
    """Return the journal of this run, and sum it up at the end."""
    journal = Journal(write=say)
    yield journal
    journal.sum_up(place.api)


@pytest.fixture
async def tenant(place: DeployedPlace, journal: Journal) -> AsyncIterator[Tenant]:
    """Return the tenant; the webhooks that it makes are taken away, whatever happens."""
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX) as client:
        tenant = Tenant(place, client, journal, read_seconds(os.environ))
        try:
            yield tenant
        finally:
            await tenant.take_webhooks_away()
