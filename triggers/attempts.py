"""An attempt: one HTTP request of a delivery, with its outcome, as it is kept."""

from msgspec import Struct

from triggers.deliveries import DeliveryStatus
from triggers.events import EventRecord
from triggers.retries import Outcome

EXCERPT_BYTES_MAX = 4096


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt of a delivery. `number` counts from 1; `started_ms` is when it began."""

    event_id: str
    webhook_id: str
    number: int
    started_ms: int
    outcome: Outcome


def is_kept(attempt: Attempt) -> bool:
    """Tell whether an attempt gets a row of its own.

    A first-try success needs none: its delivery says it all.
    """
    return attempt.number > 1 or attempt.outcome.description is not None


def with_first_successes(kept: list[Attempt], record: EventRecord) -> list[Attempt]:
    """Return all attempts of an event, newest first: the kept ones, and those that need no row."""
    rows = {(attempt.webhook_id, attempt.number) for attempt in kept}
    first_successes = [
        Attempt(
            event_id=record.event.event_id,
            webhook_id=delivery.webhook_id,
            number=1,
            started_ms=(delivery.delivered_ms or 0) - (delivery.duration_ms or 0),
            outcome=Outcome(
                status_code=delivery.last_status_code, duration_ms=delivery.duration_ms or 0
            ),
        )
        for delivery in record.state.deliveries or ()
        if delivery.status is DeliveryStatus.DELIVERED
        and delivery.attempts == 1
        and (delivery.webhook_id, 1) not in rows
    ]
    return sorted([*kept, *first_successes], key=lambda a: (a.started_ms, a.number), reverse=True)
