"""Attempts on the wire."""

from typing import Annotated

from msgspec import Meta, Struct

from app.wire.events import WholeList
from app.wire.ids import EventId, WebhookId
from app.wire.moments import Moment
from triggers.attempts import Attempt
from triggers.retries import Verdict, verdict_of
from triggers.times import rfc3339


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
