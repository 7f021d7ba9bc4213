"""`python -m tests.unit.app.serve_fakes`: the API on fakes, as a process of its own.

Writes the tenant's key as a line of its own. An event of type `slow` takes half a second to be
stored, one of type `stuck` for ever.
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.main import create_app
from app.server import serve
from tests.factories import make_key, make_tenant, make_view
from tests.fakes import FakeEvents, fake_resources
from triggers.events import Event
from triggers.resources import Resources
from triggers.settings import Settings, read_settings
from triggers.telemetry import configure_logging


class SlowEvents(FakeEvents):
    async def insert(self, tenant_id: str, event: Event, *, due_ms: int, expires_s: int) -> None:
        seconds = {"slow": 0.5, "stuck": 3600}.get(event.event_type, 0)
        logging.getLogger("slow").info("inserting")
        await asyncio.sleep(seconds)
        await super().insert(tenant_id, event, due_ms=due_ms, expires_s=expires_s)


@asynccontextmanager
async def open_resources(_settings: Settings) -> AsyncIterator[Resources]:
    resources = fake_resources()
    tenant = make_tenant()
    key, text = make_key(tenant.tenant_id)
    resources.control.keep(make_view(tenant=tenant, keys=(key,)))
    _say(text)
    yield Resources(
        **{name: getattr(resources, name) for name in Resources.__struct_fields__}
        | {"events": SlowEvents()}
    )
    _say("closed")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    settings = read_settings(os.environ)
    configure_logging("app", settings.log_level)
    serve(create_app(settings, open_resources=open_resources), settings)


if __name__ == "__main__":
    main()
