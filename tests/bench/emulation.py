"""What the emulator itself takes, for an emulator is no DynamoDB: latencies are told in its round trips."""

import asyncio
import random
import time

import msgspec

from tests.bench.measures import Figures, percentile
from tests.bench.wire import Answer, Connection, connect, request_of

WRITES = 300
WAKES = 10
PARKED_SECONDS = 0.1  # a long poll of the emulator looks again that often
TABLE = "bench-writes"
INSERT = f"INSERT INTO \"{TABLE}\" VALUE {{'pk': ?, 'text': ?}}"
QUEUE = "bench-wakes"

ROUND_TRIP = "emulator's insert p50, ms"


async def measure_emulator(url: str) -> Figures:
    """Measure an emulator that has nothing else to do."""
    first, second = await connect(url), await connect(url)
    writes_ns = await _time_writes(first)
    wakes_ns = await _time_wakes(first, second)
    return {
        ROUND_TRIP: percentile(writes_ns, 50) / 1e6,
        "emulator's insert p95, ms": percentile(writes_ns, 95) / 1e6,
        "emulator's lag in waking a long poll p50, ms": percentile(wakes_ns, 50) / 1e6,
        "emulator's lag in waking a long poll p95, ms": percentile(wakes_ns, 95) / 1e6,
    }


async def _time_writes(connection: Connection) -> list[float]:
    """Return how long inserts of one small item take, one after another, in nanoseconds.

    The call is that of `app`: to the emulator a statement is more work than a PutItem.
    """
    await _call(
        connection,
        "DynamoDB_20120810.CreateTable",
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    times_ns = []
    for number in range(WRITES):
        values = [{"S": str(number)}, {"S": "x" * 300}]
        statements = [{"Statement": INSERT, "Parameters": values}]
        sent_ns = time.monotonic_ns()
        answer = await _call(
            connection, "DynamoDB_20120810.BatchExecuteStatement", Statements=statements
        )
        times_ns.append(float(answer.at_ns - sent_ns))
    return times_ns[WRITES // 10 :]


async def _time_wakes(sender: Connection, receiver: Connection) -> list[float]:
    """Return how long after a message was taken in a waiting receiver gets it, in nanoseconds."""
    made = await _call(sender, "AmazonSQS.CreateQueue", QueueName=QUEUE)
    queue = {"QueueUrl": msgspec.json.decode(made.body)["QueueUrl"]}
    chance, times_ns = random.Random(1), []
    for _ in range(WAKES):
        polling = asyncio.create_task(
            _call(receiver, "AmazonSQS.ReceiveMessage", **queue, WaitTimeSeconds=5)
        )
        await asyncio.sleep(PARKED_SECONDS * (0.2 + chance.random()))
        sent = await _call(sender, "AmazonSQS.SendMessage", **queue, MessageBody="wake")
        times_ns.append(max(0.0, (await polling).at_ns - sent.at_ns))
    return times_ns


async def _call(connection: Connection, target: str, **content: object) -> Answer:
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
    request = request_of("POST", "/", headers, msgspec.json.encode(content))
    answer = await connection.ask(request)
    assert answer.status == 200, answer.body
    return answer
