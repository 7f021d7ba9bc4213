"""What the emulator itself takes, for an emulator is no DynamoDB: latencies are told in its round trips."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.bench.measures import Figures, percentile
from tests.bench.wire import Answer, Connection, connect, request_of
from tests.emulator import Emulator, run_emulator

WRITES = WAKES = 300
WAKES_SECONDS_MAX = 30
SPACE_SECONDS = 0.01
TABLE = "bench-writes"
INSERT = f"INSERT INTO \"{TABLE}\" VALUE {{'pk': ?, 'text': ?}}"
QUEUE = "bench-wakes"

ROUND_TRIP = "emulator's insert p50, ms"


@contextmanager
def quiet_emulator(folder: Path) -> Iterator[Emulator]:
    """Run an emulator that interrupts nobody whom it answers, as DynamoDB on other machines does not."""
    with run_emulator(folder) as emulator:
        if emulator.process:
            emulator.process.interrupt_nobody()
        yield emulator


async def measure_emulator(url: str) -> Figures:
    """Measure an emulator that has nothing else to do: a call after the other, and one each 10 ms.

    Spaced calls find both processes asleep and their caches cold, as those of a quiet service do.
    """
    first, second = await connect(url), await connect(url)
    await _make_table(first)
    writes_ns = [await _write(first, number) for number in range(WRITES)]
    spaced_ns = [await _write(first, number) async for number in _spaced(WRITES, 2 * WRITES)]
    wakes_ns = await _time_wakes(first, second)
    return {
        ROUND_TRIP: percentile(writes_ns[WRITES // 10 :], 50) / 1e6,
        "emulator's insert p95, ms": percentile(writes_ns[WRITES // 10 :], 95) / 1e6,
        "emulator's insert each 10 ms p50, ms": percentile(spaced_ns, 50) / 1e6,
        "emulator's lag in waking a long poll p50, ms": percentile(wakes_ns, 50) / 1e6,
        "emulator's lag in waking a long poll p95, ms": percentile(wakes_ns, 95) / 1e6,
    }


async def _spaced(first: int, last: int) -> AsyncIterator[int]:
    """Count from first to last, a number each 10 ms."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(first, last):
        await asyncio.sleep(begun + (number - first) * SPACE_SECONDS - loop.time())
        yield number


async def _make_table(connection: Connection) -> None:
    await _call(
        connection,
        "DynamoDB_20120810.CreateTable",
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


async def _write(connection: Connection, number: int) -> float:
    """Insert a small item; return how long that took, in nanoseconds.

    The call is that of `app`: to the emulator a statement is more work than a PutItem.
    """
    statements = [{"Statement": INSERT, "Parameters": [{"S": str(number)}, {"S": "x" * 300}]}]
    sent_ns = time.monotonic_ns()
    answer = await _call(
        connection, "DynamoDB_20120810.BatchExecuteStatement", Statements=statements
    )
    return float(answer.at_ns - sent_ns)


async def _time_wakes(sender: Connection, receiver: Connection) -> list[float]:
    """Return how long after a message was taken in a waiting receiver gets it, in nanoseconds.

    One message each 10 ms, as of 100 events a second, and a receiver that asks again at once.
    """
    made = await _call(sender, "AmazonSQS.CreateQueue", QueueName=QUEUE)
    queue = {"QueueUrl": msgspec.json.decode(made.body)["QueueUrl"]}
    receiving = asyncio.create_task(_receive(receiver, queue))
    sent_ns = []
    async for number in _spaced(0, WAKES):
        answer = await _call(sender, "AmazonSQS.SendMessage", **queue, MessageBody=str(number))
        sent_ns.append(answer.at_ns)
    received_ns = await receiving
    return [max(0.0, received_ns[number] - sent) for number, sent in enumerate(sent_ns)]


async def _receive(receiver: Connection, queue: Mapping[str, str]) -> dict[int, int]:
    """Receive until all messages are there; return when each was."""
    received_ns: dict[int, int] = {}
    wanted = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 5}
    async with asyncio.timeout(WAKES_SECONDS_MAX):
        while len(received_ns) < WAKES:
            answer = await _call(receiver, "AmazonSQS.ReceiveMessage", **queue, **wanted)
            for message in msgspec.json.decode(answer.body).get("Messages", []):
                received_ns.setdefault(int(message["Body"]), answer.at_ns)
    return received_ns


async def _call(connection: Connection, target: str, **content: object) -> Answer:
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
    request = request_of("POST", "/", headers, msgspec.json.encode(content))
    answer = await connection.ask(request)
    assert answer.status == 200, answer.body
    return answer
