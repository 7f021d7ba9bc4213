"""What a replay or a recovery makes of an event, and of the schedule of what it opens."""

import pytest
from msgspec.structs import replace

from tests.factories import NOW_MS, make_delivery, make_outcome
from triggers.deliveries import Delivery, DeliveryStatus, after_attempt, is_due
from triggers.events import AT_ONCE_MS, EventOutcome, EventState, EventStatus, status_after
from triggers.reopening import recovered, replayed
from triggers.replays import Replay

DUE_MS = NOW_MS + 10_000
FAILED = make_delivery(webhook_id="wh_1", status=DeliveryStatus.FAILED, attempts=6, last_error="x")
DELIVERED = make_delivery(
    webhook_id="wh_2", status=DeliveryStatus.DELIVERED, attempts=1, delivered_ms=NOW_MS
)
HELD = make_delivery(webhook_id="wh_3", status=DeliveryStatus.HELD)
WAITING = make_delivery(webhook_id="wh_4", next_attempt_ms=NOW_MS + 60_000, attempts=2)


def make_replay(*webhook_ids: str, number: int = 1) -> Replay:
    return Replay(number=number, webhook_ids=webhook_ids, created_ms=NOW_MS, request_id="req_1")


def state_of(*deliveries: Delivery, **values: object) -> EventState:
    defaults = {"fence": 3, "claims": 2, "lease_ms": 7, "delivered_ms": 9, "status": "failed"}
    given = defaults | values
    return EventState(
        deliveries=deliveries,
        **(given | {"status": EventStatus(given["status"])}),  # type: ignore[arg-type]
    )


def test_a_replayed_event_is_everybodys_at_once_and_its_worker_is_fenced_off() -> None:
    after = replayed(state_of(DELIVERED), make_replay("wh_2"), (), due_ms=DUE_MS)

    assert after is not None
    assert (after.status, after.ready_ms, after.due_ms) == (EventStatus.PENDING, AT_ONCE_MS, DUE_MS)
    assert (after.fence, after.claims, after.lease_ms) == (4, 0, 0)
    assert after.delivered_ms is None
    assert after.replays == (make_replay("wh_2"),)


def test_a_replay_opens_what_it_names_and_leaves_the_rest_alone() -> None:
    after = replayed(
        state_of(FAILED, DELIVERED, WAITING), make_replay("wh_2", "wh_9"), (), due_ms=DUE_MS
    )

    assert after is not None
    assert after.deliveries is not None
    failed, delivered, waiting, fresh = after.deliveries
    assert (failed, waiting) == (FAILED, WAITING)
    assert (delivered.status, delivered.attempts, delivered.attempts_before) == ("pending", 1, 1)
    assert (delivered.replay, delivered.delivered_ms) == (1, None)
    assert fresh == Delivery(webhook_id="wh_9", replay=1)


def test_an_event_that_nobody_came_to_yet_goes_to_all_that_want_it_as_well() -> None:
    fresh = EventState(due_ms=NOW_MS + 1)
    after = replayed(fresh, make_replay("wh_9"), ("wh_1", "wh_2"), due_ms=DUE_MS)

    assert after is not None
    assert after.deliveries == (
        Delivery(webhook_id="wh_1"),
        Delivery(webhook_id="wh_2"),
        Delivery(webhook_id="wh_9", replay=1),
    )
    assert after.due_ms == NOW_MS + 1  # it is not put off by the replay


def test_what_is_opened_again_is_due_at_once_with_its_whole_schedule_before_it() -> None:
    after = recovered(state_of(FAILED), "wh_1", (DeliveryStatus.FAILED,), due_ms=DUE_MS)

    assert after is not None
    assert after.deliveries is not None
    [opened] = after.deliveries
    assert is_due(opened, NOW_MS)
    assert opened.last_error == "x"
    again = after_attempt(opened, make_outcome(503), (5, 30), NOW_MS, jitter=0)
    assert (again.attempts, again.next_attempt_ms) == (7, NOW_MS + 5_000)


def test_a_recovery_opens_one_webhooks_delivery_if_it_has_such_a_status() -> None:
    state = state_of(FAILED, HELD)
    after = recovered(state, "wh_3", (DeliveryStatus.HELD,), due_ms=DUE_MS)

    assert after is not None
    assert after.deliveries is not None
    assert [d.status for d in after.deliveries] == ["failed", "pending"]
    assert recovered(state, "wh_1", (DeliveryStatus.HELD,), due_ms=DUE_MS) is None
    assert recovered(state, "wh_9", (DeliveryStatus.HELD,), due_ms=DUE_MS) is None
    assert recovered(EventState(), "wh_1", tuple(DeliveryStatus), due_ms=DUE_MS) is None


def test_a_recovered_delivery_goes_on_as_the_replay_that_it_was() -> None:
    state = state_of(replace(FAILED, replay=4))
    after = recovered(state, "wh_1", (DeliveryStatus.FAILED,), due_ms=DUE_MS)

    assert after is not None
    assert after.deliveries is not None
    assert after.deliveries[0].replay == 4


@pytest.mark.parametrize("status", EventStatus)
def test_events_are_opened_again_where_the_table_allows_it(status: EventStatus) -> None:
    state = state_of(FAILED, status=status.value)
    replay = replayed(state, make_replay("wh_1"), (), due_ms=DUE_MS)
    recovery = recovered(state, "wh_1", (DeliveryStatus.FAILED,), due_ms=DUE_MS)

    assert (replay and replay.status) == status_after(status, EventOutcome.REPLAYED)
    assert (recovery and recovery.status) == status_after(status, EventOutcome.RECOVERED)
