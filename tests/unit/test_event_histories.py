"""An event lived through at random: claims, attempts, crashes, late workers, in any order."""

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.factories import FakeClock, make_event, make_outcome
from tests.fakes import FakeEvents
from triggers.deliveries import Delivery, DeliveryStatus, after_attempt, is_due, postponed
from triggers.events import (
    EventOutcome,
    EventRecord,
    EventState,
    EventStatus,
    outcome_of,
    poisoned,
    progress_of,
    progress_to_give_back,
    status_after,
)

TENANT = "ten_0"
WEBHOOKS = ("wh_1", "wh_2")
SCHEDULE = (1, 2)
LEASE_SECONDS = 45
CLAIMS_MAX = 3
WORKERS = 2


class Step(NamedTuple):
    """Something that happens next, by its name in `History`; not every step needs all of it."""

    name: str
    worker: int = 1
    status_code: int | None = 200
    seconds: float = 0


class History:
    """One event in a store, and workers that go about it as the real ones do, but step by step."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeEvents()
        self.event = make_event()
        self.claims: dict[int, EventRecord] = {}

    async def begin(self) -> None:
        await self.store.insert(TENANT, self.event, due_ms=self.clock() + 10_000, expires_s=0)

    @property
    def state(self) -> EventState:
        return self.store.records[TENANT, self.event.event_id].state

    async def live(self, step: Step) -> None:
        await getattr(self, step.name)(step)

    async def advance(self, step: Step) -> None:
        self.clock.advance(step.seconds)

    async def acknowledge(self, _step: Step) -> None:
        await self.store.acknowledge(TENANT, self.event.event_id, self.clock())

    async def claim(self, step: Step) -> None:
        now_ms = self.clock()
        lease_ms = now_ms + LEASE_SECONDS * 1000
        claimed = await self.store.claim(
            TENANT, self.event.event_id, now_ms=now_ms, lease_ms=lease_ms
        )
        if isinstance(claimed, EventRecord):
            self._keep(step.worker, claimed, _deliveries_to_work_on(claimed.state))

    async def attempt(self, step: Step) -> None:
        """Attempt the first delivery that is due, so that others may still be in the air."""
        outcome = make_outcome(step.status_code)
        self._change_first_due(
            step.worker, lambda d: after_attempt(d, outcome, SCHEDULE, self.clock(), 0.5)
        )

    async def postpone(self, step: Step) -> None:
        self._change_first_due(step.worker, lambda d: postponed(d, self.clock() + 1_000))

    async def save(self, step: Step) -> None:
        if step.worker in self.claims:
            state = self.claims[step.worker].state
            deliveries = state.deliveries or ()
            await self.store.save(TENANT, self.event.event_id, state.fence, deliveries)

    async def finish(self, step: Step) -> None:
        if step.worker in self.claims:
            state = self.claims.pop(step.worker).state
            progress = progress_of(state.deliveries or (), self.clock())
            await self.store.finish(TENANT, self.event.event_id, state.fence, progress)

    async def give_back(self, step: Step) -> None:
        if step.worker in self.claims:
            state = self.claims.pop(step.worker).state
            progress = progress_to_give_back(state, self.clock() + 1_000)
            await self.store.finish(TENANT, self.event.event_id, state.fence, progress)

    async def crash(self, step: Step) -> None:
        self.claims.pop(step.worker, None)

    async def work(self, step: Step) -> None:
        """Do all that a worker does when nothing comes between."""
        for deed in (self.claim, self.attempt, self.attempt, self.finish):
            await deed(step)

    def _change_first_due(self, worker: int, change: Callable[[Delivery], Delivery]) -> None:
        if worker in self.claims:
            deliveries = list(self.claims[worker].state.deliveries or ())
            due = [n for n, d in enumerate(deliveries) if is_due(d, self.clock())]
            for number in due[:1]:
                deliveries[number] = change(deliveries[number])
            self._keep(worker, self.claims[worker], tuple(deliveries))

    def _keep(self, worker: int, record: EventRecord, deliveries: tuple[Delivery, ...]) -> None:
        self.claims[worker] = replace(record, state=replace(record.state, deliveries=deliveries))


def _deliveries_to_work_on(state: EventState) -> tuple[Delivery, ...]:
    deliveries = state.deliveries
    if deliveries is None:
        deliveries = tuple(Delivery(webhook_id=webhook_id) for webhook_id in WEBHOOKS)
    return poisoned(deliveries) if state.claims > CLAIMS_MAX else deliveries


OFTEN = ["claim", "attempt", "work", "finish", "advance"]
SELDOM = ["postpone", "save", "give_back", "crash", "acknowledge"]
STEPS = st.builds(
    Step,
    name=st.sampled_from(OFTEN * 4 + SELDOM),
    worker=st.integers(1, WORKERS),
    status_code=st.sampled_from([500, None, 404, 200, 204, 410]),
    seconds=st.sampled_from([3, 0.001, 1, 46]),
)


@given(st.lists(STEPS, min_size=15, max_size=60))
async def test_an_event_never_goes_back_and_never_gets_lost(steps: list[Step]) -> None:
    history = History()
    await history.begin()

    for step in steps:
        before = history.state
        await history.live(step)
        assert_allowed(before, history.state, history.clock())
        assert_sound(history.state)

    await let_one_good_worker_end_it(history)
    ended = history.state.status is not EventStatus.PENDING
    assert ended or outcome_of(history.state.deliveries or ()) is EventOutcome.NOTHING_WANTED


def assert_allowed(before: EventState, after: EventState, now_ms: int) -> None:
    """Hold what is true of every step of an event."""
    allowed = {before.status} | {status_after(before.status, outcome) for outcome in EventOutcome}
    assert after.status in allowed
    assert after.fence >= before.fence
    if after.claims > before.claims:
        assert before.lease_ms < now_ms, "two workers held it at once"
        assert before.ready_ms <= now_ms, "it was claimed before its time"
    for old, new in zip(before.deliveries or (), after.deliveries or (), strict=False):
        assert new.attempts >= old.attempts
        assert old.status is DeliveryStatus.PENDING or new == old
    if before.status is EventStatus.ACKNOWLEDGED:
        assert after == before


def assert_sound(state: EventState) -> None:
    """Hold what is true of an event at any moment: what is not ended will be looked at again."""
    pending = [d for d in state.deliveries or () if d.status is DeliveryStatus.PENDING]
    wants_work = state.status is EventStatus.PENDING and (state.deliveries is None or pending)
    assert state.due_ms is not None or not wants_work
    if state.status is not EventStatus.PENDING:
        assert state.due_ms is None
    if state.status in (EventStatus.DELIVERED, EventStatus.FAILED):
        assert not pending
    assert (state.delivered_ms is not None) or state.status is not EventStatus.DELIVERED
    for delivery in pending:
        assert delivery.attempts == 0 or delivery.next_attempt_ms is not None
        assert delivery.attempts <= len(SCHEDULE)


async def let_one_good_worker_end_it(history: History) -> None:
    """Whatever happened before: with a worker and a receiver that do their work, it ends."""
    for _ in range(len(SCHEDULE) + 2):
        await history.live(Step("advance", seconds=LEASE_SECONDS + 10))
        await history.live(Step("work"))
