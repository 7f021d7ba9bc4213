"""Events on the wire, as they are shown."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from app.wire.ids import CorrelationId, EventId, WebhookId
from app.wire.moments import Moment, moment_or_none
from app.wire.replays import ReplayOut, replay_to_wire
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.events import Event, EventRecord, EventState, EventStatus, visible_deliveries
from triggers.idempotency import Accepted
from triggers.times import rfc3339

EventType = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        # The lookahead is there because `$` also matches before a newline at the end.
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$(?!\n)",
        description="1–128 of A–Z a–z 0–9 . _ -, no leading dot; use dots to group: order.created",
        examples=["order.created"],
    ),
]
NextCursor = Annotated[
    str | None,
    Meta(
        description="Continues the list as `cursor`; null at its end. A page may be short.",
        examples=[None],
    ),
]
WholeList = Annotated[None, Meta(description="Always null: the list is whole", examples=[None])]


class DeliveryOut(Struct, frozen=True, kw_only=True):
    """One (event, webhook) pair and where it stands."""

    webhook_id: WebhookId
    status: Annotated[
        DeliveryStatus,
        Meta(
            description="`pending` until its retries are exhausted; `held`: its webhook is disabled",
            examples=["delivered"],
        ),
    ]
    attempts: Annotated[int, Meta(ge=0, description="How many attempts were made", examples=[2])]
    last_status_code: Annotated[
        int | None,
        Meta(
            description="What the receiver answered last; null: it did not answer", examples=[200]
        ),
    ]
    last_error: Annotated[
        str | None, Meta(description="What went wrong last, in words", examples=[None])
    ]
    next_attempt_at: Annotated[
        Moment | None, Meta(description="When it is tried again", examples=[None])
    ]
    delivered_at: Annotated[
        Moment | None, Meta(description="When the receiver answered 2xx, in UTC")
    ]


class EventOut(Struct, frozen=True, kw_only=True):
    """An event as it is shown.

    The answer to its acceptance leaves the payload out: the producer has it. So does a list that
    was not asked for payloads.
    """

    event_id: EventId
    event_type: EventType
    source: Annotated[str | None, Meta(description="Where the event comes from", examples=["shop"])]
    payload: Annotated[
        Raw | UnsetType,
        Meta(description="As it came in, byte for byte", examples=[{"order": 1}]),
    ] = UNSET
    metadata: Annotated[
        dict[str, str], Meta(description="As it came in", examples=[{"region": "eu"}])
    ]
    status: Annotated[
        EventStatus,
        Meta(
            description="`pending` while a delivery is, or while no webhook wants the event",
            examples=["delivered"],
        ),
    ]
    created_at: Annotated[Moment, Meta(description="When it was accepted, in UTC")]
    delivered_at: Annotated[
        Moment | None, Meta(description="When the last of its deliveries was delivered, in UTC")
    ]
    acknowledged_at: Annotated[
        Moment | None, Meta(description="When it was acknowledged, in UTC", examples=[None])
    ]
    delivery_attempts: Annotated[
        int,
        Meta(ge=0, description="How many attempts were made, over all deliveries", examples=[2]),
    ]
    next_attempt_at: Annotated[
        Moment | None,
        Meta(description="The earliest next attempt of all deliveries", examples=[None]),
    ]
    correlation_id: CorrelationId
    deliveries: Annotated[
        list[DeliveryOut], Meta(description="One for each webhook that wants the event")
    ]
    replays: Annotated[
        list[ReplayOut],
        Meta(description="Replays of the event, oldest first, at most 10", examples=[[]]),
    ] = []


class EventList(Struct, frozen=True, kw_only=True):
    """A page of events."""

    events: Annotated[list[EventOut], Meta(description="The events of this page")]
    next_cursor: NextCursor


def event_to_wire(record: EventRecord) -> EventOut:
    """Show an event with its deliveries, and with its payload if it was read."""
    payload = record.event.payload
    return _to_wire(record.event, record.state, Raw(payload.encode()) if payload else UNSET)


def accepted_to_wire(accepted: Accepted) -> EventOut:
    """Show an event that was accepted, without the payload."""
    return _to_wire(accepted.event, accepted.state, UNSET)


def _to_wire(event: Event, state: EventState, payload: Raw | UnsetType) -> EventOut:
    deliveries = visible_deliveries(state)
    waiting = [d.next_attempt_ms for d in deliveries if d.status is DeliveryStatus.PENDING]
    return EventOut(
        event_id=event.event_id,
        event_type=event.event_type,
        source=event.source,
        payload=payload,
        metadata=event.metadata,
        status=state.status,
        created_at=rfc3339(event.created_ms),
        delivered_at=moment_or_none(state.delivered_ms),
        acknowledged_at=moment_or_none(state.acknowledged_ms),
        delivery_attempts=sum(delivery.attempts for delivery in deliveries),
        next_attempt_at=moment_or_none(min((ms for ms in waiting if ms is not None), default=None)),
        correlation_id=event.correlation_id,
        deliveries=[_delivery_to_wire(delivery) for delivery in deliveries],
        replays=[replay_to_wire(event.event_id, replay) for replay in state.replays],
    )


def _delivery_to_wire(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(
        webhook_id=delivery.webhook_id,
        status=delivery.status,
        attempts=delivery.attempts,
        last_status_code=delivery.last_status_code,
        last_error=delivery.last_error,
        next_attempt_at=moment_or_none(delivery.next_attempt_ms),
        delivered_at=moment_or_none(delivery.delivered_ms),
    )
