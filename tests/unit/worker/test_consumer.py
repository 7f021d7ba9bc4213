"""The loop over hints: what is queued, what is deleted and when, and what SQS away does to it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tests.factories import NOW_MS, FakeClock, make_event
from tests.fakes import FakeHints
from tests.processes import until
from triggers.errors import StoreRefused, StoreUnavailable, TriggersError
from triggers.messages import Hint, encode_message
from worker.consumer import FULL_PAUSE_SECONDS, PAUSE_SECONDS_FIRST, PAUSE_SECONDS_MAX, Consumer
from worker.fair_queue import FairQueue, Work
from worker.health import Pulse

TENANT, NEIGHBOUR = "ten_0000000000000001", "ten_0000000000000002"
NOBODY_ELSE: Mapping[str, str] = {}
GRACE_SECONDS = 10
GRACE_MS = 10_000
AWAY = StoreUnavailable("test")


class Hinted:
    """A consumer with its queues: that of SQS, and that inside the worker."""

    def __init__(self, waiting_max: int = 100) -> None:
        self.clock = FakeClock()
        self.hints = FakeHints(self.clock)
        self.queue = FairQueue(waiting_max=waiting_max)
        self.consumer = Consumer(
            self.hints,
            self.queue,
            clock=self.clock,
            pulse=Pulse(),
            grace_seconds=GRACE_SECONDS,
        )

    def put(
        self, *event_ids: str, sent_ms: int = NOW_MS, others: Mapping[str, str] = NOBODY_ELSE
    ) -> None:
        """Have a hint in SQS."""
        hint = Hint(
            tenant_id=TENANT,
            event_ids=event_ids,
            sent_ms=sent_ms,
            others={tenant_id: (event_id,) for tenant_id, event_id in others.items()},
        )
        self.hints.put(encode_message(hint))

    async def receive(self) -> None:
        """Receive once."""
        for received in await self.hints.receive():
            self.consumer.accept(received)

    async def taken(self, count: int) -> list[Work]:
        works = []
        async with asyncio.timeout(5):
            for _ in range(count):
                await self.queue.filled(is_swept=False)
                works.append(self.queue.take(is_swept=False))
        return works

    @property
    def left(self) -> int:
        """How many messages SQS still has."""
        return len(self.hints.in_flight) + len(self.hints.visible)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.consumer.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def event_ids(count: int) -> list[str]:
    return [make_event().event_id for _ in range(count)]


def decide(works: Sequence[Work]) -> None:
    for work in works:
        assert work.claimed is not None
        work.claimed()


async def test_the_events_of_a_hint_are_queued() -> None:
    hinted, names = Hinted(), event_ids(3)
    hinted.put(*names)
    await hinted.receive()
    works = await hinted.taken(3)
    assert [(work.tenant_id, work.event_id) for work in works] == [(TENANT, n) for n in names]


async def test_a_hint_that_names_events_of_several_tenants_queues_each_for_its_own() -> None:
    hinted, [name, other] = Hinted(), event_ids(2)
    hinted.put(name, others={NEIGHBOUR: other})
    await hinted.receive()
    works = await hinted.taken(2)
    assert {work.tenant_id: work.event_id for work in works} == {TENANT: name, NEIGHBOUR: other}
    decide(works[:1] * 2)  # a claim, and its end
    assert hinted.left == 1
    decide(works[1:])
    assert hinted.left == 0


async def test_f07_a_message_is_deleted_when_all_its_claims_are_decided_and_not_before() -> None:
    hinted = Hinted()
    hinted.put(*event_ids(3))
    await hinted.receive()
    works = await hinted.taken(3)
    decide(works[:2])
    assert (hinted.left, hinted.hints.calls["delete"]) == (1, 0)
    decide(works[2:])
    assert (hinted.left, hinted.hints.calls["delete"]) == (0, 1)


async def test_f42_a_hint_that_comes_again_queues_nothing_twice_and_goes() -> None:
    hinted, names = Hinted(), event_ids(2)
    for _ in range(20):
        hinted.put(*names)
    for _ in range(2):
        await hinted.receive()
    decide(await hinted.taken(2))
    assert hinted.left == 0
    assert not hinted.queue.waiting


@pytest.mark.parametrize(("age_ms", "stale"), [(0, False), (GRACE_MS, False), (GRACE_MS + 1, True)])
async def test_f44_a_hint_older_than_the_grace_is_deleted_unread(
    age_ms: int, *, stale: bool
) -> None:
    hinted = Hinted()
    hinted.put(*event_ids(2), sent_ms=NOW_MS - age_ms)
    await hinted.receive()
    assert hinted.queue.waiting == (0 if stale else 2)
    assert hinted.left == (0 if stale else 1)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '{"kind":"hint.9"}', '{"kind":"hint.1"}', '"\ud800"']
)
async def test_f48_a_malformed_hint_stays_and_the_others_go_on(text: str) -> None:
    hinted, [name] = Hinted(), event_ids(1)
    hinted.hints.put(text)
    hinted.put(name)
    await hinted.receive()
    decide(await hinted.taken(1))
    assert list(hinted.hints.in_flight.values()) == [text]


async def test_a_hint_that_names_nothing_goes() -> None:
    hinted = Hinted()
    hinted.put()
    await hinted.receive()
    assert hinted.left == 0


async def test_what_finds_no_room_is_left_to_the_sweeper() -> None:
    hinted = Hinted(waiting_max=2)
    hinted.put(*event_ids(5))
    await hinted.receive()
    decide(await hinted.taken(2))
    assert hinted.left == 0


@pytest.mark.parametrize("error", [AWAY, StoreRefused("test")])
async def test_f47_a_delete_that_fails_does_no_harm(error: TriggersError) -> None:
    hinted = Hinted()
    hinted.hints.failing_calls["delete"] = error
    hinted.put(*event_ids(1))
    await hinted.receive()
    decide(await hinted.taken(1))
    hinted.hints.failing_calls.clear()
    hinted.hints.show_again()
    hinted.clock.advance(300)
    await hinted.receive()
    assert hinted.left == 0


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the loop makes, which take no time here."""
    seen: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float, *values: Any) -> None:
        if seconds >= FULL_PAUSE_SECONDS:
            seen.append(seconds)
        await sleep(0 if seconds >= FULL_PAUSE_SECONDS else seconds, *values)

    monkeypatch.setattr(asyncio, "sleep", note)
    return seen


