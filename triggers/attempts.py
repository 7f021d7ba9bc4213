"""An attempt: one HTTP request of a delivery, with its outcome, as it is kept."""

from msgspec import Struct

from triggers.deliveries import DeliveryStatus
from triggers.events import EventRecord, EventState
from triggers.retries import Outcome

EXCERPT_BYTES_MAX = 4096


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt of a delivery. `number` counts from 1; `started_ms` is when it began."""

    event_id: str
    webhook_id: str
    number: int
    started_ms: int
    outcome: Outcome


class AttemptPosition(Struct, frozen=True, array_like=True, order=True):
    """Where an attempt stands among those of its webhook, by time."""

    started_ms: int
    event_id: str
    number: int


class AttemptPage(Struct, frozen=True, kw_only=True):
    """Some attempts of a webhook, newest first. `position` continues it; None at its end."""

    attempts: tuple[Attempt, ...]
    position: AttemptPosition | None


def position_of(attempt: Attempt) -> AttemptPosition:
    """Return where an attempt stands."""
    return AttemptPosition(attempt.started_ms, attempt.event_id, attempt.number)


def is_kept(attempt: Attempt) -> bool:
    """Tell whether an attempt gets a row of its own.

    A first-try success needs none: its delivery says it all.
    """
    return attempt.number > 1 or attempt.outcome.description is not None


def with_first_successes(kept: list[Attempt], record: EventRecord) -> list[Attempt]:
    """Return all attempts of an event, newest first: the kept ones, and those that need no row."""
    rows = {(attempt.webhook_id, attempt.number) for attempt in kept}
    needless = [
        attempt
        for attempt in first_successes(record.event.event_id, record.state)
        if (attempt.webhook_id, attempt.number) not in rows
    ]
    return sorted([*kept, *needless], key=lambda a: (a.started_ms, a.number), reverse=True)


def first_successes(event_id: str, state: EventState) -> list[Attempt]:
    """Return the attempts that need no row as long as their deliveries stand as they do."""
    return [
        Attempt(
            event_id=event_id,
            webhook_id=delivery.webhook_id,
            number=1,
            started_ms=(delivery.delivered_ms or 0) - (delivery.duration_ms or 0),
            outcome=Outcome(
                status_code=delivery.last_status_code, duration_ms=delivery.duration_ms or 0
            ),
        )
        for delivery in state.deliveries or ()
        if delivery.status is DeliveryStatus.DELIVERED and delivery.attempts == 1
    ]
