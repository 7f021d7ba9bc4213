"""Recovery on request: starts the jobs that redeliver what failed or was held for a webhook."""

from triggers.errors import RecoveryRunning, WebhookDisabled
from triggers.ids import RandomBits, make_job_id
from triggers.jobs import Job, JobKind
from triggers.ports import Backlog, Jobs
from triggers.times import Clock
from triggers.webhooks import Webhook


class Recoveries:
    """Starts jobs, at most one of a kind for each webhook at a time."""

    def __init__(
        self,
        jobs: Jobs,
        backlog: Backlog,
        *,
        clock: Clock,
        random_bits: RandomBits,
        retention_days: int,
    ) -> None:
        self._jobs = jobs
        self._backlog = backlog
        self._clock = clock
        self._random_bits = random_bits
        self._retention_ms = retention_days * 86_400_000

    async def recover(
        self, tenant_id: str, webhook: Webhook, *, since_ms: int, until_ms: int
    ) -> Job:
        """Start to redeliver what failed or was held of the events created in a span of time.

        Raises WebhookDisabled, RecoveryRunning.
        """
        if not webhook.is_enabled:
            raise WebhookDisabled(webhook.webhook_id)
        job = self._job(webhook, JobKind.RECOVER, since_ms, until_ms)
        running = await self._jobs.start(tenant_id, job)
        if running.job_id != job.job_id:
            raise RecoveryRunning(running.job_id)
        return job

    async def release(self, tenant_id: str, webhook: Webhook) -> Job:
        """Start to deliver what was held while a webhook was disabled; returns what runs already."""
        return await self._jobs.start(tenant_id, self._job(webhook, JobKind.RELEASE, None, None))

    async def after_enabling(self, tenant_id: str, before: Webhook, webhook: Webhook) -> Job | None:
        """Release what was held for a webhook, if the call that returned it as it is enabled it.

        If it was enabled before, only if anything failed or was held at all: then a call may have
        ended between enabling it and this.
        """
        if webhook.enablings == before.enablings:
            markers = await self._backlog.read(
                tenant_id, webhook.webhook_id, after=None, since_ms=None, until_ms=None, limit=1
            )
            if not markers:
                return None
        return await self.release(tenant_id, webhook)

    def _job(
        self, webhook: Webhook, kind: JobKind, since_ms: int | None, until_ms: int | None
    ) -> Job:
        now_ms = self._clock()
        return Job(
            job_id=make_job_id(now_ms, self._random_bits),
            webhook_id=webhook.webhook_id,
            kind=kind,
            enablings=webhook.enablings,
            since_ms=since_ms,
            until_ms=until_ms,
            begins_ms=max(since_ms or 0, now_ms - self._retention_ms),
            created_ms=now_ms,
            updated_ms=now_ms,
        )