@pytest.mark.parametrize("error", [AWAY, StoreRefused("test")])
async def test_f46_while_sqs_is_away_it_is_asked_ever_more_slowly_and_for_ever(
    pauses: list[float], error: TriggersError
) -> None:
    hinted = Hinted()
    hinted.hints.failing = error
    async with hinted.running():
        await until(lambda: len(pauses) > 10)
        assert pauses[:3] == [PAUSE_SECONDS_FIRST, 2 * PAUSE_SECONDS_FIRST, 4 * PAUSE_SECONDS_FIRST]
        assert max(pauses) == pauses[10] == PAUSE_SECONDS_MAX
        hinted.hints.failing = None
        hinted.put(*event_ids(1))
        await hinted.taken(1)
        pauses.clear()
        hinted.hints.failing = error
        hinted.put(*event_ids(1))
        await until(lambda: pauses)
        assert pauses[0] == PAUSE_SECONDS_FIRST


async def test_while_the_queue_is_full_nothing_is_received(pauses: list[float]) -> None:
    hinted = Hinted(waiting_max=2)
    for name in event_ids(2):
        hinted.queue.put(Work(tenant_id="ten_2", event_id=name), NOW_MS)
    hinted.put(*event_ids(1))
    async with hinted.running():
        await until(lambda: len(pauses) > 3)
        assert hinted.hints.calls["receive"] == 0
        await hinted.taken(2)
        await until(lambda: not hinted.hints.visible)


async def test_the_loop_beats_its_pulse() -> None:
    hinted = Hinted()
    beats: list[int] = []
    hinted.consumer._pulse.beat = lambda: beats.append(1)  # type: ignore[method-assign]
    async with hinted.running():
        for _ in range(3):
            hinted.put(*event_ids(1))
            await hinted.taken(1)
    assert len(beats) >= 3
