"""Finish: what is written about a round, in which order, and what a failing store does to it."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.factories import (
    FakeClock,
    make_attempt,
    make_event,
    make_outcome,
    make_view,
    make_webhook,
)
from tests.fakes import FakeResources, fake_resources
from tests.processes import until
from tests.unit.worker.world import journal_of, make_finisher
from triggers.attempts import Attempt
from triggers.deliveries import Delivery, DeliveryStatus, settled
from triggers.errors import StoreRefused, StoreUnavailable, TriggersError
from triggers.events import EventRecord, EventStatus, Progress, progress_of
from triggers.messages import DeadLetter
from triggers.webhooks import Webhook, WebhookStatus
from worker.finishing import Finisher
from worker.rounds import WEBHOOK_DISABLED, Round

AWAY = StoreUnavailable("test")
WEBHOOK = make_webhook(webhook_id="wh_1")
DELIVERED = Delivery(webhook_id="wh_1", status=DeliveryStatus.DELIVERED, attempts=1)
FAILED = Delivery(webhook_id="wh_1", status=DeliveryStatus.FAILED, attempts=6, last_error="no")
GONE = Delivery(webhook_id="wh_1", status=DeliveryStatus.HELD, attempts=1, last_status_code=410)
HELD = Delivery(webhook_id="wh_1", status=DeliveryStatus.HELD)
ANOTHER = Delivery(webhook_id="wh_2", status=DeliveryStatus.FAILED, attempts=6)


class Finishing:
    """An event that has been claimed, and a finisher."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.outside: FakeResources = fake_resources(self.clock)
        self.finisher: Finisher = make_finisher(self.outside, self.clock)
        self.view = make_view(WEBHOOK)
        self.tenant_id = self.view.tenant_id
        self.outside.control.keep(self.view)
        self.event = make_event()

    async def claimed(self, *deliveries: Delivery, attempts: tuple[Attempt, ...] = ()) -> Round:
        """Claim the event, and return a round in which its deliveries have come to stand so."""
        now_ms, lease_ms = self.clock.now_ms, self.clock.now_ms + 45_000
        await self.outside.events.insert(self.tenant_id, self.event, due_ms=now_ms, expires_s=0)
        record = await self.outside.events.claim(
            self.tenant_id, self.event.event_id, now_ms=now_ms, lease_ms=lease_ms
        )
        assert isinstance(record, EventRecord)
        round_ = Round(self.tenant_id, record, self.view, lease_ms)
        round_.replace(*deliveries)
        round_.attempts.extend(attempts)
        return round_

    async def finish(self, round_: Round, *, save_at_last: bool = False) -> bool:
        progress = self.progress(round_)
        return await self.finisher.finish(round_, progress, save_at_last=save_at_last)

    def progress(self, round_: Round) -> Progress:
        return progress_of(round_.deliveries, self.clock.now_ms)

    @property
    def record(self) -> EventRecord:
        return self.outside.events.records[self.tenant_id, self.event.event_id]


@pytest.fixture
def finishing() -> Finishing:
    return Finishing()


JOURNALS = {
    "a first try success costs one write": (DELIVERED, 200, ["finish"]),
    "failed": (FAILED, 500, ["record", "mark", "finish", "send"]),
    "gone": (GONE, 410, ["record", "mark", "finish", "read_view", "write"]),
    "held for another reason": (HELD, None, ["mark", "finish"]),
    "held, gone long ago": (settled(GONE, HELD.status, WEBHOOK_DISABLED), None, ["mark", "finish"]),
}


@pytest.mark.parametrize(("delivery", "status", "journal"), JOURNALS.values(), ids=JOURNALS)
async def test_attempts_and_markers_come_before_the_finish_and_what_is_told_after_it(
    finishing: Finishing, delivery: Delivery, status: int | None, journal: list[str]
) -> None:
    attempts = (make_attempt(outcome=make_outcome(status)),) if status else ()
    round_ = await finishing.claimed(delivery, attempts=attempts)
    written = journal_of(finishing.outside)
    assert await finishing.finish(round_)
    assert written == journal
    assert list(finishing.outside.backlog.markers.values()) == (
        [delivery.status.value] if "mark" in journal else []
    )


