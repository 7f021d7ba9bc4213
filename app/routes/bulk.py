"""Bulk calls: many events in one request, each accepted, acknowledged or deleted by itself."""

from functools import partial
from typing import Any

from litestar import Request, delete, post
from litestar.di import NamedDependency
from litestar.types import ASGIApp

from app.bodies import SMALL_BODY_BYTES_MAX, read_body
from app.bulk import PARTLY, Change, accept_each, answer_with, change_each
from app.context import RequestContext, caller_of, context_of
from app.decoding import decode_json
from app.dependencies import Domain
from app.operations import describe
from app.preferences import refuse_idempotency_key
from app.rate_limiting import admit
from app.wire.bulk import BulkOut, EventBatchIn, EventIdsIn, raw_events_of
from app.wire.drafts import draft_of
from triggers.api_keys import Scope
from triggers.idempotency import Accepted
from triggers.tenants import Tenant

TAG = "Events"
EACH = "Each item is judged by itself, as by a call of its own, and counts as one call."


@post(
    "/events/bulk",
    status_code=202,
    opt=describe(
        tag=TAG,
        summary="Send many events",
        description=f"{EACH} 202 if all were accepted, else 207. An idempotency key is in the "
        "`metadata.idempotency_key` of an event; the header `Idempotency-Key` is refused.",
        scope=Scope.EVENTS_WRITE,
        body=EventBatchIn,
        example={"events": [{"event_type": "order.created", "payload": {"order": 1}}]},
        answer=BulkOut,
        shown=("event_id",),
        also=(PARTLY,),
    ),
)
async def accept_events(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> ASGIApp:
    """Accept events, each by itself."""
    refuse_idempotency_key(request.scope)
    body = await read_body(request, domain.settings, bytes_max=domain.settings.bulk_bytes_max)
    events = raw_events_of(body)
    await admit(request, len(events) - 1)
    context = context_of(request)
    accept = partial(_accept, domain, caller_of(request).tenant, context)
    return answer_with(await accept_each(events, accept, context), status=202)


@post(
    "/events/bulk/ack",
    status_code=200,
    opt=describe(
        tag=TAG,
        summary="Acknowledge many events",
        description=f"{EACH} 200 if all were acknowledged, else 207.",
        scope=Scope.INBOX,
        body=EventIdsIn,
        example={"event_ids": ["evt_01KAN72XQV8YJ4T6Z0M3S5B7C9"]},
        answer=BulkOut,
        shown=("event_id",),
        also=(PARTLY,),
    ),
)
async def acknowledge_events(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> ASGIApp:
    """Acknowledge events, each by itself."""
    tenant_id = caller_of(request).tenant.tenant_id
    return await _change(request, domain, partial(domain.endings.acknowledge, tenant_id))


@delete(
    "/events/bulk",
    status_code=200,
    opt=describe(
        tag=TAG,
        summary="Delete many events",
        description=f"{EACH} 200 if all were deleted, else 207.",
        scope=Scope.EVENTS_WRITE,
        body=EventIdsIn,
        example={"event_ids": ["evt_01KAN72XQV8YJ4T6Z0M3S5B7C9"]},
        answer=BulkOut,
        shown=("event_id",),
        also=(PARTLY,),
    ),
)
async def delete_events(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> ASGIApp:
    """Delete events, each by itself."""
    tenant_id = caller_of(request).tenant.tenant_id
    return await _change(request, domain, partial(domain.endings.delete, tenant_id))


async def _accept(
    domain: Domain, tenant: Tenant, context: RequestContext, event: bytes
) -> Accepted:
    draft = draft_of(event, context, payload_bytes_max=domain.settings.payload_bytes_max)
    return await domain.intake.accept(tenant, draft)


async def _change(request: Request[Any, Any, Any], domain: Domain, change: Change) -> ASGIApp:
    body = await read_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    event_ids = decode_json(EventIdsIn, body).event_ids
    await admit(request, len(event_ids) - 1)
    return answer_with(await change_each(event_ids, change, context_of(request)), status=200)


ROUTES = (
    accept_events,
    acknowledge_events,
    delete_events,
)
