"""Sending and deleting hints: nobody waits for it, and what fails is said and does no harm."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.factories import FakeClock
from triggers.aws import queues
from triggers.aws.queues import WAITING_MAX, HintQueue
from triggers.errors import StoreUnavailable

NOT_DELETED = "hint not deleted"


def make_queue(failure: Exception | None = None, requests: list[Any] | None = None) -> HintQueue:
    """Make a queue whose every call fails so, or is taken; into `requests` goes what was called."""

    async def call(_: object, request: Any) -> dict[str, Any]:
        if requests is not None:
            requests.append(request)
        if failure is not None:
            raise failure
        return {}

    async def get_queue_url(**_: object) -> dict[str, str]:
        return {"QueueUrl": "http://127.0.0.1/deliveries"}

    calls = SimpleNamespace(call=call)
    clients: Any = SimpleNamespace(
        name=str,
        sqs_send=SimpleNamespace(get_queue_url=get_queue_url),
        hot_sqs_send=calls,
        hot_sqs_receive=calls,
    )
    return HintQueue(clients, FakeClock())


@pytest.mark.parametrize(("failure", "said"), [(None, 0), (StoreUnavailable("sqs"), 2)])
async def test_f47_a_delete_that_fails_is_said(
    failure: Exception | None, said: int, caplog: pytest.LogCaptureFixture
) -> None:
    queue = make_queue(failure)
    queue.delete("handle-1")
    queue.delete("handle-2")
    await queue.close()
    assert caplog.messages.count(NOT_DELETED) == said


async def test_a_delete_for_which_there_is_no_room_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = make_queue()
    for number in range(WAITING_MAX + 1):
        queue.delete(f"handle-{number}")
    assert caplog.messages.count(NOT_DELETED) == 1
    await queue.close()


async def test_the_first_hint_goes_at_once_and_those_just_after_it_go_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queues, "HINT_PACE_SECONDS", 3600)  # a busy machine loses 10 ms easily
    requests: list[Any] = []
    queue = make_queue(requests=requests)
    queue.send("ten_1", "evt_1", None)
    while not requests:
        await asyncio.sleep(0)
    for number in range(2, 5):
        queue.send("ten_1", f"evt_{number}", None)
        await asyncio.sleep(0)
    await queue.close()
    bodies = [entry["MessageBody"] for request in requests for entry in request["Entries"]]
    assert [body.count("evt_") for body in bodies] == [1, 3]
