"""Webhooks: where a tenant's events are delivered to."""

from typing import Any

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET

from app.bodies import SMALL_BODY_BYTES_MAX, read_body
from app.context import caller_of
from app.decoding import decode_json
from app.dependencies import Domain
from app.operations import IN_FORCE, describe
from app.preconditions import read_if_match
from app.queries import oldest_first
from app.wire.webhook_fields import webhook_checks
from app.wire.webhooks import (
    WebhookIn,
    WebhookList,
    WebhookOut,
    WebhookPatch,
    values_of,
    webhook_of,
    webhook_to_wire,
)
from triggers.api_keys import Scope
from triggers.errors import NotFound
from triggers.jobs import Job
from triggers.webhooks import Webhook

TAG = "Webhooks"
ETAG = {"ETag": "Its present state; send it as `If-Match` with a change"}
_IF_MATCH = "With `If-Match` it is refused (412) when the webhook has changed since it was read."


@post(
    "/webhooks",
    opt=describe(
        tag=TAG,
        summary="Create a webhook",
        description=f"{IN_FORCE} The secret is in this answer, and later in that of `GET …/secret`.",
        scope=Scope.WEBHOOKS,
        body=WebhookIn,
        example={"url": "https://example.com/hooks", "event_types": ["order.*"]},
        answer=WebhookOut,
        shown=("secret",),
        headers={"Location": "Where the webhook can be read", **ETAG},
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
    headers = {
        "location": f"/v1/webhooks/{webhook.webhook_id}",
        "cache-control": "no-store",
        "etag": webhook.tag,
    }
    return Response(webhook_to_wire(webhook, with_secret=True), headers=headers)


@get(
    "/webhooks",
    opt=describe(
        tag=TAG,
        summary="List the webhooks",
        scope=Scope.WEBHOOKS,
        answer=WebhookList,
    ),
)
async def list_webhooks(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> WebhookList:
    """List the webhooks of the tenant, oldest first."""
    view = caller_of(request).tenant_view
    since = await domain.failing_webhooks.since(view.tenant_id, view.webhooks)
    return WebhookList(
        webhooks=[
            webhook_to_wire(webhook, failing_ms=since.get(webhook.webhook_id))
            for webhook in oldest_first(view.webhooks)
        ]
    )


@get(
    "/webhooks/{webhook_id:str}",
    opt=describe(
        tag=TAG,
        summary="Read a webhook",
        description="Without its secret.",
        scope=Scope.WEBHOOKS,
        answer=WebhookOut,
        headers=ETAG,
    ),
)
async def read_webhook(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> Response[WebhookOut]:
    """Show one webhook, without its secret."""
    webhook = webhook_of_caller(request, webhook_id)
    return await show(domain, caller_of(request).tenant.tenant_id, webhook)


@patch(
    "/webhooks/{webhook_id:str}",
    opt=describe(
        tag=TAG,
        summary="Change a webhook",
        description=f"What is left out stays as it is; lists and headers are replaced whole. "
        f"{IN_FORCE} {_IF_MATCH} Its secret is changed by a rotation alone.",
        scope=Scope.WEBHOOKS,
        request_headers=("If-Match",),
        body=WebhookPatch,
        example={"event_types": ["order.*", "invoice.paid"], "description": "Orders"},
        answer=WebhookOut,
        headers=ETAG,
        problems=("precondition_failed",),
    ),
)
async def update_webhook(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> Response[WebhookOut]:
    """Change a webhook."""
    settings, caller, tags = domain.settings, caller_of(request), read_if_match(request)
    body = await read_body(request, settings, bytes_max=SMALL_BODY_BYTES_MAX)
    sent = decode_json(WebhookPatch, body, webhook_checks(settings))
    tenant_id, before = caller.tenant.tenant_id, webhook_of_caller(request, webhook_id)
    webhook = await domain.webhook_changes.update(
        tenant_id,
        webhook_id,
        values_of(sent, settings),
        enabled=None if sent.enabled is UNSET else sent.enabled,
        tags=tags,
        actor=caller.actor,
    )
    if webhook.enablings == before.enablings:
        return await show(domain, tenant_id, webhook)
    await domain.failing_webhooks.clear(tenant_id, webhook_id)
    job = await domain.recoveries.release(tenant_id, webhook)
    return await show(domain, tenant_id, webhook, job)


@delete(
    "/webhooks/{webhook_id:str}",
    opt=describe(
        tag=TAG,
        summary="Delete a webhook",
        description=f"{IN_FORCE} {_IF_MATCH}",
        scope=Scope.WEBHOOKS,
        request_headers=("If-Match",),
        problems=("precondition_failed",),
    ),
)
async def delete_webhook(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> None:
    """Delete a webhook."""
    caller, tags = caller_of(request), read_if_match(request)
    await domain.webhook_changes.delete(
        caller.tenant.tenant_id, webhook_id, tags=tags, actor=caller.actor
    )


def webhook_of_caller(request: Request[Any, Any, Any], webhook_id: str) -> Webhook:
    """Return a webhook of the caller's tenant. Raises NotFound."""
    webhook = caller_of(request).tenant_view.webhooks.get(webhook_id)
    if webhook is None:
        raise NotFound("webhook", webhook_id)
    return webhook


async def show(
    domain: Domain, tenant_id: str, webhook: Webhook, job: Job | None = None
) -> Response[WebhookOut]:
    """Answer with a webhook in its present state, and the job that delivers what was held for it."""
    since = await domain.failing_webhooks.since(tenant_id, [webhook.webhook_id])
    out = webhook_to_wire(webhook, failing_ms=since.get(webhook.webhook_id), job=job)
    return Response(out, headers={"etag": webhook.tag})


ROUTES = (
    create_webhook,
    list_webhooks,
    read_webhook,
    update_webhook,
    delete_webhook,
)
