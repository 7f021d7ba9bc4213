"""Deleting hints: nobody waits for it, and what fails is said and does no harm."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.factories import FakeClock
from triggers.aws.queues import WAITING_MAX, HintQueue
from triggers.errors import StoreUnavailable

NOT_DELETED = "hint not deleted"


def make_queue(failure: Exception | None = None) -> HintQueue:
    """Make a queue whose every call fails so, or is taken."""

    async def call(*_: object) -> dict[str, Any]:
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
