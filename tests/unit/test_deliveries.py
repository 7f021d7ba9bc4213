"""How an attempt changes a delivery."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW_MS, make_delivery, make_outcome
from triggers.deliveries import (
    ERROR_CHARACTERS_MAX,
    Delivery,
    DeliveryStatus,
    after_attempt,
    is_due,
    postponed,
    settled,
)
from triggers.retries import SCHEDULES

SHORT = SCHEDULES["short"]


def test_a_success_delivers() -> None:
    delivery = after_attempt(make_delivery(attempts=2), make_outcome(204), SHORT, NOW_MS, 0.5)

    assert delivery.status is DeliveryStatus.DELIVERED
    assert delivery.attempts == 3
    assert delivery.delivered_ms == NOW_MS
    assert delivery.last_status_code == 204
    assert delivery.last_error is None
    assert delivery.duration_ms == 12


@pytest.mark.parametrize("status_code", [None, 302, 404, 408, 429, 500])
def test_a_failure_waits_for_its_next_attempt(status_code: int | None) -> None:
    outcome = make_outcome(status_code)
    delivery = after_attempt(make_delivery(), outcome, SHORT, NOW_MS, 0.5)

    assert delivery.status is DeliveryStatus.PENDING
    assert delivery.next_attempt_ms == NOW_MS + 1_100
    assert delivery.last_status_code == status_code
    assert delivery.last_error is not None
    assert delivery.last_error == outcome.description


def test_a_receiver_that_is_gone_has_its_deliveries_held() -> None:
    delivery = after_attempt(make_delivery(), make_outcome(410), SHORT, NOW_MS, 0.5)

    assert delivery.status is DeliveryStatus.HELD
    assert delivery.next_attempt_ms is None


def test_a_delivery_fails_when_its_schedule_is_exhausted() -> None:
    delivery = make_delivery()
    for _ in SHORT:
        delivery = after_attempt(delivery, make_outcome(500), SHORT, NOW_MS, 0.5)
        assert delivery.status is DeliveryStatus.PENDING

    delivery = after_attempt(delivery, make_outcome(500), SHORT, NOW_MS, 0.5)

    assert delivery.status is DeliveryStatus.FAILED
    assert delivery.attempts == len(SHORT) + 1
    assert delivery.next_attempt_ms is None


def test_a_receiver_can_ask_for_a_longer_pause() -> None:
    outcome = make_outcome(429, retry_after_seconds=90)

    assert (
        after_attempt(make_delivery(), outcome, SHORT, NOW_MS, 0.5).next_attempt_ms
        == NOW_MS + 90_000
    )


def test_a_success_forgets_the_error_before() -> None:
    delivery = make_delivery(last_error="receiver answered 500", last_status_code=500)

    assert after_attempt(delivery, make_outcome(200), SHORT, NOW_MS, 0.5).last_error is None


def test_a_long_error_is_cut() -> None:
    outcome = make_outcome(None, error="x" * 10_000)

    delivery = after_attempt(make_delivery(), outcome, SHORT, NOW_MS, 0.5)

    assert delivery.last_error == "x" * ERROR_CHARACTERS_MAX


def test_a_postponed_delivery_waits_without_an_attempt() -> None:
    delivery = postponed(make_delivery(attempts=2), NOW_MS + 1)

    assert delivery.attempts == 2
    assert delivery.status is DeliveryStatus.PENDING
    assert not is_due(delivery, NOW_MS)
    assert is_due(delivery, NOW_MS + 1)


def test_a_delivery_can_end_without_an_attempt() -> None:
    delivery = settled(make_delivery(next_attempt_ms=1), DeliveryStatus.CANCELLED, "deleted")

    assert delivery.status is DeliveryStatus.CANCELLED
    assert delivery.next_attempt_ms is None
    assert delivery.last_error == "deleted"


@pytest.mark.parametrize("status", DeliveryStatus)
def test_only_what_is_pending_is_due(status: DeliveryStatus) -> None:
    assert is_due(make_delivery(status=status), NOW_MS) is (status is DeliveryStatus.PENDING)


def test_a_delivery_is_stored_as_an_array_whose_order_never_changes() -> None:
    text = b'["wh_1","delivered",2,1795325341000,200,"receiver answered 500",1795325340123,12,1,3]'

    delivery = msgspec.json.decode(text, type=Delivery)

    assert delivery == Delivery(
        webhook_id="wh_1",
        status=DeliveryStatus.DELIVERED,
        attempts=2,
        next_attempt_ms=1_795_325_341_000,
        last_status_code=200,
        last_error="receiver answered 500",
        delivered_ms=NOW_MS,
        duration_ms=12,
        attempts_before=1,
        replay=3,
    )
    assert msgspec.json.encode(delivery) == text


@pytest.mark.parametrize(
    "text", ['["wh_1"]', '["wh_1","pending",0,null,null,null,null,null,0,0,"?"]']
)
def test_deliveries_of_older_and_newer_versions_can_be_read(text: str) -> None:
    assert msgspec.json.decode(text, type=Delivery) == Delivery(webhook_id="wh_1")


@given(
    status_code=st.none() | st.integers(100, 999),
    attempts=st.integers(0, 30),
    retry_after=st.none() | st.integers(0, 86_400),
    jitter=st.floats(0, 1, exclude_max=True),
    schedule=st.sampled_from(list(SCHEDULES.values())),
)
def test_after_any_attempt_a_delivery_is_settled_or_has_its_next_attempt(
    status_code: int | None,
    attempts: int,
    retry_after: int | None,
    jitter: float,
    schedule: tuple[int, ...],
) -> None:
    outcome = make_outcome(status_code, retry_after_seconds=retry_after)

    delivery = after_attempt(make_delivery(attempts=attempts), outcome, schedule, NOW_MS, jitter)

    assert delivery.attempts == attempts + 1
    assert (delivery.next_attempt_ms is not None) == (delivery.status is DeliveryStatus.PENDING)
    assert (delivery.delivered_ms is not None) == (delivery.status is DeliveryStatus.DELIVERED)
    if delivery.next_attempt_ms is not None:
        assert delivery.next_attempt_ms > NOW_MS
