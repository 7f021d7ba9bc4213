"""Kill -9, at the worst moments: what was accepted arrives, and repeats are no more than the kills explain."""

import asyncio
import time
from collections.abc import Callable

import aiohttp
import pytest

from tests.deployment import App, Deployment, Producer
from tests.emulator import Emulator, aws_environment
from tests.fault_proxy import Answer, Call, Forward, run_fault_proxy
from tests.processes import until
from tests.receiver import Holding

Say = Callable[[object], None]

HELD = 50
AT_THE_APP = 20


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
    """A fault that holds a call back, before or after it is carried out, and tells that it came."""

    def __init__(self, *, after: bool) -> None:
        self.came = asyncio.Event()
        self._after = after

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        if self._after:
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


@pytest.mark.parametrize(
    ("operation", "after"),
    [("BatchExecuteStatement", True), ("SendMessageBatch", False)],
    ids=["F02 before its answer", "F03 after its answer"],
)
async def test_an_app_killed_after_the_insert_and_before_the_hint_loses_no_event(
    deployment: Deployment, emulator: Emulator, say: Say, operation: str, after: bool
) -> None:
    async with run_fault_proxy(emulator.url) as proxy:
        app, witness, _ = await asyncio.gather(
            deployment.start_app(**aws_environment(proxy.url)),
            deployment.start_app(),
            deployment.start_worker(),
        )
        producer = await deployment.make_producer(witness)
        watch = Watch(after=after)
        proxy.lay(operation, watch)
        sending = [
            asyncio.create_task(try_to_send(deployment, app, producer)) for _ in range(AT_THE_APP)
        ]
        await watch.came.wait()
        if not after:
            await asyncio.wait(sending)
        app.process.kill()
        killed = time.monotonic()
        accepted = {event_id for event_id in await asyncio.gather(*sending) if event_id}
        assert len(accepted) == (0 if after else AT_THE_APP)
        assert (proxy.calls["SendMessageBatch"] == 0) == after

        await until(lambda: deployment.receiver.taken)  # what had no answer may come as well
        tally = await deployment.tally(accepted, killed)
        say(tally)
    assert not tally.lost
    assert tally.duplicates == 0
