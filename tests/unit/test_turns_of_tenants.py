"""What is sent to the store knows whose it is, so that tenants take turns in its batches."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from triggers.aws import keys
from triggers.aws.items import Entry
from triggers.aws.statements import STATEMENTS_MAX, Statement, Statements


class Calls:
    """Answers all statements of a call, and notes their items."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def call(self, _: object, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out the statements."""
        self.batches.append([one["Statement"] for one in request["Statements"]])
        await asyncio.sleep(0)
        return {"Responses": [{} for _ in request["Statements"]]}


def statement(tenant_id: str, number: int) -> Statement:
    name = f"{tenant_id} {number}"
    return Statement(text=name, parameters=(), item=name, tenant_id=tenant_id)


async def test_a_tenant_with_much_to_write_delays_another_s_by_no_more_than_a_batch() -> None:
    calls = Calls()
    clients: Any = SimpleNamespace(hot_dynamodb=calls)
    statements = Statements(clients, flights_max=1, waiting_max=1_000)
    flood = [statement("many", number) for number in range(4 * STATEMENTS_MAX)]
    await asyncio.gather(*map(statements.execute, [*flood, statement("one", 0)]))
    assert "one 0" in calls.batches[0]


@pytest.mark.parametrize(
    ("table", "partition"),
    [
        (keys.EVENTS, keys.events_partition("ten_1", 3)),
        (keys.EVENTS, keys.jobs_partition("ten_1")),
        (keys.PAYLOADS, keys.by_event("ten_1", "evt_1")),
        (keys.CONTROL, "ten_1"),
        (keys.BACKLOG, keys.by_webhook("ten_1", "wh_1")),
        (keys.COUNTERS, keys.health("ten_1", "wh_1")),
        (keys.COUNTERS, keys.key_use("ten_1", "1")),
    ],
)
def test_an_item_is_the_tenant_s_that_its_partition_names(table: str, partition: str) -> None:
    assert Entry(table=table, item={"pk": {"S": partition}}).tenant == "ten_1"
