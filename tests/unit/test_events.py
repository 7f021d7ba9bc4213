"""The state machine of an event, and the body that receivers get."""

import itertools
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW_MS, make_delivery, make_event
from triggers.deliveries import DeliveryStatus
from triggers.events import (
    NEVER_MS,
    EventOutcome,
    EventState,
    EventStatus,
    body_to_send,
    outcome_of,
    poisoned,
    progress_of,
    progress_to_give_back,
    status_after,
    statuses_before,
    visible_deliveries,
)

STATUS_AFTER = """
              all_delivered  some_pending  some_failed  nothing_wanted  acknowledged  replayed  recovered
pending       delivered      pending       failed       pending         acknowledged  pending   pending
delivered     -              -             -            -               acknowledged  pending   -
failed        -              -             -            -               acknowledged  pending   pending
acknowledged  -              -             -            -               -             -         -
"""


def read_table(text: str) -> dict[tuple[EventStatus, EventOutcome], EventStatus | None]:
    head, *rows = (line.split() for line in text.strip().splitlines())
    return {
        (EventStatus(status), EventOutcome(outcome)): None if cell == "-" else EventStatus(cell)
        for status, *cells in rows
        for outcome, cell in zip(head, cells, strict=True)
    }


@pytest.mark.parametrize(("status", "outcome"), list(itertools.product(EventStatus, EventOutcome)))
def test_every_outcome_leads_where_the_table_says(
    status: EventStatus, outcome: EventOutcome
) -> None:
    assert status_after(status, outcome) == read_table(STATUS_AFTER)[status, outcome]


@pytest.mark.parametrize("outcome", EventOutcome)
def test_an_outcome_applies_to_the_statuses_that_it_leads_on_from(outcome: EventOutcome) -> None:
    leading = {status for status in EventStatus if status_after(status, outcome) is not None}

    assert set(statuses_before(outcome)) == leading


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([], EventOutcome.NOTHING_WANTED),
        (["held"], EventOutcome.NOTHING_WANTED),
        (["cancelled"], EventOutcome.NOTHING_WANTED),
        (["held", "cancelled"], EventOutcome.NOTHING_WANTED),
        (["delivered"], EventOutcome.ALL_DELIVERED),
        (["delivered", "delivered"], EventOutcome.ALL_DELIVERED),
        (["delivered", "cancelled"], EventOutcome.ALL_DELIVERED),
        (["delivered", "held"], EventOutcome.NOTHING_WANTED),
        (["failed"], EventOutcome.SOME_FAILED),
        (["failed", "delivered"], EventOutcome.SOME_FAILED),
        (["failed", "held"], EventOutcome.SOME_FAILED),
        (["failed", "cancelled"], EventOutcome.SOME_FAILED),
        (["pending"], EventOutcome.SOME_PENDING),
        (["pending", "delivered"], EventOutcome.SOME_PENDING),
        (["pending", "failed"], EventOutcome.SOME_PENDING),
        (["pending", "failed", "delivered", "held", "cancelled"], EventOutcome.SOME_PENDING),
    ],
)
def test_the_deliveries_of_an_event_amount_to_an_outcome(
    statuses: list[str], outcome: EventOutcome
) -> None:
    deliveries = tuple(make_delivery(status=DeliveryStatus(status)) for status in statuses)

    assert outcome_of(deliveries) is outcome


@given(st.lists(st.sampled_from(DeliveryStatus)))
def test_whatever_the_deliveries_a_pending_event_has_a_next_status(
    statuses: list[DeliveryStatus],
) -> None:
    deliveries = tuple(make_delivery(status=status) for status in statuses)

    progress = progress_of(deliveries, NOW_MS)

    pending = DeliveryStatus.PENDING in statuses
    assert (progress.due_ms is not None) == pending
    assert (progress.ready_ms < NEVER_MS) == pending
    assert (progress.delivered_ms is not None) == (progress.status is EventStatus.DELIVERED)


def test_an_event_is_ready_and_due_when_its_first_pending_delivery_is() -> None:
    deliveries = (
        make_delivery(next_attempt_ms=NOW_MS + 5_000),
        make_delivery(next_attempt_ms=NOW_MS + 1_000),
        make_delivery(status=DeliveryStatus.FAILED),
    )

    progress = progress_of(deliveries, NOW_MS)

    assert progress.ready_ms == NOW_MS + 1_000
    assert progress.due_ms == NOW_MS + 1_000


def test_a_delivery_that_was_never_attempted_is_due_at_once() -> None:
    assert progress_of((make_delivery(),), NOW_MS).due_ms == NOW_MS


