"""Claims: which are lost, poison, suspect or given back, and how long they hold."""

import asyncio
import logging

import pytest

from tests.factories import NOW_MS, make_outcome, make_settings, make_webhook
from tests.processes import until
from tests.unit.worker.world import Hanging, World
from triggers.deliveries import DeliveryStatus
from triggers.errors import StoreUnavailable
from triggers.events import Event, EventStatus
from worker.fair_queue import Work

AWAY = StoreUnavailable("test")
LEASE_SECONDS = make_settings().lease_seconds + 1
ONE = make_webhook(webhook_id="wh_1", url="http://127.0.0.1:1/")
TWO = make_webhook(webhook_id="wh_2", url="http://127.0.0.1:2/")


async def test_f42_a_claim_that_is_lost_leaves_the_event_alone_until_the_lease_ends() -> None:
    world = World(ONE)
    event = await world.accept(lease_ms=NOW_MS + 40_000)
    decided = asyncio.Event()
    await world.work(event, claimed=decided.set)
    assert decided.is_set()
    assert not world.sender.requests
    work = Work(tenant_id=world.tenant_id, event_id=event.event_id)
    assert not world.queue.put(work, NOW_MS + 39_999)
    assert world.queue.put(work, NOW_MS + 40_000)


async def test_f43_an_event_that_is_done_is_left_alone_while_the_index_may_lag() -> None:
    world = World(ONE)
    event = await world.accept()
    await world.work(event)
    await world.work(event)
    assert len(world.sender.requests) == 1
    work = Work(tenant_id=world.tenant_id, event_id=event.event_id)
    assert not world.queue.put(work, NOW_MS + 1_999)
    assert world.queue.put(work, NOW_MS + 2_000)


async def test_a_claim_is_said_to_be_decided_before_the_attempts_are_made() -> None:
    world = World(ONE)
    event, hanging, decided = await world.accept(), Hanging(), asyncio.Event()
    world.sender.answer(ONE, hanging)
    working = world.start(event, claimed=decided.set)
    async with asyncio.timeout(5):
        await decided.wait()
    hanging.end.set()
    await working


async def test_f16_an_event_that_was_claimed_too_often_fails_as_poison_unsent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(ONE)
    event = await world.accept(claims=make_settings().claims_max)
    await world.work(event)
    assert not world.sender.requests
    assert world.state(event).status is EventStatus.FAILED
    assert world.delivery(event).last_error == "poison"
    assert len(world.outside.dead_letters.letters) == 1
    assert list(world.outside.backlog.markers.values()) == ["failed"]
    assert [r.levelno for r in caplog.records if "poison" in r.message] == [logging.ERROR]


async def test_f16_one_claim_less_is_no_poison_yet() -> None:
    world = World(ONE)
    event = await world.accept(claims=make_settings().claims_max - 1)
    await world.work(event)
    assert world.state(event).status is EventStatus.DELIVERED


async def test_f16_suspects_are_worked_on_one_at_a_time() -> None:
    world = World(ONE)
    world.random = 0.5
    first, second = await world.accept(claims=2), await world.accept(claims=2)
    harmless, hanging = await world.accept(claims=1), Hanging()
    world.sender.answer(ONE, hanging, make_outcome(200))
    working = world.start(first)
    await until(lambda: hanging.count)
    await world.work(second)
    await world.work(harmless)
    given_back = world.state(second)
    assert (given_back.claims, given_back.lease_ms, given_back.deliveries) == (2, 0, None)
    assert given_back.due_ms == given_back.ready_ms == NOW_MS + 15_000
    assert world.state(harmless).status is EventStatus.DELIVERED
    hanging.end.set()
    await working
    world.clock.advance(15)
    await world.work(second)
    assert world.state(second).status is EventStatus.DELIVERED


async def test_a_body_that_cannot_be_made_takes_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Event) -> bytes:
        raise RuntimeError

    monkeypatch.setattr("worker.delivery.body_to_send", fail)
    world = World(ONE, TWO)
    with pytest.raises(RuntimeError):
        await world.work(await world.accept())
    assert world.lanes.in_flight == 0


