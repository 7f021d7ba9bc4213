"""Works on jobs: each round opens a bounded number of a webhook's failed and held deliveries again.

Whatever breaks a round off, the next one repeats it: an event that is open again is left alone, and
a marker goes only after its delivery has been opened, and only if no new failure wrote it anew.
"""

import asyncio
import logging
from contextlib import suppress

from msgspec import Struct

from triggers import telemetry
from triggers.control_views import ControlViews
from triggers.errors import TriggersError, Unavailable
from triggers.events import POISON
from triggers.jobs import (
    PASS_PAUSE_MS,
    Job,
    JobStatus,
    Judgement,
    Round,
    advanced,
    cancelled,
    judge,
    obstacle_of,
)
from triggers.ports import (
    Backlog,
    ClaimedJob,
    ClaimLost,
    EventReopening,
    HintSender,
    Jobs,
    Marker,
    Reopened,
)
from triggers.reopening import recovered
from triggers.settings import Settings
from triggers.times import Clock
from worker.fair_queue import FairQueue, Work
from worker.leases import STALE_INDEX_MS, lease_ms_of

MARKERS_MAX = 100  # in one round: as many events are read in one batch
TRIES_MAX = 5

_logger = logging.getLogger(__name__)


class _Judged(Struct, frozen=True):
    """What was done about a marker."""

    marker: Marker
    judgement: Judgement


class Recoverer:
    """Claims jobs, and carries each one round further."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        backlog: Backlog,
        events: EventReopening,
        hints: HintSender,
        views: ControlViews,
        queue: FairQueue,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._backlog = backlog
        self._events = events
        self._hints = hints
        self._views = views
        self._queue = queue
        self._settings = settings
        self._clock = clock
        self._markers_max = min(MARKERS_MAX, settings.recover_per_second)
        self._pause_ms = 1000 * self._markers_max // settings.recover_per_second

    async def work(self, work: Work) -> None:
        """Claim a job and do a round. Raises Unavailable: then it comes again."""
        now_ms = self._clock()
        lease_ms = now_ms + int(self._settings.lease_seconds * 1000)
        claim = await self._jobs.claim(
            work.tenant_id, work.event_id, now_ms=now_ms, lease_ms=lease_ms
        )
        if work.claimed is not None:
            work.claimed()
        if isinstance(claim, ClaimLost):
            until_ms = max(claim.lease_ms or 0, now_ms + STALE_INDEX_MS)
            self._queue.leave_alone(work.event_id, until_ms)
            return
        try:
            job = await self._carry(work.tenant_id, claim)
        except Unavailable:
            await self._give_back(work.tenant_id, claim)
            raise
        due_ms = self._due_ms(claim.job, job)
        await self._jobs.finish(work.tenant_id, claim.fence, job, due_ms=due_ms)
        if due_ms is None:
            _log_end(work.tenant_id, job)

    async def _give_back(self, tenant_id: str, claim: ClaimedJob) -> None:
        """End a claim that came to nothing: a store that is away must not make a job poison."""
        due_ms = self._clock() + PASS_PAUSE_MS
        with suppress(TriggersError):  # then the lease ends by itself
            await self._jobs.finish(tenant_id, claim.fence, claim.job, due_ms=due_ms)

    async def _carry(self, tenant_id: str, claim: ClaimedJob) -> Job:
        view, job = await self._views.view(tenant_id), claim.job
        reason = obstacle_of(view.webhooks.get(job.webhook_id), job)
        if claim.claims > self._settings.claims_max:
            reason = POISON
        if reason is not None:
            return cancelled(job, reason, self._clock())
        round_ = await self._round(tenant_id, job)
        settle_ms = lease_ms_of(view, self._settings)
        return advanced(job, round_, now_ms=self._clock(), settle_ms=settle_ms)

    def _due_ms(self, before: Job, job: Job) -> int | None:
        if job.status is not JobStatus.RUNNING:
            return None
        pause_ms = PASS_PAUSE_MS if job.passes > before.passes else self._pause_ms
        return self._clock() + pause_ms

    async def _round(self, tenant_id: str, job: Job) -> Round:
        markers = await self._backlog.read(
            tenant_id,
            job.webhook_id,
            after=job.position,
            since_ms=job.since_ms,
            until_ms=job.until_ms,
            limit=self._markers_max,
        )
        judged = await asyncio.gather(*(self._deal_with(tenant_id, job, m) for m in markers))
        return _round_of(job, judged, ended=len(markers) < self._markers_max)

    async def _deal_with(self, tenant_id: str, job: Job, marker: Marker) -> _Judged:
        for _ in range(TRIES_MAX):
            judgement = await self._judge(tenant_id, job, marker)
            if judgement is not None:
                break
        else:
            judgement = Judgement.UNDECIDED
        if judgement in (Judgement.REOPEN, Judgement.DROP):
            await self._backlog.drop(tenant_id, job.webhook_id, marker)
        return _Judged(marker, judgement)

    async def _judge(self, tenant_id: str, job: Job, marker: Marker) -> Judgement | None:
        """Judge a marker and open its delivery if it says so; None: the event changed meanwhile."""
        standing = await self._events.stand(tenant_id, marker.event_id)
        judgement = judge(standing.state if standing else None, job)
        if standing is None or judgement is not Judgement.REOPEN:
            return judgement
        now_ms = self._clock()
        due_ms = now_ms + int(self._settings.hint_grace_seconds * 1000)
        after = recovered(standing.state, job.webhook_id, job.statuses, due_ms=due_ms)
        if after is None:
            return Judgement.DROP
        expires_s = now_ms // 1000 + self._settings.retention_days * 86_400
        done = await self._events.reopen(
            tenant_id, marker.event_id, standing, after, expires_s=expires_s
        )
        if done is Reopened.DONE:
            telemetry.recovered.add(1)
            self._hints.send(tenant_id, marker.event_id, standing.traceparent)
            return Judgement.REOPEN
        return None if done is Reopened.CHANGED else Judgement.DROP


def _round_of(job: Job, judged: list[_Judged], *, ended: bool) -> Round:
    position, undecided = job.position, None
    for one in judged:
        if one.judgement is Judgement.UNDECIDED and undecided is None:
            undecided = position or ""
        position = one.marker.event_id
    return Round(
        examined=len(judged),
        recovered=sum(one.judgement is Judgement.REOPEN for one in judged),
        position=position,
        undecided=undecided,
        ended=ended,
    )


def _log_end(tenant_id: str, job: Job) -> None:
    telemetry.log(
        _logger,
        f"job {job.status}",
        tenant_id=tenant_id,
        job_id=job.job_id,
        webhook_id=job.webhook_id,
        examined=job.examined,
        recovered=job.recovered,
        reason=job.reason,
    )
