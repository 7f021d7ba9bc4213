"""A batch of hints that fails, whole or in part: only what was lost is lost, and counted."""

import pytest

from tests.factories import make_event, make_tenant
from tests.fault_proxy import Answer, Call, Fault, Forward, delay, fail
from tests.processes import until
from tests.testbed import Bench
from triggers import telemetry
from triggers.aws import keys
from triggers.aws.queues import MESSAGES_MAX, SEND_FLIGHTS_MAX
from triggers.errors import StoreUnavailable
from triggers.messages import DeadLetter

TENANTS = 3 * MESSAGES_MAX  # each with events enough for a message of its own: three batches
EACH = 2


class Counting:
    """A counter that can be read."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, number: int) -> None:
        self.count += number


class Crowd:
    """A fault that holds calls for a moment, and knows how many there were at once at most."""

    def __init__(self) -> None:
        self.now = self.largest = 0

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        self.now += 1
        self.largest = max(self.largest, self.now)
        try:
            return await delay(0.05)(call, forward)
        finally:
            self.now -= 1


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """Return the count of lost hints."""
    counting = Counting()
    monkeypatch.setattr(telemetry, "hints_lost", counting)
    return counting


def failing_for(*numbers: str) -> Fault:
    """Return the fault of a batch of which these messages are refused, inside a 200."""

    async def fault(call: Call, forward: Forward) -> Answer | None:
        content = call.content
        kept = [entry for entry in content["Entries"] if entry["Id"] not in numbers]
        answer: Answer | None = Answer()
        if kept:
            answer = await forward(call.with_content({**content, "Entries": kept}))
        assert answer is not None
        failed = [{"Id": n, "Code": "InternalError", "SenderFault": False} for n in numbers]
        return answer.with_content({**answer.content, "Failed": failed})

    return fault


async def silent(call: Call, forward: Forward) -> Answer | None:
    """A 200 comes that says of no message what became of it."""
    return Answer()


def send_all(bench: Bench) -> None:
    """Send a message for each of many tenants."""
    for _ in range(TENANTS):
        tenant_id = make_tenant().tenant_id
        for _ in range(EACH):
            bench.resources.hints.send(tenant_id, make_event().event_id, None)


async def test_a_batch_of_hints_that_fails_is_no_loss_of_the_others(
    bench: Bench, lost: Counting
) -> None:
    rule = bench.proxy.lay("SendMessageBatch", fail(500), times=1)

    send_all(bench)

    await bench.queue_comes_to(keys.DELIVERIES_QUEUE, TENANTS - MESSAGES_MAX)
    await until(lambda: lost.count == MESSAGES_MAX * EACH)
    assert rule.hits == 1


async def test_F41_of_a_batch_that_fails_in_part_only_that_part_is_lost(
    bench: Bench, lost: Counting
) -> None:
    bench.proxy.lay("SendMessageBatch", failing_for("0", "7"), times=1)

    send_all(bench)

    await bench.queue_comes_to(keys.DELIVERIES_QUEUE, TENANTS - 2)
    await until(lambda: lost.count == 2 * EACH)


async def test_the_loss_of_a_message_is_that_of_all_whom_it_names_and_of_nobody_else(
    bench: Bench, lost: Counting
) -> None:
    bench.proxy.lay("SendMessageBatch", failing_for("0"), times=1)
    busy, *quiet = (make_tenant().tenant_id for _ in range(4))

    for tenant_id in (busy, busy, *quiet):
        bench.resources.hints.send(tenant_id, make_event().event_id, None)

    await until(lambda: lost.count == len(quiet))
    (received,) = await bench.resources.hints.receive()
    assert received.hint is not None
    assert [tenant_id for tenant_id, _ in received.hint.events] == [busy, busy]


async def test_batches_of_hints_are_in_the_air_together_but_few_of_them(
    bench: Bench, lost: Counting
) -> None:
    crowd = Crowd()
    bench.proxy.lay("SendMessageBatch", crowd)

    for _ in range(3):
        send_all(bench)

    await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 3 * TENANTS)
    assert 1 < crowd.largest <= SEND_FLIGHTS_MAX
    assert lost.count == 0


async def test_a_hint_of_which_the_answer_says_nothing_counts_as_lost(
    bench: Bench, lost: Counting
) -> None:
    bench.proxy.lay("SendMessageBatch", silent, times=1)

    send_all(bench)

    await until(lambda: lost.count == MESSAGES_MAX * EACH)


async def test_F41_a_dead_letter_that_is_refused_inside_a_batch_fails_for_its_sender(
    bench: Bench,
) -> None:
    bench.proxy.lay("SendMessageBatch", failing_for("0"))
    letter = DeadLetter(
        tenant_id=bench.tenant.tenant_id,
        event_id=make_event().event_id,
        webhook_id=bench.webhook.webhook_id,
        attempts=1,
        last_error=None,
        failed_ms=1,
    )

    with pytest.raises(StoreUnavailable, match="InternalError"):
        await bench.resources.dead_letters.send(letter)
