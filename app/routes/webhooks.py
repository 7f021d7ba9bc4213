"""Webhooks: where a tenant's events are delivered to."""

from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.bodies import SMALL_BODY_BYTES_MAX, read_body
from app.context import caller_of
from app.decoding import decode_json
from app.dependencies import Domain
from app.operations import IN_FORCE, describe
from app.queries import NoQuery, oldest_first, read_query
from app.wire.webhooks import (
    WebhookIn,
    WebhookList,
    WebhookOut,
    webhook_checks,
    webhook_of,
    webhook_to_wire,
)
from triggers.api_keys import Scope
from triggers.errors import NotFound

TAG = "Webhooks"


@post(
    "/webhooks",
    opt=describe(
        tag=TAG,
        summary="Create a webhook",
        description=f"{IN_FORCE} The secret is shown in this answer only.",
        scope=Scope.WEBHOOKS,
        body=WebhookIn,
        example={"url": "https://example.com/hooks", "event_types": ["order.*"]},
        answer=WebhookOut,
        shown=("secret",),
        headers={"Location": "Where the webhook can be read"},
        problems=("limit_reached",),
    ),
)
async def create_webhook(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> Response[WebhookOut]:
    """Create a webhook."""
    settings, caller = domain.settings, caller_of(request)
    body = await read_body(request, settings, bytes_max=SMALL_BODY_BYTES_MAX)
    sent = decode_json(WebhookIn, body, webhook_checks(settings))
    webhook = webhook_of(
        sent, settings=settings, now_ms=domain.clock(), random_bits=domain.random_bits
    )
    await domain.webhook_changes.create(caller.tenant.tenant_id, webhook, actor=caller.actor)
    headers = {"location": f"/v1/webhooks/{webhook.webhook_id}", "cache-control": "no-store"}
    return Response(webhook_to_wire(webhook, with_secret=True), headers=headers)


@get(
    "/webhooks",
    opt=describe(
        tag=TAG,
        summary="List the webhooks",
        scope=Scope.WEBHOOKS,
        query=NoQuery,
        answer=WebhookList,
    ),
)
async def list_webhooks(request: Request[Any, Any, Any]) -> WebhookList:
    """List the webhooks of the tenant, oldest first."""
    read_query(request, NoQuery)
    webhooks = oldest_first(caller_of(request).tenant_view.webhooks)
    return WebhookList(webhooks=[webhook_to_wire(webhook) for webhook in webhooks])


@get(
    "/webhooks/{webhook_id:str}",
    opt=describe(tag=TAG, summary="Read a webhook", scope=Scope.WEBHOOKS, answer=WebhookOut),
)
async def read_webhook(request: Request[Any, Any, Any], webhook_id: FromPath[str]) -> WebhookOut:
    """Show one webhook, without its secret."""
    webhook = caller_of(request).tenant_view.webhooks.get(webhook_id)
    if webhook is None:
        raise NotFound("webhook", webhook_id)
    return webhook_to_wire(webhook)


@delete(
    "/webhooks/{webhook_id:str}",
    opt=describe(tag=TAG, summary="Delete a webhook", description=IN_FORCE, scope=Scope.WEBHOOKS),
)
async def delete_webhook(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> None:
    """Delete a webhook."""
    caller = caller_of(request)
    await domain.webhook_changes.delete(caller.tenant.tenant_id, webhook_id, actor=caller.actor)


ROUTES = (
    create_webhook,
    list_webhooks,
    read_webhook,
    delete_webhook,
)
