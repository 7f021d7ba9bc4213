"""What recovery rests on: markers that are dropped only as they were read, jobs, failing webhooks."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, make_event
from triggers.events import NEVER_MS
from triggers.ids import due_shard_of, make_job_id
from triggers.jobs import Job, JobKind, JobStatus
from triggers.ports import ClaimedJob, ClaimLost, DueEvent, Marker
from triggers.resources import Resources

TENANT, OTHER = "ten_0000000000000001", "ten_0000000000000002"
EXPIRES_S = NOW_MS // 1000 + 86_400
LEASE_MS = NOW_MS + 45_000


async def mark(resources: Resources, event_id: str, webhook_id: str = "wh_1") -> None:
    await resources.backlog.mark(TENANT, webhook_id, event_id, "failed", expires_s=EXPIRES_S)


async def read(
    resources: Resources,
    tenant_id: str = TENANT,
    *,
    webhook_id: str = "wh_1",
    after: str | None = None,
    span: tuple[int | None, int | None] = (None, None),
    limit: int = 100,
) -> list[Marker]:
    return await resources.backlog.read(
        tenant_id, webhook_id, after=after, since_ms=span[0], until_ms=span[1], limit=limit
    )


async def ids(*args: object, **values: object) -> list[str]:
    return [marker.event_id for marker in await read(*args, **values)]  # type: ignore[arg-type]


async def test_markers_are_read_by_webhook_in_the_order_of_their_events(
    open_outside: OpenOutside,
) -> None:
    events = [make_event(created_ms=NOW_MS + n).event_id for n in range(5)]
    async with open_outside() as outside:
        for event_id in reversed(events):
            await mark(outside.resources, event_id)
        await mark(outside.resources, events[0], "wh_2")

        assert await ids(outside.resources) == events
        assert await ids(outside.resources, limit=2) == events[:2]
        assert await ids(outside.resources, after=events[1], limit=2) == events[2:4]
        assert await ids(outside.resources, webhook_id="wh_2") == events[:1]
        assert await ids(outside.resources, OTHER) == []


async def test_markers_are_read_by_the_creation_of_their_events(open_outside: OpenOutside) -> None:
    events = [make_event(created_ms=NOW_MS + n).event_id for n in range(5)]
    async with open_outside() as outside:
        for event_id in events:
            await mark(outside.resources, event_id)

        assert await ids(outside.resources, span=(NOW_MS + 1, NOW_MS + 3)) == events[1:3]
        assert await ids(outside.resources, span=(NOW_MS + 3, None)) == events[3:]
        assert await ids(outside.resources, span=(NOW_MS + 3, NOW_MS + 1)) == []
        assert await ids(outside.resources, after=events[4], span=(None, NOW_MS + 2)) == []


async def test_a_marker_is_dropped_unless_it_was_written_anew(open_outside: OpenOutside) -> None:
    event_id = make_event().event_id
    async with open_outside() as outside:
        resources = outside.resources
        await mark(resources, event_id)
        [old] = await read(resources)
        await mark(resources, event_id)
        await resources.backlog.drop(TENANT, "wh_1", old)
        [new] = await read(resources)
        await resources.backlog.drop(OTHER, "wh_1", new)
        await resources.backlog.drop(TENANT, "wh_2", new)
        assert await read(resources) == [new]

        await resources.backlog.drop(TENANT, "wh_1", new)
        await resources.backlog.drop(TENANT, "wh_1", new)
        assert await read(resources) == []


def job_id(number: int) -> str:
    return make_job_id(NOW_MS, lambda _: number)


def make_job(**values: object) -> Job:
    defaults = {
        "job_id": job_id(1),
        "webhook_id": "wh_1",
        "kind": JobKind.RECOVER,
        "since_ms": NOW_MS - 1,
        "until_ms": NOW_MS,
        "created_ms": NOW_MS,
        "updated_ms": NOW_MS,
    }
    return Job(**(defaults | values))  # type: ignore[arg-type]


async def claim(resources: Resources, job: Job, now_ms: int = NOW_MS) -> ClaimedJob | ClaimLost:
    return await resources.jobs.claim(TENANT, job.job_id, now_ms=now_ms, lease_ms=LEASE_MS)


async def claimed(resources: Resources, job: Job, now_ms: int = NOW_MS) -> ClaimedJob:
    claim_ = await claim(resources, job, now_ms)
    assert isinstance(claim_, ClaimedJob)
    return claim_


async def read_due(resources: Resources, job: Job, after: DueEvent | None = None) -> list[int]:
    shard = due_shard_of(job.job_id)
    due = await resources.events.read_due(shard, now_ms=NEVER_MS, limit=10, after=after)
    assert all((d.tenant_id, d.event_id) == (TENANT, job.job_id) for d in due)
    return [d.due_ms for d in due]


async def test_a_job_is_due_at_once_and_can_be_read(open_outside: OpenOutside) -> None:
    job = make_job()
    async with open_outside() as outside:
        assert await outside.resources.jobs.start(TENANT, job) == job

        assert await outside.resources.jobs.get(TENANT, job.job_id) == job
        assert await outside.resources.jobs.get(OTHER, job.job_id) is None
        assert await outside.resources.jobs.get(TENANT, job_id(2)) is None
        assert await read_due(outside.resources, job) == [NOW_MS]
        after = DueEvent(tenant_id=TENANT, event_id=job.job_id, due_ms=NOW_MS)
        assert await read_due(outside.resources, job, after) == []


async def test_of_one_kind_a_webhook_has_one_job_at_a_time(open_outside: OpenOutside) -> None:
    job = make_job()
    async with open_outside() as outside:
        jobs = outside.resources.jobs
        await jobs.start(TENANT, job)

        assert await jobs.start(TENANT, replace(job, job_id=job_id(2))) == job
        for other in (
            replace(job, job_id=job_id(3), webhook_id="wh_2"),
            replace(job, job_id=job_id(4), kind=JobKind.RELEASE),
            replace(job, job_id=job_id(5), enablings=1),
        ):
            assert await jobs.start(TENANT, other) == other
        assert await jobs.start(OTHER, job) == job


async def test_many_starts_at_once_make_one_job(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        jobs = outside.resources.jobs
        started = await asyncio.gather(
            *(jobs.start(TENANT, make_job(job_id=job_id(n))) for n in range(4))
        )

        assert len({job.job_id for job in started}) == 1


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.CANCELLED])
async def test_a_job_that_has_ended_is_in_nobodys_way(
    open_outside: OpenOutside, status: JobStatus
) -> None:
    job = make_job()
    async with open_outside() as outside:
        jobs = outside.resources.jobs
        await jobs.start(TENANT, job)
        fence = (await claimed(outside.resources, job)).fence
        ended = replace(job, status=status, examined=3, reason="“x”")
        assert await jobs.finish(TENANT, fence, ended, due_ms=None)

        assert await jobs.get(TENANT, job.job_id) == ended
        assert await read_due(outside.resources, job) == []
        assert isinstance(await claim(outside.resources, job, LEASE_MS + 1), ClaimLost)
        following = replace(job, job_id=job_id(2))
        assert await jobs.start(TENANT, following) == following


async def test_a_job_is_one_workers_until_its_lease_ends(open_outside: OpenOutside) -> None:
    job = make_job()
    async with open_outside() as outside:
        assert await claim(outside.resources, job) == ClaimLost()
        await outside.resources.jobs.start(TENANT, job)
        first = await claimed(outside.resources, job)

        assert await claim(outside.resources, job) == ClaimLost(lease_ms=LEASE_MS)
        second = await claimed(outside.resources, job, LEASE_MS + 1)
        assert (first.job, second.job) == (job, job)
        assert (second.fence, second.claims) == (first.fence + 1, 2)
        assert not await outside.resources.jobs.finish(TENANT, first.fence, job, due_ms=NOW_MS)


async def test_a_finished_round_says_how_far_it_came_and_when_to_go_on(
    open_outside: OpenOutside,
) -> None:
    job = make_job()
    async with open_outside() as outside:
        jobs = outside.resources.jobs
        await jobs.start(TENANT, job)
        fence = (await claimed(outside.resources, job)).fence
        moved = replace(job, position="evt_1", recovered=7, progress=0.5)
        assert await jobs.finish(TENANT, fence, moved, due_ms=NOW_MS + 1_000)

        assert await read_due(outside.resources, job) == [NOW_MS + 1_000]
        assert isinstance(await claim(outside.resources, job, NOW_MS + 999), ClaimLost)
        again = await claimed(outside.resources, job, NOW_MS + 1_000)
        assert (again.job, again.claims) == (moved, 1)


async def test_a_webhook_fails_since_its_first_failure_until_it_is_cleared(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        failing = outside.resources.failing_webhooks
        assert await failing.note(TENANT, "wh_1", NOW_MS) == NOW_MS
        assert await failing.note(TENANT, "wh_1", NOW_MS + 5) == NOW_MS
        assert await failing.note(TENANT, "wh_2", NOW_MS + 7) == NOW_MS + 7

        since = {"wh_1": NOW_MS, "wh_2": NOW_MS + 7}
        assert await failing.since(TENANT, ["wh_1", "wh_2", "wh_3"]) == since
        assert await failing.since(OTHER, ["wh_1"]) == {}
        await failing.clear(TENANT, "wh_1")
        await failing.clear(TENANT, "wh_3")
        assert await failing.since(TENANT, ["wh_1"]) == {}
        assert await failing.note(TENANT, "wh_1", NOW_MS + 9) == NOW_MS + 9
