"""Recoveries and jobs on the wire."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from app.decoding import decode_json
from app.wire.ids import JobId, WebhookId
from app.wire.moments import Moment, moment_or_none
from triggers.errors import FieldError, ValidationFailed
from triggers.jobs import Job, JobKind, JobStatus
from triggers.times import rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

Since = Annotated[
    datetime,
    Meta(
        tz=True,
        description="Events accepted from then on, RFC 3339 with its zone; in the past",
        examples=["2026-11-21T00:00:00Z"],
    ),
]
Until = Annotated[
    datetime,
    Meta(
        tz=True,
        description="Events accepted before then, RFC 3339 with its zone; after since, not in the "
        "future; now when left out",
        examples=["2026-11-22T00:00:00Z"],
    ),
]


class RecoveryIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which span of time a webhook gets again what failed or was held."""

    since: Since
    until: Until | None = None


class JobOut(Struct, frozen=True, kw_only=True):
    """The redelivery of what failed or was held for a webhook, and how far it has come."""

    job_id: JobId
    kind: Annotated[
        JobKind,
        Meta(
            description="`recover`: what failed or was held, on request; `release`: what was held, "
            "after the webhook was enabled",
            examples=["recover"],
        ),
    ]
    webhook_id: WebhookId
    status: Annotated[
        JobStatus,
        Meta(description="`cancelled` when the webhook was disabled or deleted meanwhile"),
    ]
    examined: Annotated[
        int, Meta(ge=0, description="Failed or held deliveries looked at", examples=[250])
    ]
    recovered: Annotated[
        int, Meta(ge=0, description="Deliveries that are pending again", examples=[240])
    ]
    skipped: Annotated[
        int,
        Meta(
            ge=0,
            description="Those left alone: delivered, acknowledged or gone meanwhile, or in work",
            examples=[10],
        ),
    ]
    progress: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="How much of the span of time lies behind it, 0 to 1",
            examples=[0.42],
        ),
    ]
    since: Annotated[
        Moment | None, Meta(description="The beginning of its span; null: the very first event")
    ]
    until: Annotated[
        Moment | None, Meta(description="The end of its span; null: it has none", examples=[None])
    ]
    created_at: Annotated[Moment, Meta(description="When it was started, in UTC")]
    updated_at: Annotated[Moment, Meta(description="When it came this far, in UTC")]
    completed_at: Annotated[
        Moment | None, Meta(description="When it ended, in UTC", examples=[None])
    ]
    reason: Annotated[str | None, Meta(description="Why it was cancelled", examples=[None])]


def read_span(body: bytes, now_ms: int) -> tuple[int, int]:
    """Read the span of a recovery: its first moment, and that behind its last, in milliseconds.

    Raises MalformedJson, ValidationFailed.
    """
    check = _not_after(now_ms)
    sent = decode_json(RecoveryIn, body, {"since": check, "until": check})
    since_ms = _milliseconds(sent.since)
    until_ms = now_ms + 1 if sent.until is None else _milliseconds(sent.until)
    if since_ms >= until_ms:
        field = "until" if sent.until else "since"
        raise ValidationFailed(
            [
                FieldError(
                    field=field,
                    issue="leaves no time between since and until",
                    suggestion="`until` must be later than `since`; now when left out",
                )
            ]
        )
    return since_ms, until_ms


def job_to_wire(job: Job) -> JobOut:
    """Show a job."""
    return JobOut(
        job_id=job.job_id,
        kind=job.kind,
        webhook_id=job.webhook_id,
        status=job.status,
        examined=job.examined,
        recovered=job.recovered,
        skipped=job.skipped,
        progress=job.progress,
        since=moment_or_none(job.since_ms),
        until=moment_or_none(job.until_ms),
        created_at=rfc3339(job.created_ms),
        updated_at=rfc3339(job.updated_ms),
        completed_at=moment_or_none(job.ended_ms),
        reason=job.reason,
    )


def _not_after(now_ms: int) -> Callable[[datetime], str | None]:
    def check(moment: datetime) -> str | None:
        return "lies in the future" if _milliseconds(moment) > now_ms else None

    return check


def _milliseconds(moment: datetime) -> int:
    """Return a moment in milliseconds since 1970, none before."""
    return max(0, (moment - _EPOCH) // _MILLISECOND)
