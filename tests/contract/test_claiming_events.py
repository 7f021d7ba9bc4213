"""The worker's right to work on an event: claimed by one, finished by its owner alone."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, make_delivery, make_event
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.event_queries import EventQuery
from triggers.events import (
    NEVER_MS,
    Event,
    EventRecord,
    EventStatus,
    Progress,
    progress_of,
    progress_to_give_back,
)
from triggers.ids import due_shard_of
from triggers.ports import ClaimLost, DueEvent
from triggers.resources import Events

TENANT, OTHER = "ten_0000000000000001", "ten_0000000000000002"
DUE_MS = NOW_MS + 10_000
LEASE_MS = NOW_MS + 45_000
LATER_MS = NOW_MS + 60_000
PENDING = make_delivery(next_attempt_ms=LATER_MS)
DELIVERED = make_delivery(status=DeliveryStatus.DELIVERED, attempts=1, delivered_ms=NOW_MS)
FAILED = make_delivery(status=DeliveryStatus.FAILED, attempts=12, last_error="no “such” host\n")
HELD = make_delivery(status=DeliveryStatus.HELD, last_status_code=410)


async def insert(events: Events, event: Event) -> None:
    await events.insert(TENANT, event, due_ms=DUE_MS, expires_s=2**32)


async def claim(
    events: Events, event: Event, *, now_ms: int = NOW_MS, lease_ms: int = LEASE_MS
) -> EventRecord | ClaimLost:
    return await events.claim(TENANT, event.event_id, now_ms=now_ms, lease_ms=lease_ms)


async def insert_and_claim(events: Events, event: Event) -> EventRecord:
    await insert(events, event)
    claimed = await claim(events, event)
    assert isinstance(claimed, EventRecord)
    return claimed


async def look_up(events: Events, event: Event) -> EventRecord:
    record = await events.get(TENANT, event.event_id)
    assert record is not None
    return record


async def in_inbox(events: Events, event: Event) -> bool:
    page = await events.read_inbox(TENANT, EventQuery(shards=1, limit=10))
    return event.event_id in {record.event.event_id for record in page.records}


async def read_due(events: Events, event: Event, now_ms: int = NEVER_MS) -> list[DueEvent]:
    shard = due_shard_of(event.event_id)
    return await events.read_due(shard, now_ms=now_ms, limit=10, after=None)


# Claiming


@pytest.mark.parametrize("payload", ['{"order": 1}', f'"{"0123456789abcdef" * 200}"'])
async def test_a_claim_returns_the_whole_event_as_it_stands_now(
    open_outside: OpenOutside, payload: str
) -> None:
    event = make_event(payload=payload)
    async with open_outside() as outside:
        claimed = await insert_and_claim(outside.resources.events, event)

        assert claimed.event == event
        assert (claimed.state.fence, claimed.state.claims) == (1, 1)
        assert claimed.state.lease_ms == LEASE_MS
        assert claimed.state.deliveries is None
        assert await look_up(outside.resources.events, event) == claimed


async def test_a_claimed_event_is_nobody_elses_until_its_lease_has_ended(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert_and_claim(events, event)

        for now_ms in (NOW_MS, LEASE_MS - 1, LEASE_MS):
            lost = await claim(events, event, now_ms=now_ms, lease_ms=LATER_MS)
            assert lost == ClaimLost(lease_ms=LEASE_MS)

        second = await claim(events, event, now_ms=LEASE_MS + 1, lease_ms=LATER_MS)
        assert isinstance(second, EventRecord)
        assert (second.state.fence, second.state.claims) == (2, 2)
        assert second.state.lease_ms == LATER_MS


async def test_an_event_can_be_claimed_when_a_delivery_wants_work_and_not_before(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert_and_claim(events, event)
        await events.finish(TENANT, event.event_id, 1, progress_of((PENDING,), NOW_MS))

        early = await claim(events, event, now_ms=LATER_MS - 1, lease_ms=LATER_MS + 45_000)
        assert isinstance(early, ClaimLost)
        assert not early.lease_ms, "nobody has it"

        second = await claim(events, event, now_ms=LATER_MS, lease_ms=LATER_MS + 45_000)
        assert isinstance(second, EventRecord)
        assert second.state.deliveries == (PENDING,)
        assert (second.state.fence, second.state.claims) == (2, 1)


async def test_an_event_on_which_nothing_is_to_be_done_cannot_be_claimed(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        events = outside.resources.events
        for deliveries in ((DELIVERED,), (FAILED,), (HELD,), ()):
            event = make_event()
            await insert_and_claim(events, event)
            await events.finish(TENANT, event.event_id, 1, progress_of(deliveries, NOW_MS))

            lost = await claim(events, event, now_ms=LEASE_MS + 1, lease_ms=LEASE_MS + 45_000)

            assert isinstance(lost, ClaimLost), deliveries
            assert not lost.lease_ms


async def test_an_acknowledged_event_cannot_be_claimed(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, event)
        await events.acknowledge(TENANT, event.event_id, NOW_MS)

        assert isinstance(await claim(events, event), ClaimLost)


async def test_what_is_not_there_cannot_be_claimed_and_does_not_come_to_be(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events

        assert await claim(events, event) == ClaimLost(lease_ms=None)
        assert await events.get(TENANT, event.event_id) is None


async def test_no_tenant_claims_the_event_of_another(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, event)

        lost = await events.claim(OTHER, event.event_id, now_ms=NOW_MS, lease_ms=LEASE_MS)

        assert lost == ClaimLost(lease_ms=None)


async def test_of_many_claims_at_once_one_wins(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, event)

        answers = await asyncio.gather(
            *(claim(events, event, lease_ms=LEASE_MS + number) for number in range(5))
        )

        (won,) = [answer for answer in answers if isinstance(answer, EventRecord)]
        assert won.state.fence == 1
        for answer in answers:
            assert answer == won or answer == ClaimLost(lease_ms=won.state.lease_ms)


async def test_of_two_claims_with_the_same_lease_one_wins(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert(events, event)

        answers = await asyncio.gather(claim(events, event), claim(events, event))

        assert ClaimLost(lease_ms=LEASE_MS) in answers
        assert sum(isinstance(answer, EventRecord) for answer in answers) == 1


async def test_many_events_are_claimed_at_once_each_with_its_own_answer(
    open_outside: OpenOutside,
) -> None:
    inserted = [make_event(payload=str(number)) for number in range(60)]
    async with open_outside() as outside:
        events = outside.resources.events
        await asyncio.gather(*(insert(events, event) for event in inserted[::2]))

        answers = await asyncio.gather(*(claim(events, event) for event in inserted))

        for event, answer in zip(inserted[::2], answers[::2], strict=True):
            assert isinstance(answer, EventRecord)
            assert answer.event == event
        assert set(answers[1::2]) == {ClaimLost()}


async def test_a_claim_does_not_move_the_due_index(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert_and_claim(events, event)

        (entry,) = await read_due(events, event)

        assert entry == DueEvent(tenant_id=TENANT, event_id=event.event_id, due_ms=DUE_MS)


# Saving


async def test_saving_writes_the_deliveries_and_keeps_the_claim(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        claimed = await insert_and_claim(events, event)

        assert await events.save(TENANT, event.event_id, 1, (DELIVERED, PENDING))

        saved = replace(claimed.state, deliveries=(DELIVERED, PENDING), claims=0)
        assert (await look_up(events, event)).state == saved


async def test_a_claim_that_has_ended_saves_nothing(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert_and_claim(events, event)
        assert await events.finish(TENANT, event.event_id, 1, progress_of((DELIVERED,), NOW_MS))

        assert not await events.save(TENANT, event.event_id, 1, (PENDING,))

        assert (await look_up(events, event)).state.deliveries == (DELIVERED,)


# Finishing


@pytest.mark.parametrize(
    ("deliveries", "status", "inbox", "due_ms"),
    [
        ((DELIVERED,), EventStatus.DELIVERED, False, None),
        ((DELIVERED, FAILED), EventStatus.FAILED, True, None),
        ((DELIVERED, PENDING), EventStatus.PENDING, True, LATER_MS),
        ((HELD,), EventStatus.PENDING, True, None),
        ((), EventStatus.PENDING, True, None),
    ],
)
async def test_a_finish_writes_what_came_of_it_and_moves_the_indexes(
    open_outside: OpenOutside,
    deliveries: tuple[Delivery, ...],
    status: EventStatus,
    due_ms: int | None,
    *,
    inbox: bool,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert_and_claim(events, event)
        progress = progress_of(deliveries, NOW_MS)

        assert await events.finish(TENANT, event.event_id, 1, progress)

        state = (await look_up(events, event)).state
        assert (state.status, state.deliveries) == (status, deliveries)
        assert (state.ready_ms, state.due_ms) == (progress.ready_ms, due_ms)
        assert (state.fence, state.claims, state.lease_ms) == (1, 0, 0)
        assert state.delivered_ms == (NOW_MS if status is EventStatus.DELIVERED else None)
        assert await in_inbox(events, event) is inbox
        assert [entry.due_ms for entry in await read_due(events, event)] == (
            [due_ms] if due_ms else []
        )


async def test_a_claim_can_be_given_back(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        claimed = await insert_and_claim(events, event)
        progress = progress_to_give_back(claimed.state, LATER_MS)

        assert await events.finish(TENANT, event.event_id, 1, progress)

        assert isinstance(await claim(events, event, now_ms=LATER_MS - 1), ClaimLost)
        again = await claim(events, event, now_ms=LATER_MS, lease_ms=LATER_MS + 45_000)
        assert isinstance(again, EventRecord)
        assert (again.state.fence, again.state.claims, again.state.deliveries) == (2, 1, None)


async def test_a_finish_sent_again_after_its_answer_was_lost_is_fine(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert_and_claim(events, event)
        progress = progress_of((DELIVERED,), NOW_MS)

        assert await events.finish(TENANT, event.event_id, 1, progress)
        assert await events.finish(TENANT, event.event_id, 1, progress)


async def test_who_was_fenced_off_changes_nothing(open_outside: OpenOutside) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert_and_claim(events, event)
        second = await claim(events, event, now_ms=LEASE_MS + 1, lease_ms=LEASE_MS + 45_000)

        assert not await events.save(TENANT, event.event_id, 1, (FAILED,))
        assert not await events.finish(TENANT, event.event_id, 1, progress_of((FAILED,), NOW_MS))

        assert await look_up(events, event) == second


async def test_what_is_not_there_cannot_be_finished_and_does_not_come_to_be(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    progress = Progress(
        status=EventStatus.FAILED, deliveries=(FAILED,), ready_ms=NEVER_MS, due_ms=None
    )
    async with open_outside() as outside:
        events = outside.resources.events

        assert not await events.save(TENANT, event.event_id, 0, (FAILED,))
        assert not await events.finish(TENANT, event.event_id, 0, progress)

        assert await events.get(TENANT, event.event_id) is None


async def test_a_save_and_a_finish_of_one_event_at_once_both_hold(
    open_outside: OpenOutside,
) -> None:
    event = make_event()
    async with open_outside() as outside:
        events = outside.resources.events
        await insert_and_claim(events, event)

        saved, finished = await asyncio.gather(
            events.save(TENANT, event.event_id, 1, (DELIVERED, PENDING)),
            events.finish(TENANT, event.event_id, 1, progress_of((DELIVERED, FAILED), NOW_MS)),
        )

        assert saved
        assert finished
        assert (await look_up(events, event)).state.deliveries == (DELIVERED, FAILED)
