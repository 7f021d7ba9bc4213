"""Which attempts get a row of their own, and how those that do not are shown all the same."""

import pytest

from tests.factories import NOW_MS, make_attempt, make_delivery, make_event, make_outcome
from triggers.attempts import is_kept, with_first_successes
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.events import EventRecord, EventState

EVENT = make_event()
FIRST_SUCCESS = make_delivery(
    status=DeliveryStatus.DELIVERED,
    attempts=1,
    last_status_code=204,
    delivered_ms=NOW_MS + 30,
    duration_ms=12,
)
SHOWN = make_attempt(
    event_id=EVENT.event_id,
    webhook_id=FIRST_SUCCESS.webhook_id,
    number=1,
    started_ms=NOW_MS + 18,
    outcome=make_outcome(204, duration_ms=12),
)


def record_of(*deliveries: Delivery) -> EventRecord:
    return EventRecord(event=EVENT, state=EventState(deliveries=deliveries))


@pytest.mark.parametrize(
    ("number", "status_code", "kept"),
    [(1, 200, False), (2, 200, True), (1, 500, True), (1, None, True)],
)
def test_every_attempt_is_kept_but_a_first_try_success(
    number: int, status_code: int | None, *, kept: bool
) -> None:
    assert is_kept(make_attempt(number=number, outcome=make_outcome(status_code))) is kept


def test_a_first_try_success_is_shown_as_its_delivery_tells_it() -> None:
    assert with_first_successes([], record_of(FIRST_SUCCESS)) == [SHOWN]


def test_it_is_not_shown_twice() -> None:
    assert with_first_successes([SHOWN], record_of(FIRST_SUCCESS)) == [SHOWN]


def test_it_stands_among_the_kept_ones_by_time() -> None:
    earlier = make_attempt(started_ms=NOW_MS)
    later = make_attempt(started_ms=NOW_MS + 60)

    shown = with_first_successes([earlier, later], record_of(FIRST_SUCCESS))

    assert shown == [later, SHOWN, earlier]


@pytest.mark.parametrize(
    "delivery",
    [
        make_delivery(),
        make_delivery(attempts=1, next_attempt_ms=NOW_MS),
        make_delivery(status=DeliveryStatus.FAILED, attempts=1),
        make_delivery(status=DeliveryStatus.DELIVERED, attempts=2, delivered_ms=NOW_MS),
    ],
)
def test_other_deliveries_add_nothing(delivery: Delivery) -> None:
    assert with_first_successes([], record_of(delivery)) == []


def test_an_event_that_was_never_matched_has_no_attempts() -> None:
    assert with_first_successes([], EventRecord(event=EVENT, state=EventState())) == []
