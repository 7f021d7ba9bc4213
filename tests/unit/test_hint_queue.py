"""Sending and deleting hints: nobody waits for it, and what fails is said and does no harm."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.factories import NOW_MS, FakeClock
from triggers.aws import queues
from triggers.aws.queues import MESSAGES_MAX, WAITING_MAX, HintQueue
from triggers.errors import StoreUnavailable
from triggers.messages import HINT_EVENTS_MAX, Hint

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
    assert [len(hint.events) for hint in hints_of(requests)] == [1, 3]


async def test_single_events_of_several_tenants_are_named_together_and_several_of_one_apart() -> (
    None
):
    requests: list[Any] = []
    queue = make_queue(requests=requests)
    parts = [("ten_1", "evt_1"), ("ten_2", "evt_2"), ("ten_3", "evt_3"), ("ten_2", "evt_4")]
    for tenant_id, event_id in parts:
        queue.send(tenant_id, event_id, f"trace of {event_id}")
    await queue.close()
    shared, own = hints_of(requests)
    assert sorted(shared.events) == [("ten_1", "evt_1"), ("ten_3", "evt_3")]
    assert shared.traceparents == {"evt_1": "trace of evt_1", "evt_3": "trace of evt_3"}
    assert own.events == [("ten_2", "evt_2"), ("ten_2", "evt_4")]
    groups = [entry.get("MessageGroupId") for entry in requests[0]["Entries"]]
    assert groups == [None, "ten_2"]


async def test_who_sends_one_event_does_not_wait_for_the_messages_of_who_sends_more() -> None:
    requests: list[Any] = []
    queue = make_queue(requests=requests)
    for number in range(3 * MESSAGES_MAX):
        for event in ("a", "b"):
            queue.send(f"ten_busy_{number}", f"evt_{number}_{event}", None)
    queue.send("ten_quiet", "evt_quiet", None)
    await queue.close()
    assert len(requests) > 3
    assert ("ten_quiet", "evt_quiet") in hints_of(requests[:1])[0].events


async def test_a_shared_message_does_not_wait_in_the_line_of_whom_it_names_first() -> None:
    requests: list[Any] = []
    queue = make_queue(requests=requests)
    own = [
        Hint(tenant_id="ten_busy", event_ids=("evt_1", "evt_2"), sent_ms=NOW_MS)
        for _ in range(3 * MESSAGES_MAX)
    ]
    shared = Hint(
        tenant_id="ten_busy",
        event_ids=("evt_3",),
        sent_ms=NOW_MS,
        others={"ten_quiet": ("evt_4",)},
    )
    sends = (queue._sender.send(hint) for hint in [*own, shared])
    await asyncio.gather(*sends, return_exceptions=True)
    assert len(requests) > 3
    assert shared in hints_of(requests[:1])


async def test_single_events_of_more_tenants_than_a_hint_may_name_go_in_several() -> None:
    requests: list[Any] = []
    queue = make_queue(requests=requests)
    sent = {(f"ten_{number}", f"evt_{number}") for number in range(HINT_EVENTS_MAX + 30)}
    for tenant_id, event_id in sent:
        queue.send(tenant_id, event_id, None)
    await queue.close()
    hints = hints_of(requests)
    assert [len(hint.events) for hint in hints] == [HINT_EVENTS_MAX, 30]
    assert {event for hint in hints for event in hint.events} == sent


def hints_of(requests: list[Any]) -> list[Hint]:
    """Return the hints that were sent."""
    bodies = [entry["MessageBody"] for request in requests for entry in request["Entries"]]
    return [msgspec.json.decode(body, type=Hint) for body in bodies]
