"""Events: accept, read, acknowledge, and the attempts to deliver one."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from app.answers import JsonAnswer
from app.bodies import read_body
from app.context import caller_of, context_of
from app.dependencies import Domain
from app.operations import describe
from app.queries import NoQuery, read_query
from app.wire.events import (
    ENVELOPE_BYTES_MAX,
    AttemptList,
    EventIn,
    EventOut,
    accepted_to_wire,
    attempt_to_wire,
    draft_of,
    event_to_wire,
)
from triggers.api_keys import Scope
from triggers.attempts import with_first_successes
from triggers.errors import AlreadyAcknowledged, NotFound
from triggers.events import EventRecord, EventStatus
from triggers.ids import is_event_id

TAG = "Events"
EXAMPLE = {
    "event_type": "order.created",
    "source": "shop",
    "payload": {"order": 1},
    "metadata": {"region": "eu"},
}


@post(
    "/events",
    status_code=202,
    opt=describe(
        tag=TAG,
        summary="Send an event",
        description="The answer means that the event is stored: it will be delivered to every "
        "webhook that wants it, at least once, or wait in the inbox. Of a key that comes twice in "
        "the body, the last counts.",
        scope=Scope.EVENTS_WRITE,
        body=EventIn,
        example=EXAMPLE,
        answer=EventOut,
        headers={"Location": "Where the event can be read"},
    ),
)
async def accept_event(request: Request[Any, Any, Any], domain: NamedDependency[Domain]) -> ASGIApp:
    """Accept an event: 202 means that it is stored."""
    settings, context = domain.settings, context_of(request)
    bytes_max = settings.payload_bytes_max
    body = await read_body(request, settings, bytes_max=bytes_max + ENVELOPE_BYTES_MAX)
    draft = draft_of(body, context, payload_bytes_max=bytes_max)
    event = await domain.intake.accept(caller_of(request).tenant, draft)
    context.event_id = event.event_id
    headers = {"location": f"/v1/events/{event.event_id}"}
    return JsonAnswer(accepted_to_wire(event), status=202, headers=headers)


@get(
    "/events/{event_id:str}",
    opt=describe(
        tag=TAG,
        summary="Read an event",
        description="With its payload, its deliveries and its replays. Sees every earlier write.",
        scope=Scope.EVENTS_READ,
        answer=EventOut,
        shown=("payload",),
    ),
)
async def read_event(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], event_id: FromPath[str]
) -> EventOut:
    """Show one event."""
    return event_to_wire(await _record(request, domain, event_id))


@post(
    ["/events/{event_id:str}/ack", "/events/{event_id:str}/acknowledge"],
    status_code=204,
    opt=describe(
        tag=TAG,
        summary="Acknowledge an event",
        description="Takes it out of the inbox. What is still to be delivered of it is cancelled.",
        scope=Scope.INBOX,
        problems=("already_acknowledged",),
    ),
)
async def acknowledge_event(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], event_id: FromPath[str]
) -> None:
    """Acknowledge an event, once."""
    if not is_event_id(event_id):
        raise NotFound("event", event_id)
    tenant_id = caller_of(request).tenant.tenant_id
    before = await domain.events.acknowledge(tenant_id, event_id, domain.clock())
    if before is None:
        raise NotFound("event", event_id)
    if before is EventStatus.ACKNOWLEDGED:
        raise AlreadyAcknowledged(event_id)


@get(
    "/events/{event_id:str}/attempts",
    opt=describe(
        tag=TAG,
        summary="List the attempts to deliver an event",
        description="Newest first.",
        scope=Scope.EVENTS_READ,
        query=NoQuery,
        answer=AttemptList,
    ),
)
async def list_attempts(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], event_id: FromPath[str]
) -> AttemptList:
    """List every attempt of an event."""
    read_query(request, NoQuery)
    record = await _record(request, domain, event_id)
    kept = await domain.attempts.read(caller_of(request).tenant.tenant_id, event_id)
    attempts = with_first_successes(kept, record)
    return AttemptList(attempts=[attempt_to_wire(attempt) for attempt in attempts])


async def _record(request: Request[Any, Any, Any], domain: Domain, event_id: str) -> EventRecord:
    tenant_id = caller_of(request).tenant.tenant_id
    record = await domain.events.get(tenant_id, event_id) if is_event_id(event_id) else None
    if record is None:
        raise NotFound("event", event_id)
    return record


ROUTES = (
    accept_event,
    read_event,
    acknowledge_event,
    list_attempts,
)
