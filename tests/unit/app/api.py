"""The API in this process, on fakes: what the tests of `app` talk to."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import httpx
from msgspec import Struct

from app.edge import Edge
from tests.factories import (
    FakeClock,
    make_key,
    make_settings,
    make_tenant,
    make_view,
    make_webhook,
)
from tests.fakes import FakeResources, fake_resources, open_fake_resources
from tests.unit.app.kept_routes import app_on_kept_routes
from triggers.api_keys import TENANT_SCOPES, Scope
from triggers.settings import Settings
from triggers.tenants import Tenant


class Api(Struct, kw_only=True):
    """A running API. `client` sends the key of `tenant`, which has every scope of one."""

    app: Edge
    client: httpx.AsyncClient
    resources: FakeResources
    settings: Settings
    clock: FakeClock
    tenant: Tenant
    key: str

    async def accept(self, payload: str = '{"order": 1}', event_type: str = "order.created") -> str:
        """Send an event; returns its id."""
        body = f'{{"event_type": "{event_type}", "payload": {payload}}}'
        answer = await self.post("/v1/events", body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["event_id"])

    async def post(self, path: str, content: Any, **headers: str) -> httpx.Response:
        """Post a JSON text as it is."""
        sent = {"content-type": "application/json"} | headers
        return await self.client.post(path, content=content, headers=sent)

    def add_tenant(self, *scopes: Scope, **values: Any) -> tuple[Tenant, str]:
        """Add another tenant with a key and a webhook; returns it and its key."""
        tenant = make_tenant(**values)
        key, text = make_key(tenant.tenant_id, scopes=scopes or TENANT_SCOPES)
        webhook = make_webhook(url="https://127.0.0.1:9/")  # where nobody listens
        self.resources.control.keep(make_view(webhook, tenant=tenant, keys=(key,)))
        return tenant, text


def with_key(key: str) -> dict[str, str]:
    """Return the headers that carry a key."""
    return {"authorization": f"Bearer {key}"}


@asynccontextmanager
async def running_api(*, is_reachable: bool = True, **settings: Any) -> AsyncIterator[Api]:
    """Run the API with these settings, until it is ready unless the tables are out of reach."""
    clock = FakeClock()
    resources = fake_resources(clock)
    made = make_settings(**settings)
    opened = open_fake_resources(resources)
    if not is_reachable:
        resources.reachable.gate.clear()
    async with (
        app_on_kept_routes(made, open_resources=opened, clock=clock) as app,
        _lifespan(app),
        _client(app) as client,
    ):
        while is_reachable and (await client.get("/readiness")).status_code != 200:
            await asyncio.sleep(0)
        tenant = make_tenant()
        api = Api(
            app=app,
            client=client,
            resources=resources,
            settings=made,
            clock=clock,
            tenant=tenant,
            key="",
        )
        api.tenant, api.key = api.add_tenant()
        client.headers.update(with_key(api.key))
        yield api


def _client(app: Edge) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://api")


@asynccontextmanager
async def _lifespan(app: Edge) -> AsyncIterator[None]:
    """Start and stop the application as a server does, in a task of its own."""
    orders: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    reports: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    # It trusts nobody: to load a machine's authorities takes longer than most tests.
    with patch.dict(os.environ, SSL_CERT_FILE=os.devnull):
        task = asyncio.create_task(app({"type": "lifespan"}, orders.get, reports.put))
        orders.put_nowait({"type": "lifespan.startup"})
        assert (await reports.get())["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        orders.put_nowait({"type": "lifespan.shutdown"})
        assert (await reports.get())["type"] == "lifespan.shutdown.complete"
        with contextlib.suppress(asyncio.CancelledError):
            await task
