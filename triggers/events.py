"""An event and its state machine. Pure: values in, values out.

pending ──all delivered──▶ delivered        pending, failed, delivered ──ack──▶ acknowledged
pending ──none pending, one failed──▶ failed           pending, failed, delivered ──replay──▶ pending
                                                       pending, failed ──recover──▶ pending

The same transitions are the conditions of the event store.
"""

from enum import StrEnum

import msgspec
from msgspec import Struct

from triggers.deliveries import Delivery, DeliveryStatus, settled
from triggers.ids import created_ms_of
from triggers.replays import Replay
from triggers.times import rfc3339

NEVER_MS = 253_402_300_799_000  # the year 9999: no delivery wants work
POISON = "poison"
PRIORITY_KEY = "priority"
AT_ONCE_MS = 0  # a fresh event is ready whatever the clock of the worker says


class EventStatus(StrEnum):
    """Where an event stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    ACKNOWLEDGED = "acknowledged"


class Priority(StrEnum):
    """What `priority` in the metadata of an event may say; absent means normal."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class EventOutcome(StrEnum):
    """What can happen to an event."""

    ALL_DELIVERED = "all_delivered"
    SOME_PENDING = "some_pending"
    SOME_FAILED = "some_failed"
    NOTHING_WANTED = "nothing_wanted"  # no webhook matched, or what matched is held or cancelled
    ACKNOWLEDGED = "acknowledged"
    REPLAYED = "replayed"
    RECOVERED = "recovered"  # deliveries that failed or were held are open again


class Event(Struct, frozen=True, kw_only=True):
    """What a producer sent; immutable. `payload` is its JSON text exactly as it came in.

    It is `""`, which no JSON text is, where the event was read without it. `key_digest` is there if
    the event came with an idempotency key.
    """

    event_id: str
    event_type: str
    payload: str
    source: str | None = None
    metadata: dict[str, str] = {}
    correlation_id: str
    traceparent: str | None = None
    key_digest: str | None = None

    @property
    def created_ms(self) -> int:
        """The moment of acceptance, in milliseconds since 1970."""
        return created_ms_of(self.event_id)


class EventState(Struct, frozen=True, kw_only=True):
    """The mutable side of an event. `deliveries` is None until the event has been matched.

    `ready_ms` is the earliest moment at which a delivery wants work, `due_ms` when the sweeper
    looks (None: never), `fence` counts the owners so far, `claims` those since the last finish,
    `lease_ms` ends the present claim.
    """

    status: EventStatus = EventStatus.PENDING
    deliveries: tuple[Delivery, ...] | None = None
    ready_ms: int = AT_ONCE_MS
    due_ms: int | None = None
    fence: int = 0
    claims: int = 0
    lease_ms: int = 0
    delivered_ms: int | None = None
    acknowledged_ms: int | None = None
    replays: tuple[Replay, ...] = ()


class EventRecord(Struct, frozen=True, kw_only=True):
    """An event with its state, as the store holds it."""

    event: Event
    state: EventState


class Progress(Struct, frozen=True, kw_only=True):
    """What a finish writes. `due_ms` None takes the event off the due index."""

    status: EventStatus
    deliveries: tuple[Delivery, ...] | None
    ready_ms: int
    due_ms: int | None
    claims: int = 0
    delivered_ms: int | None = None

    @property
    def in_inbox(self) -> bool:
        """Tell whether the event is still neither delivered nor acknowledged."""
        return self.status in (EventStatus.PENDING, EventStatus.FAILED)


_TRANSITIONS: dict[EventStatus, dict[EventOutcome, EventStatus]] = {
    EventStatus.PENDING: {
        EventOutcome.ALL_DELIVERED: EventStatus.DELIVERED,
        EventOutcome.SOME_PENDING: EventStatus.PENDING,
        EventOutcome.SOME_FAILED: EventStatus.FAILED,
        EventOutcome.NOTHING_WANTED: EventStatus.PENDING,
        EventOutcome.ACKNOWLEDGED: EventStatus.ACKNOWLEDGED,
        EventOutcome.REPLAYED: EventStatus.PENDING,
        EventOutcome.RECOVERED: EventStatus.PENDING,
    },
    EventStatus.DELIVERED: {
        EventOutcome.ACKNOWLEDGED: EventStatus.ACKNOWLEDGED,
        EventOutcome.REPLAYED: EventStatus.PENDING,
    },
    EventStatus.FAILED: {
        EventOutcome.ACKNOWLEDGED: EventStatus.ACKNOWLEDGED,
        EventOutcome.REPLAYED: EventStatus.PENDING,
        EventOutcome.RECOVERED: EventStatus.PENDING,
    },
    EventStatus.ACKNOWLEDGED: {},
}


