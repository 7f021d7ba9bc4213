"""Rounds: which deliveries an event has, and what is made of each when it is due."""

from typing import Any

import pytest

from tests.factories import NOW_MS, make_event, make_view, make_webhook
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.events import EventRecord, EventState
from triggers.webhooks import Webhook, WebhookStatus
from worker.lanes import Lanes
from worker.rounds import WEBHOOK_DELETED, WEBHOOK_DISABLED, Round, match

LATER_MS = NOW_MS + 1
ACTIVE = make_webhook(webhook_id="wh_active")
DISABLED = make_webhook(webhook_id="wh_disabled", status=WebhookStatus.DISABLED)
FULL = make_webhook(webhook_id="wh_full")


def make_lanes() -> Lanes:
    """Make lanes in which one webhook is at its limit."""
    lanes = Lanes(in_flight_max=1_000, random=lambda: 0.0)
    while lanes.enter("ten_1", FULL.webhook_id, NOW_MS) is None:
        pass
    return lanes


def make_record(*deliveries: Delivery | None, **values: Any) -> EventRecord:
    """Make an event with these deliveries; with None it has not been matched."""
    matched = None if None in deliveries else tuple(d for d in deliveries if d is not None)
    return EventRecord(event=make_event(**values), state=EventState(deliveries=matched))


def make_round(*deliveries: Delivery | None, webhooks: tuple[Webhook, ...] = ()) -> Round:
    view = make_view(*(webhooks or (ACTIVE, DISABLED, FULL)))
    return Round("ten_1", make_record(*deliveries), view, LATER_MS)


@pytest.mark.parametrize(
    ("event_types", "matches"),
    [
        (("*",), True),
        (("order.created",), True),
        (("order.*",), True),
        (("invoice.*", "order.created"), True),
        (("order",), False),
        (("invoice.*",), False),
        ((), False),
    ],
)
def test_the_first_claim_makes_a_delivery_for_each_webhook_that_wants_the_event(
    event_types: tuple[str, ...], *, matches: bool
) -> None:
    webhook = make_webhook(event_types=event_types)
    matched = match(make_record(None, event_type="order.created"), make_view(webhook))
    assert matched == ((Delivery(webhook_id=webhook.webhook_id),) if matches else ())


def test_a_disabled_webhook_still_wants_its_events() -> None:
    [delivery] = match(make_record(None), make_view(DISABLED))
    assert delivery.webhook_id == DISABLED.webhook_id


@pytest.mark.parametrize("deliveries", [(), (Delivery(webhook_id="wh_old"),)])
def test_an_event_is_matched_once(deliveries: tuple[Delivery, ...]) -> None:
    assert match(make_record(*deliveries), make_view(ACTIVE)) == deliveries


PLANS = {
    "due": (ACTIVE.webhook_id, NOW_MS, DeliveryStatus.PENDING, NOW_MS, None, True),
    "never tried": (ACTIVE.webhook_id, None, DeliveryStatus.PENDING, None, None, True),
    "not due": (ACTIVE.webhook_id, LATER_MS, DeliveryStatus.PENDING, LATER_MS, None, False),
    "deleted": ("wh_x", None, DeliveryStatus.CANCELLED, None, WEBHOOK_DELETED, False),
    "deleted, not due": ("wh_x", LATER_MS, DeliveryStatus.PENDING, LATER_MS, None, False),
    "disabled": ("wh_disabled", None, DeliveryStatus.HELD, None, WEBHOOK_DISABLED, False),
    "at its limit": ("wh_full", None, DeliveryStatus.PENDING, NOW_MS + 1_003, None, False),
}


@pytest.mark.parametrize(
    ("webhook_id", "due_ms", "status", "next_ms", "error", "sent"), PLANS.values(), ids=PLANS
)
def test_what_is_made_of_a_pending_delivery(
    webhook_id: str,
    due_ms: int | None,
    status: DeliveryStatus,
    next_ms: int | None,
    error: str | None,
    *,
    sent: bool,
) -> None:
    round_ = make_round(Delivery(webhook_id=webhook_id, next_attempt_ms=due_ms))
    lanes = make_lanes()
    busy = lanes.in_flight
    sends = round_.plan(lanes, NOW_MS)
    assert [webhook.webhook_id for webhook in sends] == ([webhook_id] if sent else [])
    assert lanes.in_flight - busy == len(sends)
    planned = round_.delivery(webhook_id)
    assert (planned.status, planned.last_error) == (status, error)
    assert planned.attempts == 0
    if next_ms is None:
        assert planned.next_attempt_ms is None
    else:
        assert planned.next_attempt_ms == pytest.approx(next_ms, abs=5)


@pytest.mark.parametrize("status", set(DeliveryStatus) - {DeliveryStatus.PENDING})
def test_a_delivery_that_has_ended_is_not_touched(status: DeliveryStatus) -> None:
    ended = Delivery(webhook_id=ACTIVE.webhook_id, status=status)
    round_ = make_round(ended)
    assert round_.plan(make_lanes(), NOW_MS) == []
    assert round_.deliveries == (ended,)


def test_all_due_deliveries_of_an_event_are_planned_together() -> None:
    others = tuple(make_webhook() for _ in range(3))
    round_ = make_round(None, webhooks=(*others, DISABLED))
    assert round_.plan(make_lanes(), NOW_MS) == list(others)
    assert len(round_.deliveries) == 4


def test_newly_are_those_that_came_to_a_status_in_this_round() -> None:
    failed = Delivery(webhook_id="wh_1", status=DeliveryStatus.FAILED)
    pending = Delivery(webhook_id="wh_2")
    other = Delivery(webhook_id="wh_3")
    round_ = make_round(failed, pending, other)
    now_failed = Delivery(webhook_id="wh_2", status=DeliveryStatus.FAILED)
    now_held = Delivery(webhook_id="wh_3", status=DeliveryStatus.HELD)
    round_.replace(now_failed, now_held)
    assert round_.newly(DeliveryStatus.FAILED) == [now_failed]
    assert round_.newly(DeliveryStatus.FAILED, DeliveryStatus.HELD) == [now_failed, now_held]
    assert round_.newly(DeliveryStatus.DELIVERED) == []


def test_newly_knows_the_deliveries_of_a_first_claim() -> None:
    round_ = make_round(None, webhooks=(DISABLED,))
    round_.plan(make_lanes(), NOW_MS)
    assert [d.webhook_id for d in round_.newly(DeliveryStatus.HELD)] == [DISABLED.webhook_id]
