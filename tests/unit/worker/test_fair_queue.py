"""The queue inside a worker: turns between tenants, bounds, and who is left alone."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW_MS
from worker import fair_queue
from worker.fair_queue import FairQueue, Work


def put(queue: FairQueue, *names: str, is_swept: bool = False, now_ms: int = NOW_MS) -> list[bool]:
    """Put events; a name like `a1` is the event 1 of the tenant a."""
    return [
        queue.put(Work(tenant_id=name[0], event_id=name, is_swept=is_swept), now_ms)
        for name in names
    ]


def taken(queue: FairQueue, count: int, *, is_swept: bool = False) -> list[str]:
    return [queue.take(is_swept=is_swept).event_id for _ in range(count)]


def test_events_of_one_tenant_come_in_their_order() -> None:
    queue = FairQueue(waiting_max=10)
    assert all(put(queue, "a1", "a2", "a3"))
    assert taken(queue, 3) == ["a1", "a2", "a3"]


def test_tenants_take_turns() -> None:
    queue = FairQueue(waiting_max=20)
    put(queue, "a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert taken(queue, 7) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_whoever_comes_late_waits_for_one_turn_only() -> None:
    queue = FairQueue(waiting_max=20)
    put(queue, *(f"a{number}" for number in range(8)))
    assert taken(queue, 2) == ["a0", "a1"]
    put(queue, "b1")
    assert taken(queue, 2) == ["a2", "b1"]


def test_it_holds_no_more_than_it_may() -> None:
    queue = FairQueue(waiting_max=4)
    assert put(queue, "a1", "b1", "c1", "d1", "e1") == [True, True, True, True, False]


def test_of_what_is_swept_a_tenant_has_a_quarter_waiting_and_hints_may_fill_theirs() -> None:
    queue = FairQueue(waiting_max=8)
    assert put(queue, "a1", "a2", "a3", is_swept=True) == [True, True, False]
    assert put(queue, "b1", "b2", "b3", is_swept=True) == [True, True, False]
    assert put(queue, *(f"a{number}" for number in range(3, 12))) == [True] * 8 + [False]


def test_however_many_have_a_backlog_hints_are_asked_for_and_find_place() -> None:
    queue = FairQueue(waiting_max=4)
    assert all(put(queue, "a1", "b1", "c1", "d1", is_swept=True))
    assert not queue.has_room(is_swept=True)
    assert queue.has_room(is_swept=False)
    assert put(queue, "e1") == [True]


def test_it_asks_for_more_when_half_is_free() -> None:
    queue = FairQueue(waiting_max=4)
    asked = []
    for name in ("a1", "b1", "c1"):
        put(queue, name)
        asked.append(queue.has_room(is_swept=False))
    queue.take(is_swept=False)
    assert [*asked, queue.has_room(is_swept=False)] == [True, True, False, True]


def test_an_event_is_known_until_it_is_done() -> None:
    queue = FairQueue(waiting_max=10)
    assert put(queue, "a1", "a1") == [True, False]
    mine = queue.take(is_swept=False)
    assert put(queue, "a1") == [False]
    queue.done(mine)
    assert put(queue, "a1") == [True]


def test_an_event_is_left_alone_until_its_time() -> None:
    queue = FairQueue(waiting_max=10)
    queue.leave_alone("a1", NOW_MS + 1)
    queue.leave_alone("a2", NOW_MS)
    assert put(queue, "a1", "a2") == [False, True]
    assert put(queue, "a1", now_ms=NOW_MS + 1) == [True]


def test_what_need_not_be_left_alone_any_longer_is_forgotten() -> None:
    queue = FairQueue(waiting_max=10)
    queue.leave_alone("a1", NOW_MS)
    queue.leave_alone("a2", NOW_MS + 1)
    queue.forget_ended(NOW_MS)
    assert list(queue._left_alone) == ["a2"]
    assert put(queue, "a2") == [False]


def test_it_remembers_only_so_many_to_leave_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "LEFT_ALONE_MAX", 2)
    queue = FairQueue(waiting_max=10)
    for name in ("a1", "a2", "a1", "a3"):
        queue.leave_alone(name, NOW_MS + 1)
    assert put(queue, "a1", "a2", "a3") == [False, True, False]


@pytest.mark.parametrize("is_swept", [False, True])
async def test_it_is_filled_for_what_takes_this_kind_alone(is_swept: bool) -> None:
    queue = FairQueue(waiting_max=10)
    waiting = asyncio.create_task(queue.filled(is_swept=is_swept))
    put(queue, "a1", is_swept=not is_swept)
    await asyncio.sleep(0)
    assert not waiting.done()
    put(queue, "a2", is_swept=is_swept)
    await waiting
    assert taken(queue, 1, is_swept=is_swept) == ["a2"]


async def test_it_is_filled_no_more_when_all_has_been_taken() -> None:
    queue = FairQueue(waiting_max=10)
    put(queue, "a1")
    await queue.filled(is_swept=False)
    taken(queue, 1)
    waiting = asyncio.create_task(queue.filled(is_swept=False))
    await asyncio.sleep(0)
    assert not waiting.done()
    put(queue, "a2")
    await waiting


@given(st.lists(st.sampled_from(["take", *(f"{t}{n}" for t in "abc" for n in range(6))])))
def test_nothing_that_was_put_is_lost_and_nothing_is_taken_twice(steps: list[str]) -> None:
    queue = FairQueue(waiting_max=6)
    waiting: list[str] = []
    for step in steps:
        if step != "take":
            waiting += [step] if put(queue, step) == [True] else []
        elif waiting:
            one = queue.take(is_swept=False)
            waiting.remove(one.event_id)
            queue.done(one)
        assert len(waiting) <= 6
        assert len(waiting) == len(set(waiting))
    assert sorted(taken(queue, len(waiting))) == sorted(waiting)
