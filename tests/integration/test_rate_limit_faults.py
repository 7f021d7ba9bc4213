"""The limit of calls when the table of its buckets fails, hangs or loses an answer: nobody is refused for it."""

import asyncio
import time

import pytest

from tests.fault_proxy import Fault, fail, hang, lose_answer, unreadable
from tests.processes import POLL_SECONDS, WAIT_SECONDS
from tests.testbed import Bench
from triggers.rate_limits import RateLimit
from triggers.shares import WAIT_SECONDS as LEASE_SECONDS
from triggers.shares import Share
from triggers.times import system_clock

LEASE = "PutItem"
LIMIT = RateLimit(per_second=100, burst=200)
CALLS = 300  # more than the burst
SLACK_SECONDS = 0.75  # of a machine that does other things
LEASES_MAX = 4  # the SDK's attempts at one


@pytest.fixture
def share(bench: Bench) -> Share:
    return Share(bench.resources.buckets, bench.tenant.tenant_id)


@pytest.mark.parametrize("fault", [fail(500), fail(400, "ThrottlingException"), unreadable, hang])
async def test_F22_F23_F25_calls_are_let_in_without_the_table_and_limited_again_with_it(
    bench: Bench, share: Share, fault: Fault
) -> None:
    with bench.proxy.laid(LEASE, fault) as outage:
        before = time.monotonic()
        calls = (share.take(1, system_clock(), LIMIT) for _ in range(CALLS))
        assert set(await asyncio.gather(*calls)) == {None}
        assert time.monotonic() - before < LEASE_SECONDS + SLACK_SECONDS
        assert outage.hits <= LEASES_MAX

    async with asyncio.timeout(WAIT_SECONDS):
        while await share.take(1, system_clock(), LIMIT) is None:
            await asyncio.sleep(POLL_SECONDS / 10)
    assert share.bucket.version > 0


async def test_F20_a_lease_whose_answer_is_lost_costs_a_block_and_gives_none_too_many(
    bench: Bench, share: Share
) -> None:
    rule = bench.proxy.lay(LEASE, lose_answer, times=1)
    assert await share.take(1, system_clock(), LIMIT) is None
    assert share.lease is not None
    await share.lease
    assert rule.hits == 1
    assert (share.in_hand, share.bucket.day_used) == (9, 20)