async def test_a_suspect_that_fails_makes_way_for_the_next() -> None:
    world = World(ONE)
    first, second = await world.accept(claims=2), await world.accept(claims=2)
    world.sender.answer(ONE, RuntimeError("a bug"), make_outcome(200))
    with pytest.raises(RuntimeError):
        await world.work(first)
    await world.work(second)
    assert world.state(second).status is EventStatus.DELIVERED


async def test_f31_a_view_too_old_after_the_claim_gives_it_back_uncounted() -> None:
    world = World(ONE)
    world.random = 0.5
    event, decided = await world.accept(), asyncio.Event()
    working = await world.start_and_claim_slowly(event, claimed=decided.set)
    world.clock.advance(1)
    world.outside.control.failing = AWAY
    world.outside.events.gate.set()
    await working
    state = world.state(event)
    assert (state.claims, state.lease_ms, state.deliveries) == (0, 0, None)
    assert state.due_ms == state.ready_ms == world.clock.now_ms + 3_000
    assert decided.is_set()
    assert not world.sender.requests


async def test_f31_an_event_is_not_matched_by_a_view_too_old_although_its_finish_fails() -> None:
    world = World(ONE)
    event = await world.accept()
    working = await world.start_and_claim_slowly(event)
    world.clock.advance(1)
    world.outside.control.failing = AWAY
    world.outside.events.failing_calls["finish"] = AWAY
    world.outside.events.gate.set()
    with pytest.raises(StoreUnavailable):
        await working
    assert world.state(event).deliveries is None


async def test_f16_a_poison_stays_one_although_its_finish_fails() -> None:
    world = World(ONE)
    event = await world.accept(claims=make_settings().claims_max)
    world.outside.events.failing_calls["finish"] = AWAY
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await world.work(event)
        world.clock.advance(LEASE_SECONDS)
    assert not world.sender.requests


async def test_f31_without_a_view_nothing_is_claimed() -> None:
    world = World(ONE)
    event = await world.accept()
    world.outside.control.failing = AWAY
    with pytest.raises(StoreUnavailable):
        await world.work(event)
    assert not world.outside.events.calls["claim"]


@pytest.mark.parametrize(
    ("timeout_seconds", "lease_seconds"), [(1, 45), (15, 45), (16, 46), (30, 60)]
)
async def test_a_claim_holds_longer_for_a_webhook_that_may_take_longer(
    timeout_seconds: int, lease_seconds: int
) -> None:
    webhook = make_webhook(timeout_seconds=timeout_seconds)
    world = World(webhook)
    event, hanging = await world.accept(), Hanging()
    world.sender.answer(webhook, hanging)
    working = world.start(event)
    await until(lambda: hanging.count)
    assert world.state(event).lease_ms == NOW_MS + 1_000 * lease_seconds
    assert world.sender.requests[0].timeout_seconds == timeout_seconds
    hanging.end.set()
    await working


@pytest.mark.parametrize(("late_seconds", "timeout_seconds"), [(4, 15), (5, 15), (8, 12), (19, 1)])
async def test_f26_an_attempt_after_a_slow_claim_leaves_time_to_finish(
    late_seconds: int, timeout_seconds: int
) -> None:
    world = World(ONE)
    event = await world.accept()
    working = await world.start_and_claim_slowly(event)
    world.clock.advance(late_seconds)
    world.outside.events.gate.set()
    await working
    assert world.sender.requests[0].timeout_seconds == timeout_seconds


@pytest.mark.parametrize("late_seconds", [19.6, 20, 44, 60])
async def test_f09_with_no_time_left_no_attempt_is_made_nor_counted(late_seconds: float) -> None:
    world = World(ONE)
    event = await world.accept()
    working = await world.start_and_claim_slowly(event)
    world.clock.advance(late_seconds)
    world.outside.events.gate.set()
    await working
    delivery = world.delivery(event)
    assert not world.sender.requests
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 0)
    assert delivery.next_attempt_ms == world.clock.now_ms + 2_000
    assert world.lanes.in_flight == 0
