"""The way of one event through the worker, with a clock that stands still."""

import pytest

from tests.factories import NOW_MS, make_outcome, make_settings, make_webhook
from tests.processes import until
from tests.unit.worker.world import Hanging, World, journal_of
from triggers.deliveries import DeliveryStatus
from triggers.errors import StoreUnavailable
from triggers.events import NEVER_MS, Event, EventStatus, body_to_send
from triggers.http.sender import LocalShortageError
from triggers.retries import Outcome
from triggers.webhook_requests import Request
from triggers.webhooks import OldSecret, Webhook

AWAY = StoreUnavailable("test")
ONE = make_webhook(webhook_id="wh_1", url="http://127.0.0.1:1/")
TWO = make_webhook(webhook_id="wh_2", url="http://127.0.0.1:2/")
THREE = make_webhook(webhook_id="wh_3", url="http://127.0.0.1:3/")
LEASE_SECONDS = make_settings().lease_seconds + 1


@pytest.fixture
def quick_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.delivery.SAVE_AFTER_SECONDS", 0.01)


async def test_an_event_is_delivered_to_the_webhook_that_wants_it() -> None:
    world = World(ONE)
    event = await world.accept()
    await world.work(event)
    [request] = world.sender.requests
    assert request == Request(
        url=ONE.url,
        secrets=(ONE.secret,),
        timestamp=NOW_MS // 1000,
        event_id=event.event_id,
        correlation_id=event.correlation_id,
        body=body_to_send(event),
        timeout_seconds=15,
    )
    delivery = world.delivery(event)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 1)
    state = world.state(event)
    assert (state.status, state.due_ms, state.claims) == (EventStatus.DELIVERED, None, 0)
    assert not world.outside.attempts.rows


async def test_a_webhooks_own_headers_and_rotated_secrets_go_along_until_they_expire() -> None:
    old_secrets = (
        OldSecret(secret="whsec_old", until_ms=NOW_MS + 1),
        OldSecret(secret="whsec_expired", until_ms=NOW_MS),
    )
    webhook = make_webhook(headers={"X-Shop": "1"}, old_secrets=old_secrets)
    world = World(webhook)
    await world.work(await world.accept())
    [request] = world.sender.requests
    assert request.headers == {"X-Shop": "1"}
    assert request.secrets == (webhook.secret, "whsec_old")


async def test_an_event_that_nobody_wants_stays_in_the_inbox_and_is_not_due() -> None:
    world = World(make_webhook(event_types=("other",)))
    event = await world.accept()
    await world.work(event)
    state = world.state(event)
    assert (state.status, state.deliveries) == (EventStatus.PENDING, ())
    assert (state.due_ms, state.ready_ms) == (None, NEVER_MS)


async def test_a_webhook_of_a_later_day_does_not_get_an_old_event() -> None:
    world = World()
    event = await world.accept()
    await world.work(event)
    world.have(ONE)
    world.clock.advance(1)
    await world.work(event)
    assert not world.sender.requests


async def test_all_webhooks_of_an_event_are_sent_to_at_once_and_nothing_saved_while_all_hang(
    quick_saves: None,
) -> None:
    world = World(ONE, TWO)
    event, hanging = await world.accept(), Hanging()
    world.sender.answer(ONE, hanging)
    world.sender.answer(TWO, hanging)
    working = world.start(event)
    await until(lambda: hanging.count == 2)
    hanging.end.set()
    await working
    assert world.state(event).status is EventStatus.DELIVERED
    assert world.outside.events.calls["save"] == 0


async def test_what_is_done_is_saved_again_and_again_while_another_still_hangs(
    quick_saves: None,
) -> None:
    world = World(ONE, TWO, THREE)
    event, hanging, longer = await world.accept(), Hanging(), Hanging()
    world.sender.answer(TWO, hanging)
    world.sender.answer(THREE, longer)
    working = world.start(event)
    await until(lambda: world.state(event).deliveries)
    assert world.delivery(event, ONE).status is DeliveryStatus.DELIVERED
    assert world.delivery(event, TWO).status is DeliveryStatus.PENDING
    assert world.state(event).lease_ms > NOW_MS
    hanging.end.set()
    await until(lambda: world.delivery(event, TWO).status is DeliveryStatus.DELIVERED)
    longer.end.set()
    await working
    assert world.state(event).status is EventStatus.DELIVERED
    assert world.outside.events.calls["save"] == 2


async def test_an_acknowledged_event_stays_so_whatever_its_attempt_says() -> None:
    world = World(ONE)
    event, hanging = await world.accept(), Hanging()
    world.sender.answer(ONE, hanging)
    working = world.start(event)
    await until(lambda: hanging.count)
    await world.outside.events.acknowledge(world.tenant_id, event.event_id, NOW_MS)
    hanging.end.set()
    await working
    assert world.state(event).status is EventStatus.ACKNOWLEDGED
    assert not world.outside.dead_letters.letters


