"""Webhooks that know nothing but failures: noticed off the hot path, disabled after five days."""

import asyncio

import pytest

from tests.factories import FakeClock, make_delivery, make_outcome, make_view, make_webhook
from tests.fakes import FakeResources, fake_resources
from tests.processes import until
from tests.unit.worker.world import World, make_health
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.errors import StoreUnavailable
from worker.webhook_health import NOTE_MS, NOTES_MAX

WEBHOOK = make_webhook(webhook_id="wh_1", url="http://127.0.0.1:1/")
DELIVERED = make_delivery(webhook_id="wh_1", status=DeliveryStatus.DELIVERED)
FAILED = make_delivery(webhook_id="wh_1")
DAY = 86_400.0


class Watched:
    """Workers that watch one tenant's webhook, on one outside."""

    def __init__(self, workers: int = 1) -> None:
        self.clock = FakeClock()
        self.outside: FakeResources = fake_resources(self.clock)
        view = make_view(WEBHOOK)
        self.tenant_id = view.tenant_id
        self.outside.control.keep(view)
        self.workers = [make_health(self.outside, self.clock) for _ in range(workers)]

    async def attempt(self, delivery: Delivery, worker: int = 0) -> None:
        """Have an attempt go so, and what there is to tell be told."""
        self.workers[worker].note(self.tenant_id, delivery, self.clock())
        await self.workers[worker].turn()

    @property
    def calls(self) -> dict[str, int]:
        return dict(self.outside.failing_webhooks.calls)

    def is_enabled(self) -> bool:
        view = self.outside.control.views[self.tenant_id]
        return view.webhooks["wh_1"].is_enabled


async def test_five_days_of_nothing_but_failures_disable_a_webhook_and_say_so() -> None:
    watched = Watched()
    await watched.attempt(FAILED)
    watched.clock.advance(5 * DAY - 1)
    await watched.attempt(FAILED)
    assert watched.is_enabled()

    watched.clock.advance(60)
    await watched.attempt(FAILED)
    assert not watched.is_enabled()
    webhook = watched.outside.control.views[watched.tenant_id].webhooks["wh_1"]
    assert webhook.disabled_reason == "nothing but failures since 2026-11-22T05:29:00.123Z"
    [entry] = watched.outside.control.audit
    assert (entry.actor, entry.action) == ("service", "webhook.disabled")


@pytest.mark.parametrize("workers", [1, 2])
async def test_F70_now_500_and_now_200_is_never_disabled_also_when_two_workers_see_half_each(
    workers: int,
) -> None:
    watched = Watched(workers)
    for _ in range(24 * 7):
        await watched.attempt(FAILED)
        await watched.attempt(DELIVERED, worker=workers - 1)
        watched.clock.advance(3_600)
    assert watched.is_enabled()


async def test_a_success_after_failures_is_told_at_once() -> None:
    watched = Watched()
    await watched.attempt(FAILED)
    await watched.attempt(DELIVERED)
    assert not watched.outside.failing_webhooks.since_ms


async def test_the_store_is_asked_once_a_minute_about_a_webhook_that_does_well() -> None:
    watched = Watched()
    for _ in range(100):
        await watched.attempt(DELIVERED)
    assert watched.calls == {"since": 1}

    watched.clock.advance(NOTE_MS / 1000)
    await watched.attempt(DELIVERED)
    assert watched.calls == {"since": 2}


async def test_the_store_is_written_to_once_a_minute_about_a_webhook_that_fails() -> None:
    watched = Watched()
    for _ in range(100):
        await watched.attempt(FAILED)
    assert watched.calls == {"note": 1}


async def test_what_the_store_did_not_take_is_noted_by_the_next_attempt() -> None:
    watched = Watched()
    watched.outside.failing_webhooks.failing = StoreUnavailable("test")
    await watched.attempt(FAILED)
    watched.outside.failing_webhooks.failing = None
    await watched.attempt(FAILED)
    assert list(watched.outside.failing_webhooks.since_ms) == [(watched.tenant_id, "wh_1")]


async def test_many_webhooks_that_fail_at_once_are_written_about_by_and_by() -> None:
    watched = Watched()
    [health] = watched.workers
    for number in range(2 * NOTES_MAX):
        failed = make_delivery(webhook_id=f"wh_{number}")
        health.note(watched.tenant_id, failed, watched.clock())
    await health.turn()
    assert watched.calls == {"note": NOTES_MAX}
    await health.turn()
    assert watched.calls == {"note": 2 * NOTES_MAX}


async def test_the_loop_acts_on_what_attempts_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.webhook_health.TURN_SECONDS", 0.001)
    watched = Watched()
    [health] = watched.workers
    running = asyncio.create_task(health.run())
    health.note(watched.tenant_id, FAILED, watched.clock())
    await until(lambda: watched.outside.failing_webhooks.since_ms)
    running.cancel()


async def test_attempts_leave_notes_without_a_call_to_the_store() -> None:
    world = World(WEBHOOK)
    world.sender.answer(WEBHOOK, make_outcome(500), make_outcome(200))
    event = await world.accept()
    await world.work(event)
    assert not world.outside.failing_webhooks.calls
    await world.health.turn()
    assert list(world.outside.failing_webhooks.since_ms) == [(world.tenant_id, "wh_1")]

    world.clock.advance(60)
    await world.work(event)
    await world.health.turn()
    assert not world.outside.failing_webhooks.since_ms
