"""What becomes of a delivery over its attempts, from the first to the last."""

import logging

import pytest

from tests.factories import NOW_MS, make_delivery, make_outcome, make_webhook
from tests.unit.worker.world import World
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.event_queries import EventQuery
from triggers.events import Event, EventStatus
from triggers.retries import SCHEDULES
from triggers.webhooks import WebhookStatus

URL = "http://127.0.0.1:1/"
SHORT = make_webhook(webhook_id="wh_1", url=URL, retry="short")
LATER = make_webhook(webhook_id="wh_2", url="http://127.0.0.1:2/")
DOWN = make_outcome(500, excerpt="database is down")


async def work_until_it_ends(world: World, event: Event) -> list[float]:
    """Work on an event whenever it is due; return the pauses between, in seconds."""
    pauses = []
    while (due_ms := world.state(event).due_ms) is not None:
        if due_ms > world.clock.now_ms:
            pauses.append((due_ms - world.clock.now_ms) / 1_000)
            world.clock.now_ms = due_ms
        await world.work(event)
    return pauses


@pytest.mark.parametrize("retry", ["short", "standard", (7,), (3, 1, 20)])
async def test_a_schedule_is_gone_through_to_its_end(retry: str | tuple[int, ...]) -> None:
    webhook = make_webhook(webhook_id="wh_1", url=URL, retry=retry)
    world = World(webhook)
    world.sender.answer(webhook, DOWN)
    event = await world.accept()
    pauses = await work_until_it_ends(world, event)
    schedule = SCHEDULES[retry] if isinstance(retry, str) else retry
    assert pauses == list(schedule)
    attempts = len(schedule) + 1
    assert len(world.sender.requests) == attempts
    assert {request.event_id for request in world.sender.requests} == {event.event_id}
    assert world.state(event).status is EventStatus.FAILED
    assert world.delivery(event) == Delivery(
        webhook_id="wh_1",
        status=DeliveryStatus.FAILED,
        attempts=attempts,
        last_status_code=500,
        last_error="receiver answered 500",
        duration_ms=12,
    )
    kept = sorted(world.outside.attempts.rows.values(), key=lambda attempt: attempt.number)
    assert [attempt.number for attempt in kept] == list(range(1, attempts + 1))
    assert {attempt.outcome for attempt in kept} == {DOWN}
    assert list(world.outside.backlog.markers.values()) == ["failed"]
    [letter] = world.outside.dead_letters.letters
    assert (letter.webhook_id, letter.attempts) == ("wh_1", attempts)


async def test_f71_a_receiver_that_comes_back_gets_the_event_late() -> None:
    world = World(SHORT)
    world.sender.answer(SHORT, DOWN, make_outcome(None), make_outcome(200))
    event = await world.accept()
    assert await work_until_it_ends(world, event) == [1, 2]
    delivery = world.delivery(event)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 3)
    assert delivery.delivered_ms == world.state(event).delivered_ms == NOW_MS + 3_000
    assert len(world.outside.attempts.rows) == 3
    assert not world.outside.backlog.markers


async def test_f70_a_receiver_that_answers_now_500_and_now_200_is_never_disabled() -> None:
    world = World(SHORT)
    world.sender.answer(SHORT, *[DOWN, make_outcome(200)] * 20)
    for _ in range(20):
        await work_until_it_ends(world, await world.accept())
    assert world.outside.control.views[world.tenant_id].webhooks["wh_1"].is_enabled


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 408, 422, 425, 429, 501, 503])
async def test_every_other_failure_has_the_full_schedule(status: int) -> None:
    world = World(SHORT)
    world.sender.answer(SHORT, make_outcome(status))
    event = await world.accept()
    assert len(await work_until_it_ends(world, event)) == len(SCHEDULES["short"])
    assert world.state(event).status is EventStatus.FAILED


async def test_f69_410_holds_the_delivery_and_disables_the_webhook() -> None:
    world = World(SHORT)
    world.sender.answer(SHORT, make_outcome(410))
    event = await world.accept()
    await world.work(event)
    assert world.delivery(event).status is DeliveryStatus.HELD
    state = world.state(event)
    assert (state.status, state.due_ms) == (EventStatus.PENDING, None)
    assert list(world.outside.backlog.markers.values()) == ["held"]
    webhook = world.outside.control.views[world.tenant_id].webhooks["wh_1"]
    assert webhook.status is WebhookStatus.DISABLED
    assert not world.outside.dead_letters.letters