async def work_until_saved_and_die(world: World, event: Event, hanging: Webhook) -> None:
    """Work on an event while one webhook hangs, die after an early save, and let the lease end."""
    world.sender.answer(hanging, Hanging(), make_outcome(200))
    working = world.start(event)
    await until(lambda: world.state(event).deliveries)
    world.outside.events.failing = AWAY
    working.cancel()
    with pytest.raises(StoreUnavailable):
        await working
    world.outside.events.failing = None
    world.clock.advance(LEASE_SECONDS)


async def test_f05_after_a_death_what_was_saved_is_not_sent_again(quick_saves: None) -> None:
    world = World(ONE, TWO)
    event = await world.accept()
    await work_until_saved_and_die(world, event, TWO)
    await world.work(event)
    assert [request.url for request in world.sender.requests] == [ONE.url, TWO.url, TWO.url]
    assert world.state(event).status is EventStatus.DELIVERED


@pytest.mark.parametrize(
    ("status", "marker", "told"), [(410, "held", "write"), (500, "failed", "send")]
)
async def test_f05_f69_after_a_death_what_failed_or_is_gone_is_marked_and_told_all_the_same(
    quick_saves: None, status: int, marker: str, told: str
) -> None:
    ends = make_webhook(webhook_id="wh_1", url=ONE.url, retry=())
    world = World(ends, TWO)
    event = await world.accept()
    world.sender.answer(ends, make_outcome(status))
    await work_until_saved_and_die(world, event, TWO)
    assert world.delivery(event, ends).status is DeliveryStatus.PENDING
    journal = journal_of(world.outside)
    await world.work(event)
    assert world.delivery(event, ends).status == marker
    assert list(world.outside.backlog.markers.values()) == [marker]
    assert journal[-1] == told
    assert world.outside.control.views[world.tenant_id].webhooks["wh_1"].is_enabled == (
        status != 410
    )


async def test_f24_while_only_finishes_fail_nothing_is_sent_again_nor_fails_as_poison() -> None:
    world = World(ONE)
    event = await world.accept()
    world.outside.events.failing_calls["finish"] = AWAY
    for _ in range(make_settings().claims_max + 2):
        with pytest.raises(StoreUnavailable):
            await world.work(event)
        assert (world.delivery(event).attempts, world.state(event).claims) == (1, 0)
        world.clock.advance(LEASE_SECONDS)
    world.outside.events.failing_calls.clear()
    await world.work(event)
    assert len(world.sender.requests) == 1
    assert world.state(event).status is EventStatus.DELIVERED


async def test_f17_out_of_sockets_puts_the_delivery_off_without_an_attempt() -> None:
    world = World(ONE, TWO)
    world.random = 0.5
    event = await world.accept()
    world.sender.answer(ONE, LocalShortageError("out of sockets"))
    await world.work(event)
    short = world.delivery(event, ONE)
    assert (short.status, short.attempts) == (DeliveryStatus.PENDING, 0)
    assert short.next_attempt_ms == NOW_MS + 3_000
    assert world.delivery(event, TWO).status is DeliveryStatus.DELIVERED
    assert not world.outside.attempts.rows
    assert world.lanes.limit("wh_1") == 32
    assert world.lanes.in_flight == 0


async def test_a_webhook_at_its_limit_postpones_the_delivery_without_an_attempt() -> None:
    world = World(ONE)
    while world.lanes.enter(world.tenant_id, "wh_1", NOW_MS) is None:
        pass
    event = await world.accept()
    await world.work(event)
    delivery, state = world.delivery(event), world.state(event)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 0)
    assert delivery.next_attempt_ms is not None
    assert delivery.next_attempt_ms >= NOW_MS + 1_000
    assert state.due_ms == state.ready_ms == delivery.next_attempt_ms
    assert not world.sender.requests


@pytest.mark.parametrize("done", [(ONE,), ()], ids=["one is done", "none is done"])
async def test_f12_f13_a_stop_writes_what_is_done_and_leaves_the_rest_due(
    done: tuple[Webhook, ...],
) -> None:
    world = World(*done, TWO)
    event, hanging = await world.accept(), Hanging()
    world.sender.answer(TWO, hanging)
    working = world.start(event)
    await until(lambda: hanging.count)
    await until(lambda: world.lanes.in_flight == 1)
    working.cancel()
    await working
    for webhook in done:
        assert world.delivery(event, webhook).status is DeliveryStatus.DELIVERED
    rest, state = world.delivery(event, TWO), world.state(event)
    assert (rest.status, rest.attempts) == (DeliveryStatus.PENDING, 0)
    assert (state.due_ms, state.lease_ms, state.claims) == (NOW_MS, 0, 0)
    assert world.lanes.in_flight == 0


async def test_f12_a_stop_in_the_middle_of_a_finish_does_not_lose_it() -> None:
    world = World(ONE)
    event = await world.accept()

    async def answer_while_the_store_hangs(_: Request) -> Outcome:
        world.outside.events.gate.clear()
        return make_outcome(200)

    world.sender.answer(ONE, answer_while_the_store_hangs)
    working = world.start(event)
    await until(lambda: world.outside.events.calls["finish"])
    assert world.finisher.is_finishing(working)  # which a drain does not break off
    world.outside.events.gate.set()
    await working
    assert world.state(event).status is EventStatus.DELIVERED
