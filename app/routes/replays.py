"""Replays: an old event goes to its webhooks again."""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.bodies import SMALL_BODY_BYTES_MAX, read_optional_body
from app.context import caller_of, context_of
from app.dependencies import Domain
from app.operations import describe
from app.wire.replays import ReplayIn, ReplayOut, decode_replay, replay_to_wire
from triggers.api_keys import Scope
from triggers.replayer import ReplayOrder


@post(
    "/events/{event_id:str}/replay",
    status_code=202,
    opt=describe(
        tag="Events",
        summary="Replay an event",
        description="Sends it again to all webhooks that want it now, or to the one that is named, "
        "whatever its filter; what wants it and is disabled is held for it. What went to them "
        "before makes no difference, so the receiver must know a repeat by `webhook-id`, or a "
        "replay by `webhook-replay`. An event is replayed at most 10 times, and is kept for the "
        "whole retention from then on. The body may be left out.",
        scope=Scope.EVENTS_WRITE,
        body=ReplayIn,
        body_required=False,
        example={"reason": "the receiver lost its database"},
        answer=ReplayOut,
        headers={"Location": "Where the event can be read"},
        problems=(
            "already_acknowledged",
            "no_webhook",
            "replay_limit_reached",
            "webhook_disabled",
        ),
    ),
)
async def replay_event(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], event_id: FromPath[str]
) -> Response[ReplayOut]:
    """Replay an event."""
    context, view = context_of(request), caller_of(request).tenant_view
    body = await read_optional_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    sent = decode_replay(body)
    order = ReplayOrder(
        request_id=context.request_id,
        webhook_id=sent.webhook_id,
        workflow_id=sent.workflow_id,
        reason=sent.reason,
    )
    replay = await domain.replayer.replay(view, event_id, order)
    headers = {"location": f"/v1/events/{event_id}"}
    return Response(replay_to_wire(event_id, replay), headers=headers)


ROUTES = (replay_event,)
