"""Opening an event's deliveries again: only as it was read, and kept as long as it is under retry."""

import pytest
from msgspec.structs import replace

from tests.contract.outsides import OpenOutside
from tests.contract.test_claiming_events import (
    DELIVERED,
    DUE_MS,
    FAILED,
    HELD,
    TENANT,
    claim,
    in_inbox,
    insert_and_claim,
    look_up,
    read_due,
)
from tests.factories import NOW_MS, make_event
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.events import Event, EventRecord, EventStatus, progress_of
from triggers.ports import ClaimLost, Reopened, Standing
from triggers.reopening import recovered, replayed
from triggers.replays import Replay
from triggers.resources import Events

EXPIRES_S = NOW_MS // 1000 + 30 * 86_400
LARGE = f'"{"0123456789abcdef" * 200}"'


def make_replay(*deliveries: Delivery, number: int = 1) -> Replay:
    return Replay(
        number=number,
        webhook_ids=tuple(delivery.webhook_id for delivery in deliveries),
        created_ms=NOW_MS,
        request_id="req_1",
        workflow_id="flow “1”",
        reason="because",
    )


async def finished(events: Events, event: Event, *deliveries: Delivery) -> Standing:
    """Have an event whose deliveries have come to this; returns how it stands."""
    claimed = await insert_and_claim(events, event)
    progress = progress_of(deliveries, NOW_MS)
    assert await events.finish(TENANT, event.event_id, claimed.state.fence, progress)
    return await standing_of(events, event)


async def standing_of(events: Events, event: Event) -> Standing:
    standing = await events.stand(TENANT, event.event_id)
    assert standing is not None
    return standing


async def replay(events: Events, event: Event, standing: Standing, *to: Delivery) -> Reopened:
    after = replayed(standing.state, make_replay(*to), (), due_ms=DUE_MS)
    assert after is not None
    return await events.reopen(TENANT, event.event_id, standing, after, expires_s=EXPIRES_S)


async def test_what_stands_is_read_without_the_payload(open_outside: OpenOutside) -> None:
    event = make_event(payload=LARGE, traceparent="00-1-2-01")
    async with open_outside() as outside:
        events = outside.resources.events
        standing = await finished(events, event, DELIVERED, FAILED)

        assert (standing.event_type, standing.traceparent) == (event.event_type, event.traceparent)
        assert standing.state == (await look_up(events, event)).state
        assert await events.stand(TENANT, make_event().event_id) is None
        assert await events.stand("ten_0000000000000002", event.event_id) is None


@pytest.mark.parametrize("payload", ['{"order": 1}', LARGE])
@pytest.mark.parametrize("before", [(DELIVERED,), (DELIVERED, FAILED), (HELD,), ()])
async def test_a_replayed_event_is_pending_due_and_in_the_inbox_with_its_replay(
    open_outside: OpenOutside, payload: str, before: tuple[Delivery, ...]
) -> None:
    event, fresh = make_event(payload=payload), Delivery(webhook_id="wh_1")
    async with open_outside() as outside:
        events = outside.resources.events
        standing = await finished(events, event, *before)
        assert await replay(events, event, standing, *before, fresh) is Reopened.DONE

        state = (await look_up(events, event)).state
        assert state == replayed(standing.state, make_replay(*before, fresh), (), due_ms=DUE_MS)
        assert state.replays == (make_replay(*before, fresh),)
        assert await in_inbox(events, event)
        assert [due.due_ms for due in await read_due(events, event)] == [DUE_MS]
        claimed = await claim(events, event)
        assert isinstance(claimed, EventRecord)
        assert claimed.event == event


async def test_an_event_that_was_not_matched_yet_can_be_replayed(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await events.insert(TENANT, event, due_ms=DUE_MS, expires_s=1)
        standing = await standing_of(events, event)
        assert await replay(events, event, standing, FAILED) is Reopened.DONE

        assert (await look_up(events, event)).state.deliveries is not None


async def test_a_recovered_event_leaves_what_was_delivered_alone(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        standing = await finished(events, event, DELIVERED, FAILED)
        after = recovered(
            standing.state, FAILED.webhook_id, (DeliveryStatus.FAILED,), due_ms=DUE_MS
        )
        assert after is not None
        done = await events.reopen(TENANT, event.event_id, standing, after, expires_s=EXPIRES_S)

        assert done is Reopened.DONE
        state = (await look_up(events, event)).state
        assert state.status is EventStatus.PENDING
        assert state.deliveries == after.deliveries
        assert (state.deliveries or ())[0] == DELIVERED


async def test_who_works_on_an_event_that_is_reopened_is_fenced_off(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        claimed = await insert_and_claim(events, event)
        standing = await standing_of(events, event)
        assert await replay(events, event, standing, FAILED) is Reopened.DONE

        fence, progress = claimed.state.fence, progress_of((DELIVERED,), NOW_MS)
        assert not await events.save(TENANT, event.event_id, fence, (DELIVERED,))
        assert not await events.finish(TENANT, event.event_id, fence, progress)


@pytest.mark.parametrize("change", ["claim", "save", "finish", "acknowledge", "reopen"])
async def test_an_event_that_changed_since_it_was_read_is_not_reopened(
    open_outside: OpenOutside, change: str
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await events.insert(TENANT, event, due_ms=DUE_MS, expires_s=1)
        if change in ("save", "finish"):
            await claim(events, event)
            await events.save(TENANT, event.event_id, 1, (replace(FAILED, attempts=1),))
        standing = await standing_of(events, event)
        match change:
            case "claim":
                assert not isinstance(await claim(events, event), ClaimLost)
            case "save":
                assert await events.save(TENANT, event.event_id, 1, (FAILED,))
            case "finish":
                progress = progress_of((replace(FAILED, attempts=1),), NOW_MS)
                assert await events.finish(TENANT, event.event_id, 1, progress)
            case "acknowledge":
                await events.acknowledge(TENANT, event.event_id, NOW_MS)
            case _:
                assert await replay(events, event, standing, FAILED) is Reopened.DONE
        before = await look_up(events, event)

        assert await replay(events, event, standing, FAILED) is Reopened.CHANGED
        assert await look_up(events, event) == before


async def test_an_event_that_is_gone_does_not_come_back(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        standing = await finished(events, event, FAILED)

        assert await replay(events, make_event(), standing, FAILED) is Reopened.CHANGED
