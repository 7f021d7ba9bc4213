"""What recovery works with, in memory: markers, jobs, and which webhooks fail."""

import itertools
from collections.abc import Iterable

from msgspec import Struct

from tests.fakes.base import Fake
from triggers.ids import EVENT_ID_MAX, first_event_id
from triggers.jobs import Job, JobStatus
from triggers.ports import ClaimedJob, ClaimLost, Marker


class FakeBacklog(Fake):
    """The markers by (tenant, webhook, event), each with the status that it was left for."""

    def __init__(self) -> None:
        super().__init__()
        self.markers: dict[tuple[str, str, str], str] = {}
        self.tokens: dict[tuple[str, str, str], str] = {}
        self._numbers = itertools.count(1)

    async def mark(
        self, tenant_id: str, webhook_id: str, event_id: str, status: str, *, expires_s: int
    ) -> None:
        await self._answer("mark")
        self.markers[tenant_id, webhook_id, event_id] = status
        self.tokens[tenant_id, webhook_id, event_id] = str(next(self._numbers))

    async def read(
        self,
        tenant_id: str,
        webhook_id: str,
        *,
        after: str | None,
        since_ms: int | None,
        until_ms: int | None,
        limit: int,
    ) -> list[Marker]:
        await self._answer("read")
        first = first_event_id(since_ms or 0)
        last = EVENT_ID_MAX if until_ms is None else first_event_id(until_ms)
        found = sorted(
            (event_id, key)
            for key in self.markers
            for event_id in key[2:]
            if key[:2] == (tenant_id, webhook_id) and first <= event_id <= last
        )
        behind = [(event_id, key) for event_id, key in found if event_id > (after or "")]
        return [
            Marker(event_id=event_id, token=self.tokens.get(key))
            for event_id, key in behind[:limit]
        ]

    async def drop(self, tenant_id: str, webhook_id: str, marker: Marker) -> None:
        await self._answer("drop")
        key = (tenant_id, webhook_id, marker.event_id)
        if key in self.markers and self.tokens.get(key) == marker.token:
            del self.markers[key]
            self.tokens.pop(key, None)


class KeptJob(Struct):
    """A job as it is kept: with the claim on it, and when it is due."""

    job: Job
    due_ms: int | None
    ready_ms: int = 0
    fence: int = 0
    claims: int = 0
    lease_ms: int = 0


class FakeJobs(Fake):
    """The jobs by (tenant, id)."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], KeptJob] = {}

    async def start(self, tenant_id: str, job: Job) -> Job:
        await self._answer("start")
        for (owner, _), kept in self.kept.items():
            other = kept.job
            is_like = (other.webhook_id, other.kind, other.enablings) == (
                *(job.webhook_id, job.kind, job.enablings),
            )
            if owner == tenant_id and is_like and other.status is JobStatus.RUNNING:
                return other
        self.kept[tenant_id, job.job_id] = KeptJob(job=job, due_ms=job.created_ms)
        return job

    async def get(self, tenant_id: str, job_id: str) -> Job | None:
        await self._answer("get")
        kept = self.kept.get((tenant_id, job_id))
        return kept.job if kept else None

    async def claim(
        self, tenant_id: str, job_id: str, *, now_ms: int, lease_ms: int
    ) -> ClaimedJob | ClaimLost:
        await self._answer("claim")
        kept = self.kept.get((tenant_id, job_id))
        if kept is None:
            return ClaimLost()
        runs = kept.job.status is JobStatus.RUNNING
        if not runs or kept.ready_ms > now_ms or kept.lease_ms >= now_ms:
            return ClaimLost(lease_ms=kept.lease_ms)
        kept.fence, kept.claims, kept.lease_ms = kept.fence + 1, kept.claims + 1, lease_ms
        return ClaimedJob(job=kept.job, fence=kept.fence, claims=kept.claims)

    async def finish(self, tenant_id: str, fence: int, job: Job, *, due_ms: int | None) -> bool:
        await self._answer("finish")
        kept = self.kept.get((tenant_id, job.job_id))
        if kept is None or kept.fence != fence:
            return False
        kept.job, kept.due_ms, kept.ready_ms = job, due_ms, due_ms or 0
        kept.claims = kept.lease_ms = 0
        return True


class FakeFailingWebhooks(Fake):
    """Since when webhooks fail, by (tenant, webhook)."""

    def __init__(self) -> None:
        super().__init__()
        self.since_ms: dict[tuple[str, str], int] = {}

    async def note(self, tenant_id: str, webhook_id: str, now_ms: int) -> int:
        await self._answer("note")
        return self.since_ms.setdefault((tenant_id, webhook_id), now_ms)

    async def since(self, tenant_id: str, webhook_ids: Iterable[str]) -> dict[str, int]:
        await self._answer("since")
        known = ((name, self.since_ms.get((tenant_id, name))) for name in webhook_ids)
        return {name: since_ms for name, since_ms in known if since_ms is not None}

    async def clear(self, tenant_id: str, webhook_id: str) -> None:
        await self._answer("clear")
        self.since_ms.pop((tenant_id, webhook_id), None)
