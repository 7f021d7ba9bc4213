"""Meters of what AWS bills besides writes: read units of DynamoDB, and requests of SQS.

They sit in the fault proxy and look at the calls and answers that pass. Sources: "DynamoDB read and write operations"
in AWS's developer guide, and the pricing page of SQS.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from tests.fault_proxy import Answer, Call, Forward
from tests.write_units import Item, item_bytes

READ_BYTES = 4096  # what one read unit pays for, and half a unit when the read may be stale
REQUEST_BYTES = 64 * 1024  # what one request of SQS pays for


class ReadMeter:
    """Counts the read units of all calls that pass, by plain table name and index.

    It is laid before a WriteMeter, which reads for itself.
    """

    def __init__(self, name_prefix: str) -> None:
        self.units: dict[str, float] = defaultdict(float)
        self._name_prefix = name_prefix

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        """Count a call by its answer; one that is refused costs nothing."""
        answer = await forward(call)
        if answer is not None and answer.status == 200:
            for name, units in read_units(call.operation, call.content, answer.content):
                self.units[name.removeprefix(self._name_prefix)] += units
        return answer


def read_units(operation: str, asked: Any, answer: Any) -> Iterator[tuple[str, float]]:
    """Yield what a call's reads cost, each with its table, or table and index. Writes cost none.

    Raises AssertionError when more may have been read than is in the answer.
    """
    match operation:
        case "GetItem":
            items = [answer.get("Item", {})]
            yield asked["TableName"], _by_item(asked, items)
        case "BatchGetItem":
            for table, keys in asked["RequestItems"].items():
                found = answer["Responses"].get(table, [])
                left_out = answer.get("UnprocessedKeys", {}).get(table, {"Keys": []})["Keys"]
                missing = len(keys["Keys"]) - len(found) - len(left_out)
                yield table, _by_item(keys, [*found, *({} for _ in range(missing))])
        case "Query":
            index = f", {asked['IndexName']}" if "IndexName" in asked else ""
            together = sum(map(item_bytes, answer["Items"]))
            yield asked["TableName"] + index, _units(asked, together)
        case "Scan" | "TransactGetItems" | "ExecuteStatement":
            raise AssertionError(f"the meter cannot measure {operation}")


def _by_item(asked: Any, items: Iterable[Item]) -> float:
    """Items that are read by key are rounded up one by one, also those that are not there."""
    return sum(_units(asked, item_bytes(item)) for item in items)


def _units(asked: Any, size: int) -> float:
    unseen = {"ProjectionExpression", "FilterExpression"} & asked.keys()
    assert not unseen, f"the meter does not see what {unseen} leaves out"
    units = max(1, -(-size // READ_BYTES))
    return units if asked.get("ConsistentRead") else units / 2


class RequestMeter:
    """Counts the requests of SQS by operation, as they are billed."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        """Count a call when it comes, whatever becomes of it: a long poll may outlast us."""
        self.requests[call.operation] += 1
        answer = await forward(call)
        if answer is not None and answer.status == 200:
            more = queue_requests(call.content, answer.content) - 1
            self.requests[call.operation] += more
        return answer


def queue_requests(asked: Any, answer: Any) -> int:
    """Return how many requests a call counts for: a batch is one, as long as its messages are small."""
    sent = [entry.get("MessageBody", "") for entry in asked.get("Entries", [])]
    received = [message["Body"] for message in answer.get("Messages", [])]
    size = sum(len(text.encode()) for text in [*sent, *received])
    return max(1, -(-size // REQUEST_BYTES))
