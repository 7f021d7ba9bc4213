"""What an event costs in DynamoDB's write units over its whole way, and that our meter can be trusted."""

import random
import string
from typing import Any

import pytest

from tests.factories import CountingBits, make_draft, make_tenant
from tests.read_units import ReadMeter
from tests.testbed import Bench
from tests.write_units import UNIT_BYTES, Units, WriteMeter, item_bytes, number_bytes, units_of
from triggers.aws import event_records, keys
from triggers.aws.tables import TABLES
from triggers.events import Event, EventStatus
from triggers.ids import make_event_id

UNITS_OF_A_DELIVERED_EVENT = 7  # insert 1 and 2 indexes, claim 1, finish 1 and 2 indexes
CORRELATION_ID = "corr_0123456789ABCDEFGHJK"  # as long as those that we make
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

EVENTS = next(table for table in TABLES if table.name == keys.EVENTS)
ATTEMPTS = next(table for table in TABLES if table.name == keys.ATTEMPTS)
KEY: dict[str, Any] = {"pk": {"S": "p"}, "sk": {"S": "s"}}
INDEXED = KEY | {"inbox": {"S": "p"}, "due_shard": {"S": "00"}, "due": {"N": "1"}}


async def carry_through(bench: Bench, **draft: Any) -> WriteMeter:
    """Carry an event from its acceptance to its delivery, and return what was measured."""
    meter = WriteMeter(bench.settings.name_prefix)
    with bench.proxy.laid("DynamoDB", meter):
        event = await bench.accept(correlation_id=CORRELATION_ID, **draft)
        state = await bench.settled(event)
    assert state.status is EventStatus.DELIVERED
    assert (await bench.record(event)).event.payload == draft["payload"]
    del meter.units[keys.COUNTERS]  # the sweeper's shard leases
    return meter


def room_for_a_payload(**draft: Any) -> int:
    """Return how large a payload may be that stands in its event's item."""
    values = make_draft(correlation_id=CORRELATION_ID, **draft)
    event = Event(
        event_id=make_event_id(0, 1, CountingBits()),
        event_type=values.event_type,
        payload="",
        source=values.source,
        metadata=values.metadata,
        correlation_id=values.correlation_id,
        traceparent=values.traceparent,
    )
    stored_bytes = len(event_records.encode_event(event).encode())
    return event_records.UNIT_BYTES - event_records.FIXED_BYTES - stored_bytes


def noise(characters: int) -> str:
    """Return a JSON text of that length that hardly compresses."""
    alphabet = string.ascii_letters + string.digits + "-_"
    return '"' + "".join(random.Random(1).choices(alphabet, k=characters - 2)) + '"'


