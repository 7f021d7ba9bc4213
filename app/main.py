"""The wiring of the API: one call makes the application from what it needs."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Litestar, Router
from litestar.di import Provide

from app.assets import content_of
from app.authentication import Authentication
from app.dependencies import (
    cursor_key,
    domain_of,
    keep_domain,
    keep_lifecycle,
    wire_domain,
)
from app.edge import Edge
from app.lifecycle import Lifecycle
from app.methods import Options
from app.openapi.document import document_of
from app.problems.answers import to_response
from app.routes import (
    audit,
    bulk,
    docs,
    events,
    inbox,
    jobs,
    keys,
    problems,
    recovery,
    replays,
    service,
    tenants,
    webhook_attempts,
    webhook_secrets,
    webhook_tests,
    webhooks,
)
from app.short_way import Api
from triggers.aws.resources import open_resources as open_aws_resources
from triggers.http.sender import open_session
from triggers.ids import RandomBits
from triggers.resources import OpenResources
from triggers.settings import Settings
from triggers.times import Clock, system_clock

VERSIONED = (
    *events.ROUTES,
    *bulk.ROUTES,
    *replays.ROUTES,
    *inbox.ROUTES,
    *webhooks.ROUTES,
    *webhook_secrets.ROUTES,
    *webhook_tests.ROUTES,
    *webhook_attempts.ROUTES,
    *recovery.ROUTES,
    *jobs.ROUTES,
    *keys.ROUTES,
    *audit.ROUTES,
    *tenants.ROUTES,
)
OPEN = (
    *service.ROUTES,
    *docs.ROUTES,
    *problems.ROUTES,
)


def create_app(
    settings: Settings,
    *,
    open_resources: OpenResources = open_aws_resources,
    clock: Clock = system_clock,
    random_bits: RandomBits = secrets.randbits,
) -> Edge:
    """Make the ASGI application. Its resources are opened when the server starts it.

    Raises SettingsError for settings that are wrong for the API alone.
    """
    cursor_key(settings, random_bits)
    lifecycle = Lifecycle()
    litestar = Api(
        [_versioned(), *OPEN],
        dependencies={
            "domain": Provide(lambda: domain_of(litestar.state), sync_to_thread=False),
            "lifecycle": Provide(lambda: lifecycle, sync_to_thread=False),
            "openapi_document": Provide(lambda: document, sync_to_thread=False),
        },
        middleware=[Options()],
        exception_handlers={Exception: to_response},
        lifespan=[_lifespan(settings, lifecycle, open_resources, clock, random_bits)],
        openapi_config=None,
        logging_config=None,
    )
    keep_lifecycle(litestar.state, lifecycle)
    document = content_of(document_of(litestar.routes), "application/json")
    return Edge(
        litestar, lifecycle, request_seconds=settings.request_seconds, random_bits=random_bits
    )


def _versioned() -> Router:
    """Return what is behind a key."""
    return Router("/v1", route_handlers=VERSIONED, middleware=[Authentication()])


def _lifespan(
    settings: Settings,
    lifecycle: Lifecycle,
    open_resources: OpenResources,
    clock: Clock,
    random_bits: RandomBits,
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Return what opens the resources, waits for them in the background, and closes them."""

    @asynccontextmanager
    async def lifespan(litestar: Litestar) -> AsyncIterator[None]:
        async with (
            open_resources(settings) as resources,
            open_session(
                connect_seconds=settings.attempt_connect_seconds, allowed=settings.networks
            ) as session,
        ):
            domain = wire_domain(settings, resources, session, clock=clock, random_bits=random_bits)
            keep_domain(litestar.state, domain)
            start = lifecycle.start_when_reachable(resources.reachable)
            starting = asyncio.create_task(start, name="start when reachable")
            try:
                yield
            finally:
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                await domain.views.close()
                await domain.rate_limits.close()
                await domain.key_use_log.close()

    return lifespan
