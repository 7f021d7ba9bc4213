"""What the adapters make of answers that are refusals, half an answer, or none of AWS's."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.factories import NOW_MS, make_event
from tests.fault_proxy import Answer, Call, Fault, Forward, fail, refuse_statements
from tests.testbed import Bench
from triggers.aws import keys
from triggers.aws.definitions import table_request
from triggers.aws.provision import provision
from triggers.aws.resources import PAYLOAD_READS_MAX
from triggers.aws.tables import TABLES
from triggers.control_changes import AuditEntry, ControlChange
from triggers.errors import StoreRefused, StoreUnavailable
from triggers.event_queries import EventQuery

STATEMENTS = "BatchExecuteStatement"
TRANSACTION = "TransactWriteItems"
PAYLOADS_AT_ONCE = 40

Use = Callable[[Bench], Awaitable[object]]


def answering(content: str) -> Fault:
    """Return the fault of a call that is answered with a 200 that says something else."""

    async def fault(call: Call, forward: Forward) -> Answer | None:
        return Answer(body=content.encode())

    return fault


def cancelling(*codes: str) -> Fault:
    """Return the fault of a transaction that is cancelled, with a reason for each write."""

    async def fault(call: Call, forward: Forward) -> Answer | None:
        reasons = [{"Code": code} for code in codes]
        content: dict[str, Any] = {
            "__type": "com.amazonaws#TransactionCanceledException",
            "Message": "laid",
        }
        content |= {"CancellationReasons": reasons} if codes else {}
        return Answer(status=400, body=json.dumps(content).encode())

    return fault


@dataclass
class Overhearing:
    """A fault that harms nothing, and keeps how many payloads each batch asked for."""

    sizes: list[int] = field(default_factory=list)

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        tables = call.content["RequestItems"]
        self.sizes += [len(t["Keys"]) for name, t in tables.items() if name.endswith(keys.PAYLOADS)]
        return await forward(call)


USES: dict[str, tuple[str, Use]] = {
    "attempts": (
        "Query",
        lambda b: b.resources.attempts.read(b.tenant.tenant_id, make_event().event_id),
    ),
    "inbox": (
        "Query",
        lambda b: b.resources.events.read_inbox(b.tenant.tenant_id, EventQuery(shards=1, limit=10)),
    ),
    "list": (
        "Query",
        lambda b: b.resources.events.read_events(
            b.tenant.tenant_id, EventQuery(shards=1, limit=10)
        ),
    ),
    "due": (
        "Query",
        lambda b: b.resources.events.read_due("00", now_ms=NOW_MS, limit=10, after=None),
    ),
    "control": ("Query", lambda b: b.resources.control.read_view(b.tenant.tenant_id)),
    "acknowledge": (
        "UpdateItem",
        lambda b: b.resources.events.acknowledge(b.tenant.tenant_id, make_event().event_id, NOW_MS),
    ),
    "get": (
        "BatchGetItem",
        lambda b: b.resources.events.get(b.tenant.tenant_id, make_event().event_id),
    ),
    "hints": ("ReceiveMessage", lambda b: b.resources.hints.receive()),
}


@pytest.mark.parametrize(
    ("use", "content"),
    [
        *((name, "{}") for name in USES if name != "hints"),  # SQS leaves out an empty list
        *((name, '{"Items": [{}]}') for name in ("attempts", "inbox", "due", "control")),
        ("control", '{"Items": [{"sk": {"S": "key#1"}}]}'),
        ("acknowledge", '{"Attributes": {"pk": {"S": "x"}}}'),
        ("get", '{"Responses": {"events": [{}]}}'),
        ("get", '{"Responses": {}, "UnprocessedKeys": {"events": {"Keys": [{}]}}}'),
        ("hints", '{"Messages": [{}]}'),
    ],
)
async def test_an_answer_that_lacks_what_it_must_hold_means_that_the_store_is_away(
    bench: Bench, use: str, content: str
) -> None:
    operation, call = USES[use]
    rule = bench.proxy.lay(operation, answering(content))

    with pytest.raises(StoreUnavailable, match="unreadable"):
        await call(bench)

    assert rule.hits == 1


@pytest.mark.parametrize("code", ["AccessDenied", "ResourceNotFound"])
async def test_what_others_must_mend_is_not_tried_again_at_once(bench: Bench, code: str) -> None:
    rule = bench.proxy.lay(STATEMENTS, refuse_statements(code, tries=10))

    with pytest.raises(StoreUnavailable, match=code):
        await bench.accept()

    assert rule.hits == 1


async def test_a_statement_that_is_not_valid_is_our_fault(bench: Bench) -> None:
    bench.proxy.lay(STATEMENTS, refuse_statements("ValidationError"))

    with pytest.raises(StoreRefused, match="ValidationError"):
        await bench.accept()


async def write_control(bench: Bench) -> bool:
    audit = AuditEntry(at_ms=NOW_MS, actor="test", action="test", subject="test")
    change = ControlChange(from_version=1, puts=(bench.webhook,), audit=audit)
    return await bench.resources.control.write(bench.tenant.tenant_id, change)


@pytest.mark.parametrize(
    "codes",
    [
        ("ConditionalCheckFailed", "None", "None"),
        ("TransactionConflict", "None", "None"),
        ("ConditionalCheckFailed", "TransactionConflict", "None"),
    ],
)
async def test_a_transaction_cancelled_by_another_change_has_lost(
    bench: Bench, codes: tuple[str, ...]
) -> None:
    bench.proxy.lay(TRANSACTION, cancelling(*codes))

    assert await write_control(bench) is False


@pytest.mark.parametrize(
    ("codes", "error"),
    [
        (("None", "ThrottlingError", "None"), StoreUnavailable),
        (("None", "ProvisionedThroughputExceeded", "None"), StoreUnavailable),
        (("TransactionConflict", "ThrottlingError", "None"), StoreUnavailable),
        (("None", "None", "None"), StoreUnavailable),
        ((), StoreUnavailable),
        (("None", "ValidationError", "None"), StoreRefused),
        (("ConditionalCheckFailed", "ValidationError", "None"), StoreRefused),
    ],
)
async def test_a_transaction_cancelled_for_another_reason_is_no_lost_race(
    bench: Bench, codes: tuple[str, ...], error: type[Exception]
) -> None:
    bench.proxy.lay(TRANSACTION, cancelling(*codes))

    with pytest.raises(error):
        await write_control(bench)


async def test_payloads_are_read_in_batches_that_fit_into_one_answer(bench: Bench) -> None:
    payload = '"' + "".join(chr(0x4E00 + (i * 7919) % 20_000) for i in range(2_000)) + '"'
    events = await asyncio.gather(*(bench.accept(payload=payload) for _ in range(PAYLOADS_AT_ONCE)))
    overhearing = Overhearing()
    bench.proxy.lay("BatchGetItem", overhearing)

    await asyncio.gather(*(bench.record(event) for event in events))

    assert sum(overhearing.sizes) == PAYLOADS_AT_ONCE
    assert 1 < max(overhearing.sizes) <= PAYLOAD_READS_MAX


async def ttl_of(bench: Bench, plain_name: str) -> str:
    name = bench.clients.name(plain_name)
    answer = await bench.clients.dynamodb.describe_time_to_live(TableName=name)
    return answer["TimeToLiveDescription"]["TimeToLiveStatus"]


async def test_what_a_run_that_died_left_undone_is_done_by_the_next(bench: Bench) -> None:
    dynamodb, name = bench.clients.dynamodb, bench.clients.name(keys.COUNTERS)
    await dynamodb.delete_table(TableName=name)
    table = next(table for table in TABLES if table.name == keys.COUNTERS)
    await dynamodb.create_table(**table_request(name, table))
    assert await ttl_of(bench, keys.COUNTERS) == "DISABLED"

    await provision(bench.settings)

    assert await ttl_of(bench, keys.COUNTERS) == "ENABLED"
    backups = await dynamodb.describe_continuous_backups(TableName=name)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


async def test_what_stands_is_left_as_it_is(bench: Bench) -> None:
    bench.proxy.calls.clear()

    await provision(bench.settings)

    assert bench.proxy.calls["UpdateTimeToLive"] == 0, "AWS refuses to enable it twice"
    assert bench.proxy.calls["CreateTable"] == len(TABLES)


async def test_an_emulator_without_point_in_time_recovery_will_do(bench: Bench) -> None:
    bench.proxy.lay("UpdateContinuousBackups", fail(400, "UnknownOperationException"))

    await provision(bench.settings)
