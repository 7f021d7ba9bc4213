"""What a worker writes at its end."""

from tests.fault_proxy import fail
from tests.processes import until
from tests.receiver import Holding
from tests.testbed import Bench
from triggers.events import EventStatus


async def test_a_finish_that_is_tried_again_when_the_drain_ends_is_still_written(
    bench: Bench,
) -> None:
    holding = Holding()
    bench.receiver.behaviours["/"] = holding
    event = await bench.accept()
    async with bench.worker(drain_seconds=0.3):
        await until(lambda: bench.receiver.requests)
        # As many as the SDK makes attempts.
        outage = bench.proxy.lay("BatchExecuteStatement", fail(503), times=3)
        holding.release()
        await until(lambda: outage.hits >= 1)
    assert (await bench.record(event)).state.status is EventStatus.DELIVERED
    assert bench.receiver.counts() == {event.event_id: 1}
