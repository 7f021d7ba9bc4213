"""Events: accept, list, read, acknowledge, delete, and the attempts to deliver one."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from app.answers import JsonAnswer
from app.bodies import read_body
from app.context import caller_of, context_of, extend_deadline
from app.dependencies import Domain, domain_of, lifecycle_of
from app.operations import describe
from app.pages import page_of
from app.preferences import idempotency_key_of, wait_seconds_of
from app.queries import read_query
from app.wire.attempts import AttemptList, attempt_to_wire
from app.wire.drafts import ENVELOPE_BYTES_MAX, EventIn, draft_of
from app.wire.events import EventList, EventOut, accepted_to_wire, event_to_wire
from app.wire.lists import EventsQuery, events_query_of
from triggers.api_keys import Scope
from triggers.attempts import with_first_successes
from triggers.errors import NotFound
from triggers.events import EventRecord
from triggers.idempotency import Accepted
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
        "the body, the last counts. With an idempotency key, in the header `Idempotency-Key` or as "
        "`metadata.idempotency_key`, an event may be sent again for at least 24 hours: the same "
        "content gets the first event once more, other content 422. With `Prefer: wait=5` the answer "
        "waits until every delivery is settled, or 5 seconds; at most 30.",
        scope=Scope.EVENTS_WRITE,
        request_headers=("Idempotency-Key", "Prefer"),
        body=EventIn,
        example=EXAMPLE,
        answer=EventOut,
        headers={
            "Location": "Where the event can be read",
            "Idempotency-Replayed": "`true`: an earlier call with this key sent the event",
            "Preference-Applied": "How long was waited at most, if that was asked for",
        },
        problems=("conflict", "idempotency_mismatch"),
    ),
)
async def accept_event(request: Request[Any, Any, Any]) -> ASGIApp:
    """Accept an event: 202 means that it is stored."""
    domain = domain_of(request.app.state)  # on the short way nothing is injected
    settings, context = domain.settings, context_of(request)
    key = idempotency_key_of(request.scope)
    bytes_max = settings.payload_bytes_max
    body = await read_body(request, settings, bytes_max=bytes_max + ENVELOPE_BYTES_MAX)
    draft = draft_of(body, context, payload_bytes_max=bytes_max, idempotency_key=key)
    accepted = await domain.intake.accept(caller_of(request).tenant, draft)
    context.event_id = accepted.event.event_id
    return await _answer(request, domain, accepted)


@get(
    "/events",
    opt=describe(
        tag=TAG,
        summary="List the events",
        description="Newest first, unless `order` says otherwise. Sees every earlier write. With "
        "`include=payload` a page holds at most 1 MiB of payloads, then it is shorter than `limit`; "
        "with filters it may be short, or empty, though `next_cursor` continues the list.",
        scope=Scope.EVENTS_READ,
        query=EventsQuery,
        answer=EventList,
        problems=("invalid_cursor",),
    ),
)
async def list_events(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> EventList:
    """List a page of the events."""
    sent, tenant = read_query(request, EventsQuery), caller_of(request).tenant
    return await page_of(
        domain.events.read_events,
        tenant.tenant_id,
        events_query_of(sent, tenant),
        name="events",
        cursor=sent.cursor,
        cursors=domain.cursors,
    )


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
    await domain.endings.acknowledge(caller_of(request).tenant.tenant_id, event_id)


@delete(
    "/events/{event_id:str}",
    opt=describe(
        tag=TAG,
        summary="Delete an event",
        description="With its payload and its attempts. What is still to be delivered of it is "
        "cancelled; what is on its way to a receiver at this moment arrives.",
        scope=Scope.EVENTS_WRITE,
    ),
)
async def delete_event(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], event_id: FromPath[str]
) -> None:
    """Delete an event."""
    await domain.endings.delete(caller_of(request).tenant.tenant_id, event_id)


@get(
    "/events/{event_id:str}/attempts",
    opt=describe(
        tag=TAG,
        summary="List the attempts to deliver an event",
        description="Newest first.",
        scope=Scope.EVENTS_READ,
        answer=AttemptList,
    ),
)
async def list_attempts(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], event_id: FromPath[str]
) -> AttemptList:
    """List every attempt of an event."""
    record = await _record(request, domain, event_id)
    kept = await domain.attempts.read(caller_of(request).tenant.tenant_id, event_id)
    attempts = with_first_successes(kept, record)
    return AttemptList(attempts=[attempt_to_wire(attempt) for attempt in attempts])


async def _answer(
    request: Request[Any, Any, Any], domain: Domain, accepted: Accepted
) -> JsonAnswer:
    """Answer with an accepted event, at once or when its deliveries are settled, as preferred."""
    headers = {"location": f"/v1/events/{accepted.event.event_id}"}
    if accepted.replayed:
        headers["idempotency-replayed"] = "true"
    seconds = wait_seconds_of(request.scope)
    if seconds:
        extend_deadline(context_of(request), seconds)
        tenant_id, lifecycle = caller_of(request).tenant.tenant_id, lifecycle_of(request.app.state)
        accepted, has_waited = await domain.waits.until_settled(
            tenant_id, accepted, seconds, lifecycle
        )
        if has_waited:
            headers["preference-applied"] = f"wait={seconds}"
    return JsonAnswer(accepted_to_wire(accepted), status=202, headers=headers)


async def _record(request: Request[Any, Any, Any], domain: Domain, event_id: str) -> EventRecord:
    tenant_id = caller_of(request).tenant.tenant_id
    record = await domain.events.get(tenant_id, event_id) if is_event_id(event_id) else None
    if record is None:
        raise NotFound("event", event_id)
    return record


ROUTES = (
    accept_event,
    list_events,
    read_event,
    acknowledge_event,
    delete_event,
    list_attempts,
)