def status_after(status: EventStatus, outcome: EventOutcome) -> EventStatus | None:
    """Return the next status of an event; None: the outcome does not apply to its present one."""
    return _TRANSITIONS[status].get(outcome)


def statuses_before(outcome: EventOutcome) -> tuple[EventStatus, ...]:
    """Return the statuses to which an outcome applies; the store's conditions are made from it."""
    return tuple(status for status, row in _TRANSITIONS.items() if outcome in row)


def outcome_of(deliveries: tuple[Delivery, ...]) -> EventOutcome:
    """Return what the deliveries of an event amount to together. Cancelled ones do not count."""
    statuses = {delivery.status for delivery in deliveries} - {DeliveryStatus.CANCELLED}
    if DeliveryStatus.PENDING in statuses:
        return EventOutcome.SOME_PENDING
    if DeliveryStatus.FAILED in statuses:
        return EventOutcome.SOME_FAILED
    if statuses == {DeliveryStatus.DELIVERED}:
        return EventOutcome.ALL_DELIVERED
    return EventOutcome.NOTHING_WANTED


def progress_of(deliveries: tuple[Delivery, ...], now_ms: int) -> Progress:
    """Return what a finish writes for a pending event whose deliveries now stand so."""
    status = _TRANSITIONS[EventStatus.PENDING][outcome_of(deliveries)]
    waiting = [
        d.next_attempt_ms or now_ms for d in deliveries if d.status is DeliveryStatus.PENDING
    ]
    return Progress(
        status=status,
        deliveries=deliveries,
        ready_ms=min(waiting, default=NEVER_MS),
        due_ms=min(waiting, default=None),
        delivered_ms=now_ms if status is EventStatus.DELIVERED else None,
    )


def progress_to_give_back(state: EventState, due_ms: int) -> Progress:
    """Return what gives a claim back, to be made again from `due_ms` on; it does not count."""
    return Progress(
        status=state.status,
        deliveries=state.deliveries,
        ready_ms=due_ms,
        due_ms=due_ms,
        claims=state.claims - 1,
    )


def poisoned(deliveries: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
    """Return the deliveries of an event claimed too often without a finish: the pending failed."""
    return tuple(
        settled(d, DeliveryStatus.FAILED, POISON) if d.status is DeliveryStatus.PENDING else d
        for d in deliveries
    )


def visible_deliveries(state: EventState) -> tuple[Delivery, ...]:
    """Return the deliveries as a tenant sees them: none of an acknowledged event is pending."""
    deliveries = state.deliveries or ()
    if state.status is not EventStatus.ACKNOWLEDGED:
        return deliveries
    return tuple(
        settled(d, DeliveryStatus.CANCELLED, "acknowledged")
        if d.status is DeliveryStatus.PENDING
        else d
        for d in deliveries
    )


def is_settled(state: EventState) -> bool:
    """Tell whether nothing is to be delivered of an event any more, as far as anybody knows."""
    if state.status is not EventStatus.PENDING:
        return True
    deliveries = state.deliveries
    return deliveries is not None and all(
        delivery.status is not DeliveryStatus.PENDING for delivery in deliveries
    )


class _Body(Struct, frozen=True, kw_only=True):
    event_id: str
    event_type: str
    source: str | None
    created_at: str
    metadata: dict[str, str]
    payload: msgspec.Raw


_ENCODER = msgspec.json.Encoder()


def body_to_send(event: Event) -> bytes:
    """Return the body that every receiver gets, on every attempt, the payload's bytes untouched."""
    return _ENCODER.encode(
        _Body(
            event_id=event.event_id,
            event_type=event.event_type,
            source=event.source,
            created_at=rfc3339(event.created_ms),
            metadata=event.metadata,
            payload=msgspec.Raw(event.payload.encode()),
        )
    )