async def test_f69_a_webhook_that_is_gone_is_disabled(finishing: Finishing) -> None:
    assert await finishing.finish(await finishing.claimed(GONE))
    webhook = finishing.outside.control.views[finishing.tenant_id].webhooks["wh_1"]
    assert webhook.status is WebhookStatus.DISABLED
    assert webhook.disabled_reason == "receiver answered 410"


async def test_a_failed_delivery_leaves_a_letter(finishing: Finishing) -> None:
    await finishing.finish(await finishing.claimed(FAILED))
    assert finishing.outside.dead_letters.letters == [
        DeadLetter(
            tenant_id=finishing.tenant_id,
            event_id=finishing.event.event_id,
            webhook_id="wh_1",
            attempts=6,
            last_error="no",
            failed_ms=finishing.clock.now_ms,
        )
    ]


async def test_a_round_that_was_fenced_off_writes_nothing_more_and_tells_nobody(
    finishing: Finishing,
) -> None:
    round_ = await finishing.claimed(FAILED)
    await finishing.outside.events.acknowledge(finishing.tenant_id, finishing.event.event_id, 1)
    acknowledged = finishing.record
    assert not await finishing.finish(round_)
    assert finishing.record == acknowledged
    assert not finishing.outside.dead_letters.letters
    assert not finishing.outside.control.calls


@pytest.mark.parametrize("call", ["finish", "mark"])
async def test_f22_a_failing_store_is_tried_again(finishing: Finishing, call: str) -> None:
    round_ = await finishing.claimed(FAILED)
    failing = finishing.outside.events if call == "finish" else finishing.outside.backlog
    failing.failing_calls[call] = AWAY
    finish = asyncio.create_task(finishing.finish(round_))
    await until(lambda: failing.calls[call])
    failing.failing_calls.clear()
    assert await finish
    assert len(finishing.outside.dead_letters.letters) == 1


@pytest.mark.parametrize("call", ["finish", "mark"])
async def test_f25_a_store_that_stays_away_leaves_the_event_to_its_lease(
    finishing: Finishing, call: str
) -> None:
    round_ = await finishing.claimed(FAILED)
    claimed = finishing.record
    failing = finishing.outside.events if call == "finish" else finishing.outside.backlog
    failing.failing_calls[call] = AWAY
    with pytest.raises(StoreUnavailable):
        await finishing.finish(round_)
    assert finishing.record == claimed
    assert not finishing.outside.dead_letters.letters


@pytest.mark.parametrize("hanging", ["attempts", "backlog", "events"])
async def test_f26_a_store_that_hangs_holds_up_a_round_only_so_long_and_what_can_be_is_saved(
    finishing: Finishing, hanging: str
) -> None:
    round_ = await finishing.claimed(DELIVERED, ANOTHER, attempts=(make_attempt(),))
    getattr(finishing.outside, hanging).gate.clear()
    started = asyncio.get_running_loop().time()
    with pytest.raises(StoreUnavailable):
        await finishing.finish(round_, save_at_last=True)
    assert asyncio.get_running_loop().time() - started < 5
    is_saved = finishing.record.state.deliveries == (DELIVERED, Delivery(webhook_id="wh_2"))
    assert is_saved == (hanging != "events")


@pytest.mark.parametrize(("part", "call"), [("backlog", "mark"), ("dead_letters", "send")])
async def test_many_deliveries_are_marked_and_told_at_once(
    finishing: Finishing, part: str, call: str
) -> None:
    round_, fake = await finishing.claimed(FAILED, ANOTHER), getattr(finishing.outside, part)
    fake.gate.clear()
    finish = asyncio.create_task(finishing.finish(round_))
    await until(lambda: fake.calls[call] == 2)
    fake.gate.set()
    assert await finish