async def test_f69_after_it_events_are_held_unsent() -> None:
    world = World(SHORT)
    world.sender.answer(SHORT, make_outcome(410))
    await world.work(await world.accept())
    world.clock.advance(1)
    event = await world.accept()
    await world.work(event)
    assert world.delivery(event).status is DeliveryStatus.HELD
    assert len(world.sender.requests) == 1
    assert len(world.outside.backlog.markers) == 2


async def test_what_is_held_stays_so_and_in_the_inbox_when_its_webhook_is_deleted() -> None:
    world = World(LATER)
    held = make_delivery(webhook_id=SHORT.webhook_id, status=DeliveryStatus.HELD)
    waiting = make_delivery(webhook_id="wh_2")
    event = await world.accept(deliveries=(held, waiting))
    await world.work(event)
    assert world.delivery(event, SHORT) == held
    assert world.state(event).status is EventStatus.PENDING
    page = await world.outside.events.read_inbox(world.tenant_id, EventQuery(shards=1, limit=1))
    assert [record.event.event_id for record in page.records] == [event.event_id]


async def test_every_attempt_of_a_replayed_delivery_says_so() -> None:
    world = World(SHORT)
    world.sender.answer(SHORT, make_outcome(503), make_outcome(200))
    opened = make_delivery(webhook_id=SHORT.webhook_id, attempts=9, attempts_before=9, replay=2)
    event = await world.accept(deliveries=(opened,))
    await world.work(event)
    world.clock.advance(60)
    await world.work(event)
    assert [request.replay for request in world.sender.requests] == [2, 2]
    assert [number for *_, number in world.outside.attempts.rows] == [10, 11]


async def test_a_webhook_deleted_between_attempts_cancels_the_delivery() -> None:
    world = World(SHORT)
    world.sender.answer(SHORT, DOWN)
    event = await world.accept()
    await world.work(event)
    world.have()
    assert await work_until_it_ends(world, event) == [1]
    delivery = world.delivery(event)
    assert (delivery.status, delivery.last_error) == (
        DeliveryStatus.CANCELLED,
        "the webhook was deleted",
    )
    assert len(world.sender.requests) == 1


async def test_f68_retry_after_puts_off_the_delivery_and_the_webhook() -> None:
    world = World(SHORT)
    world.sender.answer(SHORT, make_outcome(503, retry_after_seconds=60), make_outcome(200))
    event, other = await world.accept(), await world.accept()
    await world.work(event)
    await world.work(other)
    assert world.delivery(event).next_attempt_ms == NOW_MS + 60_000
    put_off = world.delivery(other)
    assert put_off.attempts == 0
    assert put_off.next_attempt_ms is not None
    assert put_off.next_attempt_ms >= NOW_MS + 60_000
    assert len(world.sender.requests) == 1
    for late in (event, other):
        await work_until_it_ends(world, late)
        assert world.state(late).status is EventStatus.DELIVERED


async def test_one_webhook_that_fails_leaves_the_event_pending_for_it_alone() -> None:
    fine = make_webhook(webhook_id="wh_2", url="http://127.0.0.1:2/")
    world = World(SHORT, fine)
    world.sender.answer(SHORT, DOWN, make_outcome(200))
    event = await world.accept()
    await world.work(event)
    assert world.delivery(event, fine).status is DeliveryStatus.DELIVERED
    assert world.state(event).status is EventStatus.PENDING
    await work_until_it_ends(world, event)
    assert world.state(event).status is EventStatus.DELIVERED
    assert [request.url for request in world.sender.requests] == [URL, fine.url, URL]


async def test_an_attempt_leaves_one_line_without_body_and_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    world = World(SHORT)
    world.sender.answer(SHORT, DOWN)
    event = await world.accept()
    await world.work(event)
    [record] = [record for record in caplog.records if record.message == "attempt"]
    fields = vars(record)["fields"]
    assert fields == {
        "tenant_id": world.tenant_id,
        "event_id": event.event_id,
        "webhook_id": "wh_1",
        "attempt": 1,
        "status": "pending",
        "status_code": 500,
        "error": "receiver answered 500",
        "milliseconds": 12,
        "next_attempt_at": "2026-11-22T05:29:01.123Z",
        "correlation_id": "corr_1",
        "claims": 1,
        "fence": 1,
        "traceparent": None,
    }
