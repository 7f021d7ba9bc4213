"""That nothing about AWS's clients is left to defaults, and how many calls an event costs."""

from typing import Any

from tests.processes import until
from tests.testbed import Bench
from triggers.aws import keys
from triggers.aws.clients import RECEIVE_WAIT_SECONDS

WRITES_OF_AN_EVENT = 3  # insert, claim, finish
READS_OF_AN_EVENT_MAX = 4  # versions of the tenant, each at most once in half the age of a view
AT_ONCE = 30  # as many as a webhook takes at once when it is new

RETRIES = {"mode": "standard", "total_max_attempts": 3}
ONCE = {"mode": "standard", "total_max_attempts": 1}


def said(client: Any) -> dict[str, Any]:
    config = client.meta.config
    return {
        "connect": config.connect_timeout,
        "read": config.read_timeout,
        "retries": config.retries,
        "pool": config.max_pool_connections,
        "keepalive": config.tcp_keepalive,
    }


async def test_every_timeout_and_retry_of_the_clients_is_said(
    bench: Bench,
) -> None:
    clients = bench.clients
    assert said(clients.dynamodb) == {
        "connect": 1,
        "read": 2,
        "retries": RETRIES,
        "pool": 64,
        "keepalive": True,
    }
    assert said(clients.sqs_send) == {
        "connect": 0.5,
        "read": 0.5,
        "retries": ONCE,
        "pool": 32,
        "keepalive": True,
    }
    assert said(clients.sqs_receive)["read"] > RECEIVE_WAIT_SECONDS
    assert said(clients.sqs_receive)["retries"] == ONCE


async def test_one_event_takes_three_writes_and_few_reads(bench: Bench) -> None:
    async with bench.worker(sweep_seconds=60):
        bench.proxy.calls.clear()
        await bench.resources.control.read_version(bench.tenant.tenant_id)
        await bench.accept()
        await until(lambda: bench.proxy.calls["BatchExecuteStatement"] == WRITES_OF_AN_EVENT)
        await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 0)
    calls = bench.proxy.calls
    assert calls["BatchExecuteStatement"] == WRITES_OF_AN_EVENT
    assert calls["SendMessageBatch"] == calls["DeleteMessageBatch"] == 1
    assert calls["BatchGetItem"] <= READS_OF_AN_EVENT_MAX


async def test_events_at_once_share_their_calls(bench: Bench) -> None:
    async with bench.worker():
        bench.proxy.calls.clear()
        events = await bench.accept_many(AT_ONCE)
        await bench.receiver.has(*(event.event_id for event in events))
        await bench.queue_comes_to(keys.DELIVERIES_QUEUE, 0)
    calls = bench.proxy.calls
    assert calls["BatchExecuteStatement"] <= AT_ONCE * WRITES_OF_AN_EVENT / 3
    assert max(calls["SendMessageBatch"], calls["DeleteMessageBatch"]) <= AT_ONCE / 5
