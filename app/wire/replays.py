"""Replays on the wire: as they are asked for, and as they are shown."""

from typing import Annotated

from msgspec import Meta, Struct

from app.decoding import decode_json
from app.wire.ids import EventId, WebhookId
from app.wire.moments import Moment
from triggers.replays import (
    REASON_CHARACTERS_MAX,
    REPLAYS_MAX,
    WORKFLOW_ID_CHARACTERS_MAX,
    Replay,
)
from triggers.times import rfc3339

NamedWebhook = Annotated[
    str,
    Meta(
        max_length=64,
        description="The webhook to send it to, whatever its filter; all that want it when left out",
        examples=["wh_7Z0M3S5B7C9KAN72XQV8"],
    ),
]
WorkflowId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=WORKFLOW_ID_CHARACTERS_MAX,
        description="The caller's own name for what the replay belongs to, 1–128 characters; "
        "kept with the event, not sent on",
        examples=["backfill-2026-11"],
    ),
]
Reason = Annotated[
    str,
    Meta(
        max_length=REASON_CHARACTERS_MAX,
        description="Why the event is replayed, at most 512 characters; kept with the event",
        examples=["the receiver lost its database"],
    ),
]


class ReplayIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be replayed, and why. All of it may be left out."""

    webhook_id: NamedWebhook | None = None
    workflow_id: WorkflowId | None = None
    reason: Reason | None = None


class ReplayOut(Struct, frozen=True, kw_only=True):
    """One replay of an event."""

    event_id: EventId
    number: Annotated[
        int,
        Meta(
            ge=1,
            le=REPLAYS_MAX,
            description="Counts the replays of the event from 1; receivers get it as webhook-replay",
            examples=[1],
        ),
    ]
    webhook_ids: Annotated[
        list[WebhookId],
        Meta(description="The webhooks that it goes to", examples=[["wh_7Z0M3S5B7C9KAN72XQV8"]]),
    ]
    workflow_id: WorkflowId | None
    reason: Reason | None
    created_at: Annotated[Moment, Meta(description="When it was asked for, in UTC")]


def decode_replay(body: bytes) -> ReplayIn:
    """Read a body, which may be empty. Raises MalformedJson, ValidationFailed."""
    return decode_json(ReplayIn, body) if body else ReplayIn()


def replay_to_wire(event_id: str, replay: Replay) -> ReplayOut:
    """Show a replay."""
    return ReplayOut(
        event_id=event_id,
        number=replay.number,
        webhook_ids=list(replay.webhook_ids),
        workflow_id=replay.workflow_id,
        reason=replay.reason,
        created_at=rfc3339(replay.created_ms),
    )
