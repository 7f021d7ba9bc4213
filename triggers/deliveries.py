"""A delivery: one (event, webhook) pair, its state, and how an attempt changes it. Pure."""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from triggers.retries import Outcome, Verdict, next_delay_seconds, verdict_of

ERROR_CHARACTERS_MAX = 200


class DeliveryStatus(StrEnum):
    """Where a delivery stands. Only `pending` is worked on; `held` waits for its webhook."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"
    CANCELLED = "cancelled"


class Delivery(Struct, frozen=True, kw_only=True, array_like=True):
    """The state of one delivery.

    It is stored as an array, which keeps an item with one delivery below one write unit: add fields
    at the end only, each with a default. `attempts_before` were made before the delivery was
    opened again, and do not count in its schedule; `replay` is the number of the replay that did.
    """

    webhook_id: str
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    next_attempt_ms: int | None = None
    last_status_code: int | None = None
    last_error: str | None = None
    delivered_ms: int | None = None
    duration_ms: int | None = None
    attempts_before: int = 0
    replay: int = 0


def after_attempt(
    delivery: Delivery, outcome: Outcome, schedule: tuple[int, ...], now_ms: int, jitter: float
) -> Delivery:
    """Return a pending delivery as it stands after an attempt that ended at `now_ms`."""
    attempts = delivery.attempts + 1
    verdict = verdict_of(outcome)
    attempted = replace(
        delivery,
        attempts=attempts,
        next_attempt_ms=None,
        last_status_code=outcome.status_code,
        last_error=(outcome.description or "")[:ERROR_CHARACTERS_MAX] or None,
        duration_ms=outcome.duration_ms,
    )
    if verdict is Verdict.DELIVERED:
        return replace(attempted, status=DeliveryStatus.DELIVERED, delivered_ms=now_ms)
    if verdict is Verdict.GONE:
        return replace(attempted, status=DeliveryStatus.HELD)
    delay = next_delay_seconds(
        schedule, attempts - delivery.attempts_before, jitter, outcome.retry_after_seconds
    )
    if delay is None:
        return replace(attempted, status=DeliveryStatus.FAILED)
    return replace(attempted, next_attempt_ms=now_ms + int(delay * 1000))


def postponed(delivery: Delivery, until_ms: int) -> Delivery:
    """Return a pending delivery that waits until then; no attempt was made."""
    return replace(delivery, next_attempt_ms=until_ms)


def settled(delivery: Delivery, status: DeliveryStatus, reason: str) -> Delivery:
    """Return a pending delivery as ended without an attempt, for a reason in words."""
    return replace(delivery, status=status, next_attempt_ms=None, last_error=reason)


def reopened(delivery: Delivery, replay: int) -> Delivery:
    """Return a delivery as open again, at once and with its whole schedule before it.

    What went wrong last stays to be seen until the next attempt. `replay` is the number of the
    replay that its attempts belong to; 0: none.
    """
    return replace(
        delivery,
        status=DeliveryStatus.PENDING,
        next_attempt_ms=None,
        delivered_ms=None,
        attempts_before=delivery.attempts,
        replay=replay,
    )


def is_due(delivery: Delivery, now_ms: int) -> bool:
    """Tell whether an attempt should be made now."""
    return delivery.status is DeliveryStatus.PENDING and (delivery.next_attempt_ms or 0) <= now_ms