def test_a_finish_counts_claims_from_none_again() -> None:
    assert progress_of((make_delivery(),), NOW_MS).claims == 0


@pytest.mark.parametrize(
    ("status", "in_inbox"),
    [("pending", True), ("failed", True), ("delivered", False), ("acknowledged", False)],
)
def test_an_event_stays_in_the_inbox_until_delivered_or_acknowledged(
    status: str, *, in_inbox: bool
) -> None:
    progress = msgspec.structs.replace(progress_of((), NOW_MS), status=EventStatus(status))

    assert progress.in_inbox is in_inbox


def test_a_claim_that_is_given_back_does_not_count_and_waits() -> None:
    deliveries = (make_delivery(next_attempt_ms=NOW_MS),)
    state = EventState(deliveries=deliveries, claims=3, fence=7, due_ms=NOW_MS)

    progress = progress_to_give_back(state, NOW_MS + 2_000)

    assert progress.claims == 2
    assert progress.ready_ms == progress.due_ms == NOW_MS + 2_000
    assert progress.deliveries == deliveries
    assert progress.status is EventStatus.PENDING


def test_what_was_pending_of_a_poisonous_event_has_failed() -> None:
    delivered = make_delivery(status=DeliveryStatus.DELIVERED, delivered_ms=NOW_MS)

    kept, failed = poisoned((delivered, make_delivery(next_attempt_ms=NOW_MS)))

    assert kept == delivered
    assert failed.status is DeliveryStatus.FAILED
    assert failed.last_error == "poison"
    assert failed.next_attempt_ms is None
    assert progress_of((kept, failed), NOW_MS).status is EventStatus.FAILED


def test_nothing_of_an_acknowledged_event_is_shown_as_pending() -> None:
    deliveries = (make_delivery(), make_delivery(status=DeliveryStatus.FAILED))
    state = EventState(status=EventStatus.ACKNOWLEDGED, deliveries=deliveries)

    cancelled, failed = visible_deliveries(state)

    assert (cancelled.status, cancelled.last_error) == (DeliveryStatus.CANCELLED, "acknowledged")
    assert failed == deliveries[1]


@pytest.mark.parametrize("status", ["pending", "delivered", "failed"])
def test_the_deliveries_of_any_other_event_are_shown_as_they_are(status: str) -> None:
    deliveries = (make_delivery(),)

    state = EventState(status=EventStatus(status), deliveries=deliveries)
    assert visible_deliveries(state) == deliveries
    assert visible_deliveries(EventState()) == ()


def test_the_body_holds_the_event_and_nothing_of_its_state() -> None:
    event = make_event(created_ms=NOW_MS, source=None, payload="[1,  2]")

    assert body_to_send(event).decode() == (
        f'{{"event_id":"{event.event_id}","event_type":"order.created","source":null,'
        '"created_at":"2026-11-22T05:29:00.123Z","metadata":{"region":"eu"},"payload":[1,  2]}'
    )


JSON_SPACE = st.text(" \t\r\n", max_size=3)
JSON_NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", fullmatch=True)
JSON_STRINGS = st.builds(
    json.dumps, st.text(st.characters(codec="utf-8")), ensure_ascii=st.booleans()
)


def json_values(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """JSON texts of arrays and objects, with white space, double keys and any order of keys."""
    members = st.builds("{}{}:{}{}".format, JSON_STRINGS, JSON_SPACE, JSON_SPACE, values)
    return st.builds(
        lambda members, space: "{" + f"{space},".join(members) + space + "}",
        st.lists(members, max_size=4),
        JSON_SPACE,
    ) | st.builds(
        lambda items, space: "[" + f",{space}".join(items) + space + "]",
        st.lists(values, max_size=4),
        JSON_SPACE,
    )


JSON_TEXTS = st.recursive(
    st.sampled_from(["null", "true", "false", "1.0", "1e2", "12345678901234567890", '"\\u0000"'])
    | JSON_NUMBERS
    | JSON_STRINGS,
    json_values,
    max_leaves=12,
)


class BodyAsSent(msgspec.Struct):
    payload: msgspec.Raw


@given(JSON_TEXTS)
def test_the_payload_goes_out_byte_for_byte(payload: str) -> None:
    body = body_to_send(make_event(payload=payload))

    assert body.endswith(b',"payload":' + payload.encode() + b"}")
    assert bytes(msgspec.json.decode(body, type=BodyAsSent).payload) == payload.encode()
