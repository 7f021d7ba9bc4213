"""Events on the wire: as producers send them, and as they are shown."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from app import surrogates
from app.context import RequestContext
from app.decoding import decode_json
from app.wire.ids import CorrelationId, EventId, WebhookId
from app.wire.moments import Moment, moment_or_none
from app.wire.replays import ReplayOut, replay_to_wire
from triggers.attempts import Attempt
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.errors import MalformedJson, PayloadTooLarge
from triggers.events import Event, EventRecord, EventState, EventStatus, visible_deliveries
from triggers.intake import EventDraft
from triggers.retries import Verdict, verdict_of
from triggers.times import rfc3339

# What a body may hold besides its payload: more than the largest source and metadata take, even
# when every character is written as an escape.
ENVELOPE_BYTES_MAX = 256 * 1024

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
MetadataKey = Annotated[str, Meta(max_length=64)]
MetadataValue = Annotated[str, Meta(max_length=512)]


class EventIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event as a producer sends it."""

    event_type: EventType
    payload: Annotated[
        Raw,
        Meta(
            description="Any JSON value, at most 400 KB; kept and sent on byte for byte",
            examples=[{"order": 1}],
        ),
    ]
    source: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                description="Where the event comes from, 1–128 characters",
                examples=["shop"],
            ),
        ]
        | None
    ) = None
    metadata: Annotated[
        dict[MetadataKey, MetadataValue],
        Meta(
            max_length=32,
            description="At most 32 strings; keys up to 64 characters, values up to 512",
            examples=[{"region": "eu"}],
        ),
    ] = {}


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

    Only the answer to its acceptance leaves the payload out: the producer has it.
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


class AttemptOut(Struct, frozen=True, kw_only=True):
    """One HTTP request of a delivery, with its outcome."""

    event_id: EventId
    webhook_id: WebhookId
    number: Annotated[
        int, Meta(ge=1, description="Counts from 1 within the delivery", examples=[1])
    ]
    outcome: Annotated[str, Meta(description="`delivered` or `failed`", examples=["failed"])]
    started_at: Annotated[Moment, Meta(description="When the request began, in UTC")]
    duration_ms: Annotated[
        int, Meta(ge=0, description="Milliseconds until the answer or the error", examples=[85])
    ]
    status_code: Annotated[
        int | None,
        Meta(description="The answer's status; null: there was no answer", examples=[503]),
    ]
    error: Annotated[
        str | None,
        Meta(
            description="What went wrong, in words; null: nothing",
            examples=["receiver answered 503"],
        ),
    ]
    response_excerpt: Annotated[
        str,
        Meta(
            description="The beginning of the answer's body, at most 4 KB, made printable",
            examples=["Service Unavailable"],
        ),
    ]


class AttemptList(Struct, frozen=True, kw_only=True):
    """The attempts of an event, newest first."""

    attempts: Annotated[list[AttemptOut], Meta(description="All that are kept")]
    next_cursor: WholeList = None


def draft_of(body: bytes, context: RequestContext, *, payload_bytes_max: int) -> EventDraft:
    """Read an event. Raises MalformedJson, ValidationFailed, PayloadTooLarge."""
    sent, payload = _decode(body)
    if len(payload) > payload_bytes_max:
        raise PayloadTooLarge("payload", payload_bytes_max)
    try:
        text = payload.decode()  # the decoder has checked its grammar, but not its UTF-8
    except UnicodeDecodeError:
        raise MalformedJson("it is not UTF-8") from None
    return EventDraft(
        event_type=sent.event_type,
        payload=text,
        source=sent.source,
        metadata=sent.metadata,
        correlation_id=context.correlation_id,
        traceparent=context.traceparent,
    )


def event_to_wire(record: EventRecord) -> EventOut:
    """Show an event with its payload and its deliveries."""
    return _to_wire(record.event, record.state, Raw(record.event.payload.encode()))


def accepted_to_wire(event: Event) -> EventOut:
    """Show an event that was accepted just now, without the payload."""
    return _to_wire(event, _FRESH, UNSET)


def attempt_to_wire(attempt: Attempt) -> AttemptOut:
    """Show one attempt."""
    outcome = attempt.outcome
    return AttemptOut(
        event_id=attempt.event_id,
        webhook_id=attempt.webhook_id,
        number=attempt.number,
        outcome="delivered" if verdict_of(outcome) is Verdict.DELIVERED else "failed",
        started_at=rfc3339(attempt.started_ms),
        duration_ms=outcome.duration_ms,
        status_code=outcome.status_code,
        error=outcome.description,
        response_excerpt=outcome.excerpt,
    )


_FRESH = EventState()


def _decode(body: bytes) -> tuple[EventIn, bytes]:
    try:
        sent = decode_json(EventIn, body)
    except MalformedJson as error:
        aside = surrogates.set_aside(body)
        if aside is None:
            raise
        return _decode_without_surrogates(*aside, error)
    return sent, bytes(sent.payload)


def _decode_without_surrogates(
    body: bytes, mark: bytes, first_error: MalformedJson
) -> tuple[EventIn, bytes]:
    try:
        sent = decode_json(EventIn, body)
    except MalformedJson:
        raise first_error from None  # its position is that in the body as it came
    payload = bytes(sent.payload)
    if payload.count(mark) != body.count(mark):
        raise MalformedJson("there is half a surrogate pair outside of the payload")
    return sent, surrogates.put_back(payload, mark)


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
