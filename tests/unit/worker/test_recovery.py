"""A worker's rounds over a job: what failed or was held is open again, and nothing is lost on the way."""

import pytest

from tests.factories import (
    NOW_MS,
    FakeClock,
    make_delivery,
    make_event,
    make_settings,
    make_view,
    make_webhook,
)
from tests.fakes import FakeResources, fake_resources
from triggers.control_views import ControlViews
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.errors import StoreUnavailable
from triggers.events import EventRecord, EventState, EventStatus, progress_of
from triggers.jobs import Job, JobKind, JobStatus
from triggers.ports import Reopened
from triggers.recoveries import Recoveries
from triggers.webhooks import Webhook, WebhookStatus, changed
from worker.fair_queue import FairQueue, Work
from worker.recovery import Recoverer

WEBHOOK = make_webhook(webhook_id="wh_1")
FAILED = make_delivery(webhook_id="wh_1", status=DeliveryStatus.FAILED, attempts=6)
HELD = make_delivery(webhook_id="wh_1", status=DeliveryStatus.HELD)
LEASE_SECONDS = make_settings().lease_seconds
AWAY = StoreUnavailable("test")


class Recovering:
    """One tenant with one webhook, its backlog, and a worker that does a round when told to."""

    def __init__(self, **settings: object) -> None:
        self.clock = FakeClock()
        self.outside: FakeResources = fake_resources(self.clock)
        self.queue = FairQueue(waiting_max=100)
        view = make_view(WEBHOOK)
        self.tenant_id = view.tenant_id
        self.outside.control.keep(view)
        self.recoveries = Recoveries(
            self.outside.jobs,
            self.outside.backlog,
            clock=self.clock,
            random_bits=lambda _: 7,
            retention_days=30,
        )
        self.recoverer = Recoverer(
            jobs=self.outside.jobs,
            backlog=self.outside.backlog,
            events=self.outside.events,
            hints=self.outside.hints,
            views=ControlViews(
                self.outside.control, age_max_seconds=1, monotonic=self.clock.monotonic
            ),
            queue=self.queue,
            settings=make_settings(**settings),
            clock=self.clock,
        )

    def have(self, webhook: Webhook) -> None:
        """Have the webhook be so."""
        view = self.outside.control.views[self.tenant_id]
        made = make_view(webhook, tenant=view.tenant, version=view.version + 1)
        self.outside.control.keep(made)

    async def fail(self, delivery: Delivery = FAILED, number: int = 0, **state: object) -> str:
        """Have an event whose delivery has come to this, with its marker; returns its id."""
        event = make_event(created_ms=NOW_MS - 60_000 + number)
        status = EventStatus.FAILED if delivery is FAILED else EventStatus.PENDING
        stood = EventState(**({"status": status, "deliveries": (delivery,)} | state))  # type: ignore[arg-type]
        record = EventRecord(event=event, state=stood)
        self.outside.events.records[self.tenant_id, event.event_id] = record
        await self.mark(event.event_id)
        return event.event_id

    async def fail_many(self, number: int, delivery: Delivery = FAILED) -> list[str]:
        return [await self.fail(delivery, n) for n in range(number)]

    async def mark(self, event_id: str) -> None:
        await self.outside.backlog.mark(self.tenant_id, "wh_1", event_id, "failed", expires_s=0)

    async def recover(self) -> Job:
        span = {"since_ms": NOW_MS - 3_600_000, "until_ms": NOW_MS}
        return await self.recoveries.recover(self.tenant_id, WEBHOOK, **span)

    async def round(self, job: Job) -> Job:
        """Do one round when the job is due; returns how it stands then."""
        kept = self.outside.jobs.kept[self.tenant_id, job.job_id]
        self.clock.now_ms = max(self.clock.now_ms, kept.due_ms or 0)
        await self.recoverer.work(Work(tenant_id=self.tenant_id, event_id=job.job_id))
        return kept.job

    async def rounds(self, job: Job) -> Job:
        """Do rounds until the job has ended."""
        while job.status is JobStatus.RUNNING:
            job = await self.round(job)
        return job

    def delivery(self, event_id: str) -> Delivery:
        state = self.outside.events.records[self.tenant_id, event_id].state
        [delivery] = state.deliveries or ()
        return delivery

    @property
    def marked(self) -> set[str]:
        return {event_id for *_, event_id in self.outside.backlog.markers}


