"""Kill -9, at the worst moments: what was accepted arrives, and repeats are no more than the kills explain."""

import asyncio
import time
from collections.abc import Callable

import aiohttp
import pytest

from tests.deployment import SHORT_TIMES, UNMEASURED, App, Deployment, Producer
from tests.emulator import Emulator, aws_environment
from tests.fault_proxy import Answer, Call, Forward, run_fault_proxy
from tests.processes import until
from tests.receiver import Holding

Say = Callable[[object], None]

HELD = 50
AT_THE_APP = 20


@pytest.mark.parametrize("deployment", [SHORT_TIMES | UNMEASURED], indirect=True, ids=[""])
async def test_F05_a_worker_killed_while_the_receiver_holds_fifty_requests_loses_none(
    deployment: Deployment, say: Say
) -> None:
    app, worker = await asyncio.gather(deployment.start_app(), deployment.start_worker())
    holdings = {"/acme": Holding(), "/globex": Holding()}
    deployment.receiver.behaviours |= holdings
    producers = await asyncio.gather(*(deployment.make_producer(app, path) for path in holdings))
    accepted = await asyncio.gather(
        *(deployment.send_many(app, producer, HELD // 2) for producer in producers)
    )
    await until(lambda: sum(holding.held for holding in holdings.values()) == HELD)
    worker.kill()
    killed = time.monotonic()
    deployment.receiver.behaviours.clear()

    await deployment.start_worker()
    tally = await deployment.tally(set().union(*accepted), killed)
    for producer, sent in zip(producers, accepted, strict=True):
        await deployment.settled(app, producer, sent)
        assert deployment.receiver.counts(producer.path).keys() == sent  # nobody else's
    say(tally)
    assert not tally.lost
    assert tally.duplicates <= HELD


class Watch:
    """A fault that holds calls back, before or after they are carried out, and tells of the first."""

    def __init__(self, *, carry_out: bool) -> None:
        self.came = asyncio.Event()
        self._carry_out = carry_out

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        if self._carry_out:
            await forward(call)
        self.came.set()
        await asyncio.Event().wait()
        return None


async def try_to_send(deployment: Deployment, app: App, producer: Producer) -> str | None:
    """Send an event; None: there was no answer, so it was not accepted."""
    try:
        return await deployment.send(app, producer)
    except aiohttp.ClientError:
        return None


async def send_until_killed(
    deployment: Deployment, app: App, producer: Producer, watch: Watch, *, answered: bool
) -> set[str]:
    """Send events to an app, kill it once a call is held back, and return what it had accepted."""
    sending = [
        asyncio.create_task(try_to_send(deployment, app, producer)) for _ in range(AT_THE_APP)
    ]
    await watch.came.wait()
    if answered:
        await asyncio.wait(sending)
    app.process.kill()
    return {event_id for event_id in await asyncio.gather(*sending) if event_id}


@pytest.mark.parametrize("deployment", [SHORT_TIMES | UNMEASURED], indirect=True, ids=[""])
async def test_F02_F03_an_app_killed_after_the_insert_and_before_the_hint_loses_no_event(
    deployment: Deployment, emulator: Emulator, say: Say
) -> None:
    async with run_fault_proxy(emulator.url) as first, run_fault_proxy(emulator.url) as second:
        witness, unanswering, unhinting, _ = await asyncio.gather(
            deployment.start_app(),
            deployment.start_app(**aws_environment(first.url)),
            deployment.start_app(**aws_environment(second.url)),
            deployment.start_worker(),
        )
        producer = await deployment.make_producer(witness)
        inserted, hinting = Watch(carry_out=True), Watch(carry_out=False)
        first.lay("BatchExecuteStatement", inserted)
        second.lay("SendMessageBatch", hinting)
        killed = time.monotonic()
        none, accepted = await asyncio.gather(
            send_until_killed(deployment, unanswering, producer, inserted, answered=False),
            send_until_killed(deployment, unhinting, producer, hinting, answered=True),
        )
        assert not none
        assert len(accepted) == AT_THE_APP  # the hint is off the way of the answer
        assert first.calls["SendMessageBatch"] == 0

        tally = await deployment.tally(accepted, killed)
        await until(lambda: deployment.receiver.taken - accepted)  # stored, though not answered
        say(tally)
    assert not tally.lost
    assert tally.duplicates == 0
