"""Finish: what is written about a round, in which order, and what a failing store does to it."""

import asyncio
from typing import Any

import pytest

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
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.errors import StoreRefused, StoreUnavailable
from triggers.events import EventRecord, EventStatus, Progress, progress_of
from triggers.messages import DeadLetter
from triggers.webhooks import Webhook, WebhookStatus
from worker.finishing import Finisher
from worker.rounds import Round

AWAY = StoreUnavailable("test")
WEBHOOK = make_webhook(webhook_id="wh_1")
DELIVERED = Delivery(webhook_id="wh_1", status=DeliveryStatus.DELIVERED, attempts=1)
FAILED = Delivery(webhook_id="wh_1", status=DeliveryStatus.FAILED, attempts=6, last_error="no")
GONE = Delivery(webhook_id="wh_1", status=DeliveryStatus.HELD, attempts=1, last_status_code=410)
HELD = Delivery(webhook_id="wh_1", status=DeliveryStatus.HELD)


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

    async def finish(self, round_: Round) -> bool:
        return await self.finisher.finish(round_, self.progress(round_))

    def progress(self, round_: Round) -> Progress:
        return progress_of(round_.deliveries, self.clock.now_ms)

    @property
    def record(self) -> EventRecord:
        return self.outside.events.records[self.tenant_id, self.event.event_id]


@pytest.fixture
def finishing() -> Finishing:
    return Finishing()


async def test_attempts_and_markers_come_before_the_finish_and_letters_after_it(
    finishing: Finishing,
) -> None:
    round_ = await finishing.claimed(FAILED, attempts=(make_attempt(),))
    journal = journal_of(finishing.outside)
    assert await finishing.finish(round_)
    assert journal == ["record", "mark", "finish", "send"]


async def test_f69_a_webhook_that_is_gone_is_disabled_after_the_finish(
    finishing: Finishing,
) -> None:
    round_ = await finishing.claimed(GONE, attempts=(make_attempt(),))
    journal = journal_of(finishing.outside)
    assert await finishing.finish(round_)
    assert journal == ["record", "mark", "finish", "read_view", "write"]
    webhook = finishing.outside.control.views[finishing.tenant_id].webhooks["wh_1"]
    assert webhook.status is WebhookStatus.DISABLED
    assert webhook.disabled_reason == "receiver answered 410"
    assert not finishing.outside.dead_letters.letters


async def test_what_is_held_for_another_reason_disables_nothing(finishing: Finishing) -> None:
    assert await finishing.finish(await finishing.claimed(HELD))
    assert finishing.outside.backlog.markers == {
        (finishing.tenant_id, "wh_1", finishing.event.event_id): "held"
    }
    assert not finishing.outside.control.calls["write"]


async def test_a_first_try_success_costs_one_write(finishing: Finishing) -> None:
    attempt = make_attempt(outcome=make_outcome(200))
    round_ = await finishing.claimed(DELIVERED, attempts=(attempt,))
    journal = journal_of(finishing.outside)
    assert await finishing.finish(round_)
    assert journal == ["finish"]
    assert finishing.record.state.status is EventStatus.DELIVERED


async def test_a_failed_delivery_leaves_a_marker_and_a_letter(finishing: Finishing) -> None:
    await finishing.finish(await finishing.claimed(FAILED))
    assert list(finishing.outside.backlog.markers.values()) == ["failed"]
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


async def test_attempts_that_cannot_be_kept_do_not_stop_the_finish(finishing: Finishing) -> None:
    finishing.outside.attempts.failing = AWAY
    round_ = await finishing.claimed(DELIVERED, attempts=(make_attempt(), make_attempt()))
    assert await finishing.finish(round_)
    assert finishing.record.state.status is EventStatus.DELIVERED


@pytest.mark.parametrize("error", [AWAY, StoreRefused("test")])
async def test_nobody_told_is_no_failure_of_the_finish(finishing: Finishing, error: Any) -> None:
    finishing.outside.dead_letters.failing = error
    other = Delivery(webhook_id="wh_2", status=DeliveryStatus.FAILED)
    assert await finishing.finish(await finishing.claimed(other, GONE))
    assert finishing.record.state.status is EventStatus.FAILED
    disabled: Webhook = finishing.outside.control.views[finishing.tenant_id].webhooks["wh_1"]
    assert not disabled.is_enabled


async def test_a_save_writes_what_is_done_and_its_markers_and_keeps_the_claim(
    finishing: Finishing,
) -> None:
    round_ = await finishing.claimed(FAILED, attempts=(make_attempt(),))
    claimed = finishing.record.state
    journal = journal_of(finishing.outside)
    await finishing.finisher.save(round_)
    assert journal == ["record", "mark", "save"]
    assert finishing.record.state.deliveries == (FAILED,)
    assert finishing.record.state.lease_ms == claimed.lease_ms
    assert finishing.record.state.status is EventStatus.PENDING


async def test_an_attempt_that_was_saved_is_not_written_again(finishing: Finishing) -> None:
    round_ = await finishing.claimed(DELIVERED, attempts=(make_attempt(),))
    await finishing.finisher.save(round_)
    await finishing.finish(round_)
    assert finishing.outside.attempts.calls["record"] == 1


async def test_a_save_that_fails_does_no_harm(finishing: Finishing) -> None:
    finishing.outside.events.failing_calls["save"] = AWAY
    round_ = await finishing.claimed(DELIVERED)
    await finishing.finisher.save(round_)
    assert await finishing.finish(round_)


async def test_f12_a_finish_that_has_begun_goes_on_when_the_drain_breaks_it_off(
    finishing: Finishing,
) -> None:
    round_ = await finishing.claimed(FAILED)
    finishing.outside.events.gate.clear()
    finish = asyncio.create_task(finishing.finish(round_))
    await until(lambda: finishing.outside.events.calls["finish"])
    finish.cancel()
    await asyncio.sleep(0)
    finishing.outside.events.gate.set()
    assert await finish
    assert finishing.record.state.status is EventStatus.FAILED
    assert len(finishing.outside.dead_letters.letters) == 1