def compressible(room: int) -> str:
    """Return the largest such JSON text that fits into so many bytes once compressed."""
    for size in range(room, 4 * room):
        text = noise(size // 2) + " " * (size - size // 2)
        if event_records.pack(text, UNIT_BYTES - event_records.FIXED_BYTES - room).chunks:
            return noise((size - 1) // 2) + " " * (size - 1 - (size - 1) // 2)
    raise AssertionError(room)


async def test_a_small_event_costs_seven_write_units_from_acceptance_to_delivery(
    bench: Bench,
) -> None:
    async with bench.worker():
        meter = await carry_through(bench, payload='{"order": 1}')
    assert meter.units == {keys.EVENTS: UNITS_OF_A_DELIVERED_EVENT}


async def test_a_payload_lies_in_its_events_item_as_long_as_that_costs_no_more(
    bench: Bench,
) -> None:
    long: dict[str, Any] = {"traceparent": TRACEPARENT, "metadata": {"region": "eu"}}
    wide = {"metadata": {"city": "ü" * 250}}  # letters of several bytes count as those
    drafts: list[dict[str, Any]] = [
        long | {"payload": noise(room_for_a_payload(**long))},
        {"payload": compressible(room_for_a_payload())},
        wide | {"payload": noise(room_for_a_payload(**wide) + 200)},
        {"payload": noise(2 * room_for_a_payload())},
    ]
    async with bench.worker():
        meters = [await carry_through(bench, **draft) for draft in drafts]
    assert [meter.units[keys.EVENTS] for meter in meters] == [UNITS_OF_A_DELIVERED_EVENT] * 4
    assert [meter.units[keys.PAYLOADS] for meter in meters] == [0, 0, 1, 1]
    assert max(meter.largest_item_bytes for meter in meters[:2]) <= UNIT_BYTES


async def test_an_item_stays_within_one_unit_through_failed_attempts(bench: Bench) -> None:
    async def refuse_once(_: object) -> int:
        return 503 if len(bench.receiver.requests) == 1 else 200

    bench.receiver.behaviours["/"] = refuse_once
    async with bench.worker():
        meter = await carry_through(bench, payload=noise(room_for_a_payload()))
    assert meter.largest_item_bytes <= UNIT_BYTES
    # The retry moves the due key (2), keeps the inbox entry, and is claimed once more.
    assert meter.units[keys.EVENTS] == UNITS_OF_A_DELIVERED_EVENT + 1 + 2 + 1
    assert meter.units[keys.ATTEMPTS] == 4  # both are kept, each a row and its index entry


@pytest.mark.parametrize(
    ("number", "size"),
    [
        ("0", 1),
        ("7", 2),
        ("99", 2),
        ("100", 2),
        ("-1", 3),
        ("123", 3),
        ("0.5", 2),
        ("1795325340123", 8),
        ("253402300799000", 8),
    ],
)
def test_numbers_are_measured_in_pairs_of_significant_digits(number: str, size: int) -> None:
    assert number_bytes(number) == size


def test_items_are_measured_by_names_and_values() -> None:
    assert item_bytes({"pk": {"S": "ü"}}) == 2 + 2
    assert item_bytes({"a": {"B": "AAECAw=="}}) == 1 + 4
    assert item_bytes({"a": {"BOOL": True}, "b": {"NULL": True}}) == 2 + 2
    assert item_bytes({"a": {"L": [{"S": "xy"}, {"N": "1"}]}}) == 1 + 3 + 2 + 2 + 2
    assert item_bytes({"a": {"M": {"k": {"S": "xy"}}}}) == 1 + 3 + 1 + 1 + 2
    assert item_bytes({"a": {"SS": ["x", "yz"]}, "b": {"NS": ["1", "100"]}}) == 1 + 3 + 1 + 4


def test_a_write_is_counted_by_the_larger_of_both_items() -> None:
    large = KEY | {"text": {"S": "x" * 1024}}
    assert units_of(EVENTS, None, KEY) == Units(table=1)
    assert units_of(EVENTS, None, large) == Units(table=2)
    assert units_of(EVENTS, large, KEY) == Units(table=2)
    assert units_of(EVENTS, None, None) == Units(table=1)


def test_an_index_is_paid_for_when_its_entry_changes() -> None:
    moved = INDEXED | {"due": {"N": "2"}}
    assert units_of(EVENTS, None, INDEXED) == Units(table=1, indexes=2)
    assert units_of(EVENTS, INDEXED, KEY) == Units(table=1, indexes=2)
    assert units_of(EVENTS, INDEXED, moved) == Units(table=1, indexes=2)
    assert units_of(EVENTS, INDEXED, INDEXED | {"lease": {"N": "9"}}) == Units(table=1)


def test_an_index_that_holds_all_attributes_is_paid_for_at_every_change() -> None:
    attempt = KEY | {"webhook": {"S": "w"}, "at": {"N": "1"}}
    large = attempt | {"record": {"S": "x" * 1024}}
    assert units_of(ATTEMPTS, None, large) == Units(table=2, indexes=2)
    assert units_of(ATTEMPTS, attempt, large) == Units(table=2, indexes=2)


async def test_the_meter_agrees_with_the_emulators_figures_for_plain_writes(bench: Bench) -> None:
    meter = WriteMeter(bench.settings.name_prefix)
    bench.proxy.lay("DynamoDB", meter)
    dynamodb, table = bench.clients.dynamodb, bench.clients.name(keys.EVENTS)
    chance, said = random.Random(7), 0.0
    for number in range(60):
        text = {"S": "ä" * chance.randrange(1200)}
        if number % 2:
            updated = await dynamodb.update_item(
                TableName=table,
                Key=KEY,
                UpdateExpression=chance.choice(
                    ["SET #t = :t ADD n :one REMOVE due", "SET #t = :t ADD n :one, due :one"]
                ),
                ExpressionAttributeNames={"#t": "text"},
                ExpressionAttributeValues={":t": text, ":one": {"N": "1"}},
                ReturnConsumedCapacity="TOTAL",
            )
            said += updated["ConsumedCapacity"]["CapacityUnits"]
        else:
            names = [n for n in INDEXED if n in KEY or chance.random() < 0.7]
            item = {name: INDEXED[name] for name in names} | {"text": text, "n": {"N": "-12.5"}}
            put = await dynamodb.put_item(
                TableName=table, Item=item, ReturnConsumedCapacity="TOTAL"
            )
            said += put["ConsumedCapacity"]["CapacityUnits"]
    assert meter.units["events"] == said > 120


async def test_reads_are_measured_by_size_in_real_answers(bench: Bench) -> None:
    meter = ReadMeter(bench.settings.name_prefix)
    bench.proxy.lay("DynamoDB", meter)
    dynamodb, table = bench.clients.dynamodb, bench.clients.name(keys.EVENTS)
    for number, size in enumerate([100, 5000, 9000]):
        item = INDEXED | {"sk": {"S": str(number)}, "text": {"S": "x" * size}}
        await dynamodb.put_item(TableName=table, Item=item)
        key = {name: item[name] for name in KEY}
        for strongly in (True, False):
            await dynamodb.get_item(TableName=table, Key=key, ConsistentRead=strongly)
            await dynamodb.query(
                TableName=table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": KEY["pk"]},
                ConsistentRead=strongly,
            )
    # An item at a time, then together with those before it; the emulator's own figures leave sizes out.
    assert meter.units == {keys.EVENTS: 1.5 * (1 + 2 + 3) + 1.5 * (1 + 2 + 4)}


def test_a_free_tenants_partition_is_as_long_as_any_in_the_cost_test() -> None:
    assert len(keys.events_partition(make_tenant().tenant_id, 31)) == len("ten_" + "0" * 16) + 3
