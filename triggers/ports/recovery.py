"""The ports of recovery: what failed or was held, the jobs that redeliver it, and what fails."""

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from triggers.jobs import Job
from triggers.ports.claims import ClaimLost


class Marker(Struct, frozen=True, kw_only=True):
    """A marker of a failed or held delivery, as it was read. Each writing has its own `token`."""

    event_id: str
    token: str | None = None


class Backlog(Protocol):
    """Markers of failed and held deliveries by webhook, for recovery."""

    async def mark(
        self, tenant_id: str, webhook_id: str, event_id: str, status: str, *, expires_s: int
    ) -> None:
        """Leave a marker, before the finish that makes the delivery so."""

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
        """Return markers behind an event, of events created in a span of time, oldest first."""

    async def drop(self, tenant_id: str, webhook_id: str, marker: Marker) -> None:
        """Delete a marker if it has not been written anew since it was read."""


class ClaimedJob(Struct, frozen=True, kw_only=True):
    """A job that is a worker's until its lease ends."""

    job: Job
    fence: int
    claims: int


class Jobs(Protocol):
    """Jobs, on the due index as events are."""

    async def start(self, tenant_id: str, job: Job) -> Job:
        """Start a job that is due at once.

        Unless one of the same webhook, kind and time of being enabled runs: then return that.
        """

    async def get(self, tenant_id: str, job_id: str) -> Job | None:
        """Return a job as it stands."""

    async def claim(
        self, tenant_id: str, job_id: str, *, now_ms: int, lease_ms: int
    ) -> ClaimedJob | ClaimLost:
        """Claim a job until `lease_ms` if it runs, is ready and nobody's."""

    async def finish(self, tenant_id: str, fence: int, job: Job, *, due_ms: int | None) -> bool:
        """End a claim with how far the job has come. False: fenced off, nothing was written."""


class FailingWebhooks(Protocol):
    """Since when webhooks have known nothing but failures."""

    async def note(self, tenant_id: str, webhook_id: str, now_ms: int) -> int:
        """Note a failure; returns since when there is nothing else, in milliseconds."""

    async def since(self, tenant_id: str, webhook_ids: Iterable[str]) -> dict[str, int]:
        """Return since when those among them fail that do."""

    async def clear(self, tenant_id: str, webhook_id: str) -> None:
        """Forget the failures of a webhook."""
