"""The rules by which AWS bills reads, requests of queues, and storage, as our meters know them."""

from typing import Any

import pytest

from tests.fault_proxy import Answer, Call
from tests.read_units import ReadMeter, RequestMeter, queue_requests, read_units
from tests.write_units import stored_bytes
from triggers.aws import keys
from triggers.aws.tables import TABLES

SMALL: dict[str, Any] = {"pk": {"S": "p"}, "text": {"S": "x" * 1000}}
LARGE: dict[str, Any] = {"pk": {"S": "p"}, "text": {"S": "x" * 4096}}
STRONGLY = {"ConsistentRead": True}
EVENTS = next(table for table in TABLES if table.name == keys.EVENTS)


@pytest.mark.parametrize(
    ("operation", "asked", "answer", "units"),
    [
        ("GetItem", STRONGLY, {"Item": SMALL}, 1),
        ("GetItem", STRONGLY, {"Item": LARGE}, 2),
        ("GetItem", {}, {"Item": LARGE}, 1),
        ("GetItem", STRONGLY, {}, 1),  # nothing is there
        ("Query", STRONGLY, {"Items": []}, 1),
        ("Query", {}, {"Items": []}, 0.5),
        ("Query", STRONGLY, {"Items": [SMALL] * 4}, 1),  # rounded up together
        ("Query", STRONGLY, {"Items": [SMALL] * 5}, 2),
        ("Query", {}, {"Items": [SMALL] * 9}, 1.5),
    ],
)
def test_reads_are_counted_in_units_of_four_kilobytes_and_half_when_they_may_be_stale(
    operation: str, asked: dict[str, Any], answer: dict[str, Any], units: float
) -> None:
    assert list(read_units(operation, asked | {"TableName": "t"}, answer)) == [("t", units)]


def test_items_of_a_batch_are_rounded_up_one_by_one_and_those_left_out_cost_nothing() -> None:
    asked = {"RequestItems": {"t": {"Keys": [SMALL] * 6, **STRONGLY}, "u": {"Keys": [SMALL]}}}
    answer = {
        "Responses": {"t": [SMALL, SMALL, LARGE]},
        "UnprocessedKeys": {"t": {"Keys": [SMALL]}},
    }
    assert dict(read_units("BatchGetItem", asked, answer)) == {"t": 1 + 1 + 2 + 2, "u": 0.5}


def test_writes_cost_no_read_units_and_what_cannot_be_measured_is_refused() -> None:
    assert not list(read_units("UpdateItem", {"TableName": "t"}, {"Attributes": SMALL}))
    with pytest.raises(AssertionError, match="ProjectionExpression"):
        list(read_units("Query", {"TableName": "t", "ProjectionExpression": "pk"}, {"Items": []}))
    with pytest.raises(AssertionError, match="Scan"):
        list(read_units("Scan", {"TableName": "t"}, {"Items": []}))


@pytest.mark.parametrize(
    ("asked", "answer", "requests"),
    [
        ({"Entries": [{"MessageBody": "x" * 100}] * 10}, {}, 1),
        ({"Entries": [{"MessageBody": "ü" * 8192}] * 4}, {}, 1),
        ({"Entries": [{"MessageBody": "ü" * 8192}] * 5}, {}, 2),
        ({"Entries": [{"ReceiptHandle": "h"}]}, {}, 1),
        ({"MaxNumberOfMessages": 10}, {}, 1),  # an empty receive costs as much
        ({"MaxNumberOfMessages": 10}, {"Messages": [{"Body": "x" * 65_537}]}, 2),
    ],
)
def test_a_batch_of_a_queue_is_a_request_for_each_64_kilobytes(
    asked: dict[str, Any], answer: dict[str, Any], requests: int
) -> None:
    assert queue_requests(asked, answer) == requests


async def test_the_meters_count_what_passes_and_let_it_pass() -> None:
    async def answer_read(_: Call) -> Answer:
        return Answer().with_content({"Items": [SMALL]})

    async def refuse(_: Call) -> Answer:
        return Answer(status=400)

    query = Call(service="DynamoDB", operation="Query", headers={}, body=b"").with_content(
        {"TableName": "own-events", "IndexName": "due"}
    )
    receive = Call(service="SQS", operation="ReceiveMessage", headers={}, body=b"{}")
    reads, requests = ReadMeter("own-"), RequestMeter()
    answer = await reads(query, answer_read)
    assert answer is not None
    assert answer.content == {"Items": [SMALL]}
    await reads(query, refuse)
    for _ in range(2):
        await requests(receive, refuse)
    assert reads.units == {"events, due": 0.5}
    assert requests.requests == {"ReceiveMessage": 2}


def test_an_item_is_stored_with_its_index_entries_and_a_hundred_bytes_for_each() -> None:
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}  # of 3 bytes each
    assert stored_bytes(EVENTS, None) == 0
    assert stored_bytes(EVENTS, key) == 106
    assert stored_bytes(EVENTS, key | {"inbox": {"S": "p"}}) == 106 + 6 + 106 + 6