async def test_what_failed_or_was_held_is_open_again_hinted_and_kept_for_the_retention() -> None:
    world = Recovering()
    event_ids = [await world.fail(), await world.fail(HELD, 1)]
    job = await world.round(await world.recover())

    assert (job.status, job.progress) == (JobStatus.COMPLETED, 1.0)
    assert (job.examined, job.recovered, job.skipped) == (2, 2, 0)
    for event_id in event_ids:
        assert world.delivery(event_id).status is DeliveryStatus.PENDING
        expires_s = world.outside.events.expires_s[world.tenant_id, event_id]
        assert expires_s == NOW_MS // 1000 + 30 * 86_400
    assert world.outside.hints.calls["send"] == 2
    assert world.marked == set()


async def test_a_release_opens_what_was_held_and_leaves_what_failed_to_a_recovery() -> None:
    world = Recovering()
    failed, held = await world.fail(), await world.fail(HELD, 1)
    job = await world.rounds(await world.recoveries.release(world.tenant_id, WEBHOOK))

    assert (job.status, job.kind, job.recovered) == (JobStatus.COMPLETED, JobKind.RELEASE, 1)
    assert world.delivery(held).status is DeliveryStatus.PENDING
    assert world.delivery(failed) == FAILED
    assert world.marked == {failed}


async def test_a_release_finds_what_is_held_behind_its_back() -> None:
    world = Recovering()
    job = await world.round(await world.recoveries.release(world.tenant_id, WEBHOOK))
    late = await world.fail(HELD)  # by a round that saw the webhook disabled
    job = await world.rounds(job)

    assert world.delivery(late).status is DeliveryStatus.PENDING
    ended_ms = job.ended_ms or 0
    assert ended_ms >= job.created_ms + LEASE_SECONDS * 1000
    assert ended_ms < job.created_ms + 2 * LEASE_SECONDS * 1000


async def test_F71_a_job_opens_no_more_than_its_rate() -> None:
    world = Recovering(recover_per_second=40)
    await world.fail_many(100)
    job, began_ms = await world.recover(), world.clock.now_ms
    opened = []
    while job.status is JobStatus.RUNNING:
        job = await world.round(job)
        opened.append((world.clock.now_ms - began_ms, job.recovered))

    assert opened == [(0, 40), (1_000, 80), (2_000, 100)]


@pytest.mark.parametrize("rate", [1, 30, 100, 250, 5_000])
async def test_rounds_stay_bounded_whatever_the_rate(rate: int) -> None:
    world = Recovering(recover_per_second=rate)
    await world.fail_many(250)
    job = await world.round(await world.recover())
    [kept] = world.outside.jobs.kept.values()
    assert job.examined == min(100, rate)
    assert (kept.due_ms or 0) - world.clock.now_ms == 1000 * job.examined // rate


async def test_what_is_in_a_workers_hands_is_come_back_to() -> None:
    world = Recovering()
    pending = make_delivery(webhook_id="wh_1")
    before = await world.fail(number=0)
    taken = await world.fail(pending, 1, lease_ms=NOW_MS + 1)
    job = await world.round(await world.recover())
    assert (job.status, job.position) == (JobStatus.RUNNING, before)
    assert world.marked == {taken}

    events = world.outside.events
    await events.finish(  # by the worker, whose marker it was
        world.tenant_id,
        taken,
        0,
        progress_of((FAILED,), NOW_MS),
    )
    job = await world.rounds(job)
    assert (job.status, job.recovered) == (JobStatus.COMPLETED, 2)
    assert world.marked == set()


async def test_markers_that_say_nothing_any_more_are_dropped() -> None:
    world = Recovering()
    delivered = make_delivery(webhook_id="wh_1", status=DeliveryStatus.DELIVERED, attempts=1)
    await world.fail(delivered)
    await world.fail(number=1, status=EventStatus.ACKNOWLEDGED)
    await world.mark(make_event(created_ms=NOW_MS - 1_000).event_id)  # TTL has taken the event
    gone = await world.fail(number=2)
    world.outside.events.without_payload.add((world.tenant_id, gone))
    job = await world.round(await world.recover())

    assert (job.examined, job.recovered, job.skipped) == (4, 0, 4)
    assert world.marked == set()