async def test_attempts_that_cannot_be_kept_do_not_stop_the_finish(finishing: Finishing) -> None:
    finishing.outside.attempts.failing = AWAY
    round_ = await finishing.claimed(DELIVERED, attempts=(make_attempt(), make_attempt()))
    assert await finishing.finish(round_)
    assert finishing.record.state.status is EventStatus.DELIVERED


@pytest.mark.parametrize("error", [AWAY, StoreRefused("test")])
async def test_nobody_told_is_no_failure_of_the_finish(
    finishing: Finishing, error: TriggersError
) -> None:
    finishing.outside.dead_letters.failing = error
    assert await finishing.finish(await finishing.claimed(ANOTHER, GONE))
    assert finishing.record.state.status is EventStatus.FAILED
    disabled: Webhook = finishing.outside.control.views[finishing.tenant_id].webhooks["wh_1"]
    assert not disabled.is_enabled


async def test_a_save_writes_what_was_delivered_and_leaves_the_rest_and_the_claim_as_they_were(
    finishing: Finishing,
) -> None:
    round_ = await finishing.claimed(DELIVERED, ANOTHER, attempts=(make_attempt(),))
    claimed = finishing.record.state
    journal = journal_of(finishing.outside)
    await finishing.finisher.save(round_)
    assert sorted(journal) == ["record", "save"]
    deliveries = (DELIVERED, Delivery(webhook_id="wh_2"))
    assert finishing.record.state == replace(claimed, deliveries=deliveries, claims=0)


@pytest.mark.parametrize(("failing", "records"), [(None, 1), (AWAY, 2)])
async def test_an_attempt_is_written_at_the_finish_if_the_save_did_not(
    finishing: Finishing, failing: TriggersError | None, records: int
) -> None:
    round_ = await finishing.claimed(DELIVERED, attempts=(make_attempt(),))
    finishing.outside.attempts.failing = failing
    await finishing.finisher.save(round_)
    finishing.outside.attempts.failing = None
    await finishing.finish(round_)
    assert finishing.outside.attempts.calls["record"] == records
    assert len(finishing.outside.attempts.rows) == 1


async def test_an_attempt_that_ends_during_a_save_is_written_at_the_finish(
    finishing: Finishing,
) -> None:
    round_ = await finishing.claimed(DELIVERED, attempts=(make_attempt(),))
    finishing.outside.attempts.gate.clear()
    saving = asyncio.create_task(finishing.finisher.save(round_))
    await until(lambda: finishing.outside.attempts.calls["record"])
    round_.attempts.append(make_attempt())
    finishing.outside.attempts.gate.set()
    await saving
    await finishing.finish(round_)
    assert len(finishing.outside.attempts.rows) == 2


@pytest.mark.parametrize("error", [AWAY, StoreRefused("test")])
async def test_a_save_that_fails_does_no_harm(finishing: Finishing, error: TriggersError) -> None:
    finishing.outside.events.failing_calls["save"] = error
    round_ = await finishing.claimed(DELIVERED)
    await finishing.finisher.save(round_)
    assert await finishing.finish(round_)


@pytest.mark.parametrize(("part", "call"), [("events", "finish"), ("dead_letters", "send")])
async def test_f12_a_finish_is_known_as_such_from_its_beginning_to_its_end(
    finishing: Finishing, part: str, call: str
) -> None:
    round_, fake = await finishing.claimed(FAILED), getattr(finishing.outside, part)
    fake.gate.clear()
    finish = asyncio.create_task(finishing.finish(round_))
    assert not finishing.finisher.is_finishing(finish)
    await until(lambda: fake.calls[call])
    assert finishing.finisher.is_finishing(finish)
    fake.gate.set()
    assert await finish
    assert not finishing.finisher.is_finishing(finish)
    assert finishing.record.state.status is EventStatus.FAILED
    assert len(finishing.outside.dead_letters.letters) == 1
