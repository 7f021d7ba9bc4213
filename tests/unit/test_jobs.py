"""A job's way over a webhook's markers: what it makes of each, how far it is, when it ends."""

import pytest
from msgspec.structs import replace

from tests.factories import NOW_MS, make_delivery, make_event, make_webhook
from triggers.deliveries import DeliveryStatus
from triggers.events import EventState, EventStatus
from triggers.jobs import (
    PASSES_MAX,
    Job,
    JobKind,
    JobStatus,
    Judgement,
    Round,
    advanced,
    cancelled,
    judge,
    obstacle_of,
)
from triggers.webhooks import WebhookStatus, changed

RECOVER = Job(
    job_id="job_1",
    webhook_id="wh_1",
    kind=JobKind.RECOVER,
    since_ms=NOW_MS - 1_000,
    until_ms=NOW_MS,
    begins_ms=NOW_MS - 1_000,
    created_ms=NOW_MS,
)
RELEASE = replace(RECOVER, kind=JobKind.RELEASE, since_ms=None, until_ms=None)
SETTLE_MS = 45_000

JUDGEMENTS = """
              recover    release    claimed
pending       drop       drop       undecided
delivered     drop       drop       drop
failed        reopen     keep       reopen
held          reopen     reopen     reopen
cancelled     drop       drop       drop
"""


@pytest.mark.parametrize("line", JUDGEMENTS.strip().splitlines()[1:])
def test_a_marker_is_judged_by_how_its_delivery_stands(line: str) -> None:
    status, recover, release, claimed = line.split()
    delivery = make_delivery(webhook_id="wh_1", status=DeliveryStatus(status))
    other = make_delivery(webhook_id="wh_2", status=DeliveryStatus.FAILED)
    state = EventState(deliveries=(other, delivery))

    assert judge(state, RECOVER) is Judgement(recover)
    assert judge(state, RELEASE) is Judgement(release)
    assert judge(replace(state, lease_ms=1), RECOVER) is Judgement(claimed)


def test_a_marker_without_a_delivery_says_something_only_while_a_worker_is_at_it() -> None:
    acknowledged = EventState(
        status=EventStatus.ACKNOWLEDGED,
        deliveries=(make_delivery(webhook_id="wh_1", status=DeliveryStatus.FAILED),),
    )

    assert judge(None, RECOVER) is Judgement.DROP
    assert judge(acknowledged, RECOVER) is Judgement.DROP
    assert judge(EventState(), RECOVER) is Judgement.DROP
    assert judge(EventState(lease_ms=1), RECOVER) is Judgement.UNDECIDED


def make_round(**values: object) -> Round:
    defaults = {
        "examined": 3,
        "recovered": 2,
        "position": make_event(created_ms=NOW_MS - 250).event_id,
        "undecided": None,
        "ended": False,
    }
    return Round(**(defaults | values))  # type: ignore[arg-type]


def after(job: Job, now_ms: int = NOW_MS, **values: object) -> Job:
    return advanced(job, make_round(**values), now_ms=now_ms, settle_ms=SETTLE_MS)


def test_a_job_counts_and_knows_how_much_of_its_time_lies_behind_it() -> None:
    job = after(after(RECOVER))

    assert (job.examined, job.recovered, job.skipped) == (6, 4, 2)
    assert (job.status, job.progress) == (JobStatus.RUNNING, 0.75)
    assert job.position == make_round().position[:14] + (job.position or "")[14:]  # type: ignore[index]


def test_a_job_that_has_come_to_its_end_is_completed() -> None:
    job = after(RECOVER, ended=True)

    assert (job.status, job.progress, job.ended_ms) == (JobStatus.COMPLETED, 1.0, NOW_MS)


def test_a_job_comes_back_to_the_first_that_was_in_work_and_progress_never_shrinks() -> None:
    first = after(RECOVER, undecided="evt_a")
    again = after(first, undecided="evt_b", ended=True)

    assert (again.status, again.position, again.undecided) == (JobStatus.RUNNING, "evt_a", None)
    assert after(again, position=make_event(created_ms=NOW_MS - 900).event_id).progress == 0.75
    assert after(again, ended=True).status is JobStatus.COMPLETED


def test_a_job_does_not_come_back_for_ever() -> None:
    job, passes = RECOVER, 0
    while job.status is JobStatus.RUNNING:
        job, passes = after(job, undecided="", ended=True), passes + 1

    assert passes == PASSES_MAX + 1


def test_a_release_begins_its_last_pass_when_nobody_can_hold_any_more() -> None:
    job, now_ms = RELEASE, NOW_MS
    while job.status is JobStatus.RUNNING:
        job = after(job, now_ms, ended=True, undecided="evt_a")
        assert not job.position or job.status is JobStatus.COMPLETED or now_ms > NOW_MS + SETTLE_MS
        now_ms += 10_000
        if now_ms > NOW_MS + 2 * SETTLE_MS:
            job = after(job, now_ms, ended=True)

    assert job.pass_began_ms >= NOW_MS + SETTLE_MS


def test_a_job_belongs_to_one_time_of_being_enabled() -> None:
    webhook = make_webhook()
    disabled = changed(webhook, NOW_MS, status=WebhookStatus.DISABLED)
    enabled = changed(disabled, NOW_MS, status=WebhookStatus.ACTIVE)
    edited = changed(webhook, NOW_MS, status=WebhookStatus.ACTIVE, timeout_seconds=7)

    assert obstacle_of(webhook, RECOVER) is None
    assert obstacle_of(edited, RECOVER) is None
    assert obstacle_of(None, RECOVER) == "the webhook was deleted"
    assert obstacle_of(disabled, RECOVER) == "the webhook was disabled"
    assert obstacle_of(enabled, RECOVER) == "the webhook was disabled"


def test_a_cancelled_job_says_why_and_since_when() -> None:
    job = cancelled(RECOVER, "the webhook was deleted", NOW_MS + 1)

    assert (job.status, job.ended_ms) == (JobStatus.CANCELLED, NOW_MS + 1)
    assert job.reason == "the webhook was deleted"
