"""The deadlines of all requests, by one timer."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from app.deadlines import Deadlines


async def stay(deadlines: Deadlines, seconds: float, *, longer: float | None = None) -> float:
    """Stay under a deadline, one that is moved if told so; return how long it took."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    with suppress(TimeoutError):
        async with asyncio.timeout(None) as timeout:
            deadlines.begin(timeout)
            try:
                if longer is not None:
                    timeout.reschedule(started + longer)
                await asyncio.sleep(seconds)
            finally:
                deadlines.end(timeout)
    assert timeout.expired() == (loop.time() - started < seconds)
    return loop.time() - started


async def test_what_stays_too_long_is_ended_at_its_own_moment() -> None:
    deadlines = Deadlines(0.1)

    first = asyncio.create_task(stay(deadlines, 60))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(stay(deadlines, 60))

    async with asyncio.timeout(5):
        assert 0.09 < await first < 0.15
        assert 0.09 < await second < 0.15


async def test_what_ends_in_time_is_left_alone_and_so_is_what_comes_after_it() -> None:
    deadlines = Deadlines(0.05)

    assert await stay(deadlines, 0) < 0.05
    await asyncio.sleep(0.1)  # the timer has come for nothing
    async with asyncio.timeout(5):
        assert 0.04 < await stay(deadlines, 60) < 0.1


@pytest.mark.parametrize("moved", [0.02, 0.2])
async def test_a_deadline_that_was_moved_counts_as_it_is_now(moved: float) -> None:
    async with asyncio.timeout(5):
        assert moved - 0.01 < await stay(Deadlines(0.1), 60, longer=moved) < moved + 0.06


async def test_one_timer_does_for_many() -> None:
    deadlines = Deadlines(60)
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    call_at = loop.call_at

    def counted(when: float, *arguments: Any) -> asyncio.TimerHandle:
        timers.append(when)
        return call_at(when, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "call_at", counted)
        await asyncio.gather(*(stay(deadlines, 0) for _ in range(100)))
    assert len(timers) == 1
