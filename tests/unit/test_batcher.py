"""Group commit: what goes together, what never does, and who gets which answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from triggers.aws.batcher import Batcher
from triggers.errors import Overloaded


class Sends:
    """Records batches; while `gate` is cleared, they stay in the air."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, items: Sequence[str]) -> Sequence[str | Exception]:
        self.batches.append(list(items))
        await self.gate.wait()
        return [ValueError(item) if item.startswith("bad") else item.upper() for item in items]


def make_batcher(sends: Any, **limits: Any) -> Batcher[str, str]:
    values = {"batch_max": 3, "flights_max": 1, "waiting_max": 100, **limits}
    return Batcher(sends, **values)


async def submit_all(batcher: Batcher[str, str], *items: str) -> list[str | BaseException]:
    return await asyncio.gather(*(batcher.submit(item) for item in items), return_exceptions=True)


async def test_what_is_submitted_in_one_turn_goes_together() -> None:
    sends = Sends()
    assert await submit_all(make_batcher(sends), "a", "b") == ["A", "B"]
    assert sends.batches == [["a", "b"]]


async def test_an_idle_batcher_sends_at_once() -> None:
    sends = Sends()
    batcher = make_batcher(sends)
    assert await batcher.submit("a") == "A"
    assert await batcher.submit("b") == "B"
    assert sends.batches == [["a"], ["b"]]


async def test_what_comes_while_a_batch_is_in_the_air_goes_in_the_next() -> None:
    sends = Sends()
    sends.gate.clear()
    batcher = make_batcher(sends)
    first = asyncio.create_task(batcher.submit("a"))
    while not sends.batches:
        await asyncio.sleep(0)
    later = asyncio.create_task(submit_all(batcher, "b", "c"))
    await asyncio.sleep(0)
    sends.gate.set()
    assert (await first, await later) == ("A", ["B", "C"])
    assert sends.batches == [["a"], ["b", "c"]]


async def test_a_batch_holds_no_more_than_its_limit() -> None:
    sends = Sends()
    await submit_all(make_batcher(sends), *"abcdefg")
    assert sends.batches == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


async def test_one_with_much_waiting_delays_no_other_by_more_than_a_batch() -> None:
    sends = Sends()
    sends.gate.clear()
    batcher = make_batcher(sends, tenant=lambda item: item[0])
    flood = asyncio.create_task(submit_all(batcher, *(f"a{number}" for number in range(9))))
    while not sends.batches:
        await asyncio.sleep(0)
    others = asyncio.create_task(submit_all(batcher, "b1", "c1", "b2"))
    await asyncio.sleep(0)
    sends.gate.set()
    await asyncio.gather(flood, others)
    assert sends.batches == [
        ["a0", "a1", "a2"],
        ["a3", "b1", "c1"],
        ["a4", "b2", "a5"],
        ["a6", "a7", "a8"],
    ]


async def test_what_waits_for_its_double_keeps_its_place_among_its_tenant_s() -> None:
    sends = Sends()
    batcher = make_batcher(sends, identity=lambda item: item[:2], tenant=lambda item: item[0])
    await submit_all(batcher, "a1", "a1 again", "a2", "a3", "b1")
    assert sends.batches == [["a1", "b1", "a2"], ["a1 again", "a3"]]


async def test_as_many_batches_fly_as_may() -> None:
    sends = Sends()
    sends.gate.clear()
    batcher = make_batcher(sends, flights_max=2)
    flying = asyncio.create_task(submit_all(batcher, *"abcdefg"))
    while len(sends.batches) < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sends.batches == [["a", "b", "c"], ["d", "e", "f"]]
    sends.gate.set()
    assert await flying == list("ABCDEFG")


async def test_a_batch_never_holds_the_same_item_twice() -> None:
    sends = Sends()
    batcher = make_batcher(sends, identity=lambda item: item[0])
    assert await submit_all(batcher, "a1", "a2", "b1", "a3") == ["A1", "A2", "B1", "A3"]
    assert sends.batches == [["a1", "b1"], ["a2"], ["a3"]]


async def test_each_caller_gets_its_own_error() -> None:
    answers = await submit_all(make_batcher(Sends()), "a", "bad", "b")
    assert answers[0] == "A"
    assert isinstance(answers[1], ValueError)
    assert answers[2] == "B"


async def test_a_call_that_fails_fails_for_all_in_it_and_the_next_goes_on() -> None:
    calls = 0

    async def fail_once(items: Sequence[str]) -> Sequence[str | Exception]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError
        return list(items)

    batcher = make_batcher(fail_once)
    answers = await submit_all(batcher, "a", "b")
    assert [type(answer) for answer in answers] == [ConnectionError, ConnectionError]
    assert await batcher.submit("c") == "c"


@pytest.mark.parametrize("answers", [[], ["A"], ["A", "B", "C"]])
async def test_with_a_wrong_number_of_answers_all_in_it_fail_and_nobody_waits_for_ever(
    answers: list[str],
) -> None:
    async def miscount(items: Sequence[str]) -> Sequence[str | Exception]:
        return answers if len(items) == 2 else items

    batcher = make_batcher(miscount)
    async with asyncio.timeout(1):
        failed = await submit_all(batcher, "a", "b")
    said = f"a flush of 2 items gave {len(answers)} answers"
    assert [str(error) for error in failed] == [said, said]
    assert await batcher.submit("c") == "c"


async def test_more_than_may_wait_is_refused() -> None:
    sends = Sends()
    sends.gate.clear()
    batcher = make_batcher(sends, batch_max=1, waiting_max=2)
    waiting = [asyncio.create_task(batcher.submit(item)) for item in "ab"]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await batcher.submit("c")
    sends.gate.set()
    assert await asyncio.gather(*waiting) == ["A", "B"]


async def test_who_gave_up_waiting_is_not_sent() -> None:
    sends = Sends()
    sends.gate.clear()
    batcher = make_batcher(sends, batch_max=1)
    first, second, third = (asyncio.create_task(batcher.submit(item)) for item in "abc")
    while not sends.batches:
        await asyncio.sleep(0)
    second.cancel()
    sends.gate.set()
    assert (await first, await third) == ("A", "C")
    assert sends.batches == [["a"], ["c"]]


async def test_what_has_time_goes_at_once_when_idle_and_then_waits_for_a_full_batch() -> None:
    sends = Sends()
    batcher = make_batcher(sends, pace_seconds=3600)
    assert await batcher.submit("a") == "A"
    first = asyncio.create_task(submit_all(batcher, "b", "c"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert sends.batches == [["a"]]
    assert await batcher.submit("d") == "D"
    assert await first == ["B", "C"]
    assert sends.batches == [["a"], ["b", "c", "d"]]


async def test_what_waits_for_its_pace_goes_when_the_time_has_come() -> None:
    sends = Sends()
    batcher = make_batcher(sends, pace_seconds=0.01)
    loop = asyncio.get_running_loop()
    assert await batcher.submit("a") == "A"
    launched = loop.time()
    assert await batcher.submit("b") == "B"
    assert loop.time() - launched > 0.005


async def test_closing_sends_what_waits_for_its_pace() -> None:
    sends = Sends()
    batcher = make_batcher(sends, pace_seconds=3600)
    assert await batcher.submit("a") == "A"
    waiting = asyncio.create_task(batcher.submit("b"))
    await asyncio.sleep(0)
    await batcher.close()
    assert await waiting == "B"
