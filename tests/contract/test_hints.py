"""Hints: best effort on the way in, and deleted when dealt with."""

import time

import pytest

from tests.contract.outsides import OpenOutside, Outside
from tests.factories import TRACEPARENT, make_event
from triggers.messages import HINT_EVENTS_MAX, Hint, encode_message
from triggers.ports import ReceivedHint

NOT_DELETED = "hint not deleted"
TENANT, OTHER = "ten_0000000000000001", "ten_0000000000000002"
LONE = [f"ten_00000000000001{number}" for number in range(10, 30)]
ROUNDS_MAX = 100


async def receive(outside: Outside, events: int) -> list[ReceivedHint]:
    """Receive until that many events have been hinted at."""
    received: list[ReceivedHint] = []
    for _ in range(ROUNDS_MAX):
        received += await outside.resources.hints.receive()
        if sum(len(message.hint.events) for message in received if message.hint) >= events:
            return received
    raise AssertionError(f"only {received} came")


async def test_a_sent_hint_is_received(open_outside: OpenOutside) -> None:
    event_id = make_event().event_id
    before_ms = time.time() * 1000 - 1
    async with open_outside() as outside:
        outside.resources.hints.send(TENANT, event_id, TRACEPARENT)

        (message,) = await receive(outside, 1)

    assert message.hint is not None
    assert (message.hint.tenant_id, message.hint.event_ids) == (TENANT, (event_id,))
    assert message.hint.traceparents == {event_id: TRACEPARENT}
    assert before_ms <= message.hint.sent_ms <= time.time() * 1000


async def test_many_hints_all_arrive_each_message_with_a_hundred_events_at_most(
    open_outside: OpenOutside,
) -> None:
    sent = {
        (tenant_id, make_event().event_id)
        for tenant_id, count in ((TENANT, 250), (OTHER, 7), *((tenant, 1) for tenant in LONE))
        for _ in range(count)
    }
    async with open_outside() as outside:
        for tenant_id, event_id in sent:
            outside.resources.hints.send(tenant_id, event_id, None)

        received = await receive(outside, len(sent))

    hints = [message.hint for message in received if message.hint]
    assert len(hints) == len(received)
    assert sorted(event for hint in hints for event in hint.events) == sorted(sent)
    assert max(len(hint.events) for hint in hints) <= HINT_EVENTS_MAX


async def test_a_received_hint_is_not_seen_by_others_and_can_be_deleted(
    open_outside: OpenOutside, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = make_event().event_id, make_event().event_id
    async with open_outside() as outside:
        hints = outside.resources.hints
        hints.send(TENANT, first, None)
        (message,) = await receive(outside, 1)
        hints.send(TENANT, second, None)

        (other,) = await receive(outside, 1)

        assert other.hint is not None
        assert other.hint.event_ids == (second,)
        hints.delete(message.handle)
        hints.delete(other.handle)
    assert NOT_DELETED not in caplog.text


async def test_deleting_twice_is_fine(
    open_outside: OpenOutside, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_outside() as outside:
        hints = outside.resources.hints
        hints.send(TENANT, make_event().event_id, None)
        (message,) = await receive(outside, 1)

        hints.delete(message.handle)
        hints.delete(message.handle)
    assert NOT_DELETED not in caplog.text


async def test_a_full_hint_of_another_sender_is_received(open_outside: OpenOutside) -> None:
    event_ids = tuple(make_event().event_id for _ in range(HINT_EVENTS_MAX))
    traceparents = dict.fromkeys(event_ids, TRACEPARENT)
    hint = Hint(tenant_id=TENANT, event_ids=event_ids, sent_ms=1, traceparents=traceparents)
    async with open_outside() as outside:
        await outside.put_hint_text(encode_message(hint))

        (message,) = await receive(outside, HINT_EVENTS_MAX)

    assert message.hint == hint


async def test_f48_a_malformed_message_is_received_as_such_and_can_be_deleted(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        for text in ("hello", "{}", '{"kind":"hint.99"}', "[" * 100_000):
            await outside.put_hint_text(text)

            (message,) = await outside.resources.hints.receive()

            assert message.hint is None, text[:20]
            outside.resources.hints.delete(message.handle)