async def test_a_failure_that_comes_meanwhile_keeps_its_marker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Recovering()
    event_id = await world.fail()
    reopen = world.outside.events.reopen

    async def fail_again(*args: object, **values: object) -> Reopened:
        done = await reopen(*args, **values)  # type: ignore[arg-type]
        await world.mark(event_id)
        return done

    monkeypatch.setattr(world.outside.events, "reopen", fail_again)
    await world.round(await world.recover())

    assert world.marked == {event_id}


async def test_a_lost_race_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Recovering()
    event_id = await world.fail()
    reopen, lost = world.outside.events.reopen, iter([True, True])

    async def lose(*args: object, **values: object) -> Reopened:
        if next(lost, False):
            return Reopened.CHANGED
        return await reopen(*args, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(world.outside.events, "reopen", lose)
    job = await world.round(await world.recover())

    assert job.recovered == 1
    assert world.delivery(event_id).status is DeliveryStatus.PENDING


@pytest.mark.parametrize("call", ["stand", "reopen", "drop", "finish"])
async def test_a_round_that_breaks_off_is_repeated_and_loses_nothing(call: str) -> None:
    world = Recovering()
    event_ids = await world.fail_many(3)
    job = await world.recover()
    fakes = (world.outside.events, world.outside.backlog, world.outside.jobs)
    for fake in fakes:
        fake.failing_calls[call] = AWAY
    with pytest.raises(StoreUnavailable):
        await world.round(job)
    for fake in fakes:
        fake.failing_calls.clear()
    world.clock.advance(LEASE_SECONDS + 1)
    job = await world.rounds(job)

    assert job.status is JobStatus.COMPLETED
    assert {world.delivery(event_id).status for event_id in event_ids} == {DeliveryStatus.PENDING}
    assert world.marked == set()


DISABLED = changed(WEBHOOK, NOW_MS, status=WebhookStatus.DISABLED)
OBSTACLES: list[tuple[Webhook, str]] = [
    (make_webhook(webhook_id="wh_2"), "the webhook was deleted"),
    (DISABLED, "the webhook was disabled"),
    (changed(DISABLED, NOW_MS, status=WebhookStatus.ACTIVE), "the webhook was disabled"),
]


@pytest.mark.parametrize(("webhook", "reason"), OBSTACLES)
async def test_a_job_whose_webhook_is_gone_or_disabled_is_cancelled(
    webhook: Webhook, reason: str
) -> None:
    world = Recovering()
    event_id = await world.fail()
    job = await world.recover()
    world.have(webhook)
    job = await world.round(job)

    assert (job.status, job.reason) == (JobStatus.CANCELLED, reason)
    assert world.delivery(event_id) == FAILED
    assert world.marked == {event_id}


async def test_a_job_that_kills_its_workers_is_given_up() -> None:
    world = Recovering()
    job = await world.recover()
    world.outside.jobs.kept[world.tenant_id, job.job_id].claims = 5
    job = await world.round(job)

    assert (job.status, job.reason) == (JobStatus.CANCELLED, "poison")


async def test_F23_a_job_outlives_a_store_that_fails_in_more_rounds_than_poison_may() -> None:
    world = Recovering()
    event_id = await world.fail()
    job = await world.recover()
    world.outside.backlog.failing_calls["read"] = AWAY
    for _ in range(8):
        with pytest.raises(StoreUnavailable):
            await world.round(job)
        world.clock.advance(LEASE_SECONDS + 1)
    world.outside.backlog.failing_calls.clear()

    assert (await world.rounds(job)).status is JobStatus.COMPLETED
    assert world.delivery(event_id).status is DeliveryStatus.PENDING


async def test_a_job_that_another_worker_has_is_left_alone() -> None:
    world = Recovering()
    job = await world.recover()
    lease_ms = NOW_MS + 9_000
    await world.outside.jobs.claim(world.tenant_id, job.job_id, now_ms=NOW_MS, lease_ms=lease_ms)
    work = Work(tenant_id=world.tenant_id, event_id=job.job_id)
    await world.recoverer.work(work)

    assert not world.queue.put(work, lease_ms - 1)
    assert world.queue.put(work, lease_ms)
    assert not world.outside.backlog.calls["read"]
