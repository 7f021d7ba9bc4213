"""A job: the redelivery of what failed or was held for a webhook, and how far it has come. Pure.

It walks the webhook's markers in the order of their events, a bounded number a round. What is in a
worker's hands at the moment cannot be judged, so the job comes back to it; and a job that releases
what was held goes on until no round can end any more that saw the webhook disabled.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from triggers.deliveries import DeliveryStatus
from triggers.events import EventState, EventStatus
from triggers.ids import created_ms_of
from triggers.webhooks import Webhook

JOB_KEPT_DAYS = 30
PASSES_MAX = 30
PASS_PAUSE_MS = 5_000


class JobKind(StrEnum):
    """What a job redelivers: what failed or was held in a span of time, or all that was held."""

    RECOVER = "recover"
    RELEASE = "release"


class JobStatus(StrEnum):
    """Where a job stands. A cancelled one says why."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Job(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job as it is kept. Add fields with defaults only.

    `since_ms` and `until_ms` bound the creation of events, the second one excluded; `begins_ms` is
    where its progress is measured from. `enablings` are those of the webhook at the job's start: a
    job belongs to one time of being enabled. `position` is the last marker looked at, `undecided`
    the position before the first one that could not be judged in this pass.
    """

    job_id: str
    webhook_id: str
    kind: JobKind
    enablings: int = 0
    since_ms: int | None = None
    until_ms: int | None = None
    begins_ms: int = 0
    created_ms: int = 0
    updated_ms: int = 0
    status: JobStatus = JobStatus.RUNNING
    position: str | None = None
    undecided: str | None = None
    passes: int = 0
    pass_began_ms: int = 0
    progress: float = 0.0
    examined: int = 0
    recovered: int = 0
    skipped: int = 0
    ended_ms: int | None = None
    reason: str | None = None

    @property
    def statuses(self) -> tuple[DeliveryStatus, ...]:
        """The deliveries that it opens again."""
        if self.kind is JobKind.RELEASE:
            return (DeliveryStatus.HELD,)
        return (DeliveryStatus.FAILED, DeliveryStatus.HELD)


class Judgement(StrEnum):
    """What is to be done about a marker."""

    REOPEN = "reopen"
    DROP = "drop"  # it says nothing any more
    KEEP = "keep"  # it is another job's
    UNDECIDED = "undecided"  # a worker has the event in its hands


class Round(Struct, frozen=True, kw_only=True):
    """What one round came to. `ended`: nothing is behind it; `undecided` as in a job."""

    examined: int
    recovered: int
    position: str | None
    undecided: str | None
    ended: bool


def judge(state: EventState | None, job: Job) -> Judgement:
    """Judge a marker of a job's webhook by how its event stands, None: it is gone.

    A marker is written before the finish that makes it true. So that of a pending delivery may come
    true as long as a claim lasts: no finish of an earlier claim is accepted any more.
    """
    if state is None or state.status is EventStatus.ACKNOWLEDGED:
        return Judgement.DROP
    by_webhook = {delivery.webhook_id: delivery.status for delivery in state.deliveries or ()}
    status = by_webhook.get(job.webhook_id, DeliveryStatus.PENDING)
    if status in job.statuses:
        return Judgement.REOPEN
    if status is DeliveryStatus.FAILED:
        return Judgement.KEEP
    if status is DeliveryStatus.PENDING and state.lease_ms:
        return Judgement.UNDECIDED
    return Judgement.DROP


def obstacle_of(webhook: Webhook | None, job: Job) -> str | None:
    """Return why a job cannot go on; None: it can."""
    if webhook is None:
        return "the webhook was deleted"
    if not webhook.is_enabled or webhook.enablings != job.enablings:
        return "the webhook was disabled"
    return None


def cancelled(job: Job, reason: str, now_ms: int) -> Job:
    """Return a job that has ended for a reason."""
    return replace(
        job, status=JobStatus.CANCELLED, reason=reason, updated_ms=now_ms, ended_ms=now_ms
    )


def advanced(job: Job, round_: Round, *, now_ms: int, settle_ms: int) -> Job:
    """Return a job after a round; rounds of workers that began before it end within `settle_ms`."""
    moved = replace(
        job,
        position=round_.position,
        undecided=job.undecided if job.undecided is not None else round_.undecided,
        examined=job.examined + round_.examined,
        recovered=job.recovered + round_.recovered,
        skipped=job.skipped + round_.examined - round_.recovered,
        pass_began_ms=job.pass_began_ms or now_ms,
        updated_ms=now_ms,
    )
    if not round_.ended:
        return replace(moved, progress=max(job.progress, _progress(moved)))
    if moved.passes >= PASSES_MAX or not _goes_again(moved, settle_ms):
        return replace(moved, status=JobStatus.COMPLETED, progress=1.0, ended_ms=now_ms)
    again = None if _is_early(moved, settle_ms) else moved.undecided
    return replace(moved, position=again, undecided=None, passes=moved.passes + 1, pass_began_ms=0)


def _goes_again(job: Job, settle_ms: int) -> bool:
    return job.undecided is not None or _is_early(job, settle_ms)


def _is_early(job: Job, settle_ms: int) -> bool:
    """Tell whether something may have been held behind the back of a job's last pass."""
    return job.kind is JobKind.RELEASE and job.pass_began_ms < job.created_ms + settle_ms


def _progress(job: Job) -> float:
    """Return the share of the job's span of time that lies behind its position."""
    if not job.position:
        return 0.0
    until_ms = job.created_ms if job.until_ms is None else job.until_ms
    share = (created_ms_of(job.position) - job.begins_ms) / max(1, until_ms - job.begins_ms)
    return round(min(1.0, max(0.0, share)), 4)
