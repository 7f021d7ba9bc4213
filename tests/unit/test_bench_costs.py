"""The sums of AWS's prices, and what of all that is counted is an event's."""

import pytest

from tests.bench.costs import (
    SWEEP_LEASES,
    SWEEP_READS,
    by_events,
    name_of_write,
    rows_at_rest,
    transposed,
    usage_of,
)
from tests.bench.prices import TASK_GB, TASK_VCPUS, Usage, bill, with_total
from triggers.aws import keys
from triggers.aws.tables import TABLES

EVENTS = next(table for table in TABLES if table.name == keys.EVENTS)
COUNTERS = next(table for table in TABLES if table.name == keys.COUNTERS)


def test_amounts_are_those_of_the_price_list() -> None:
    million = Usage(write_units=1, read_units=1, requests=1).times(1e6)
    dollars = bill(million)
    assert dollars["DynamoDB, writes"] == pytest.approx(0.625)
    assert dollars["DynamoDB, reads"] == pytest.approx(0.125)
    assert dollars["SQS"] == pytest.approx(0.50)
    stored = bill(Usage(byte_hours=2e9 * 730))
    assert stored["DynamoDB, storage"] == pytest.approx(0.50)
    a_task = TASK_VCPUS * 0.04048 + TASK_GB * 0.004445
    assert bill(Usage(task_hours=100))["Fargate"] == pytest.approx(100 * a_task)
    # An hour of work keeps a vCPU for two: four tasks of a quarter each.
    assert bill(Usage(processor_seconds=3600))["Fargate"] == pytest.approx(8 * a_task)
    assert with_total({"a": 1.0, "b": 2.5}) == {"a": 1.0, "b": 2.5, "together": 3.5}


def test_what_the_sweeps_use_is_of_no_event_and_all_else_is() -> None:
    counts = {
        "write units, events": 70.0,
        f"write units, {SWEEP_LEASES}": 9.0,
        f"read units, {SWEEP_READS}": 9.0,
        "write units, counters, rate": 5.0,
        "read units, control": 20.0,
        "requests, ReceiveMessage": 10.0,
        "stored, bytes": 9000.0,
    }
    figures = by_events(counts, 10) | {"processor, app, ms": 2.0, "processor, worker, ms": 3.0}
    assert usage_of(figures) == Usage(
        write_units=7.5,
        read_units=2,
        requests=1,
        processor_seconds=0.005,
        byte_hours=900 * 30 * 24,
    )


def test_the_leases_of_sweeps_are_told_apart_from_other_counters() -> None:
    assert name_of_write(COUNTERS, {"pk": {"S": keys.sweep_lease("00")}}) == SWEEP_LEASES
    assert name_of_write(COUNTERS, {"pk": {"S": "rate#t"}}) == "counters, rate"
    assert name_of_write(EVENTS, {"pk": {"S": "sweep#x"}}) == "events"


def test_a_month_at_rest_is_the_sum_of_its_seconds_its_tasks_and_its_balancer() -> None:
    rows = {row.name: row.figures for row in rows_at_rest({f"read units, {SWEEP_READS}": 8.0})}
    swept = rows[f"read units, {SWEEP_READS}"]
    assert swept["millions a month"] == pytest.approx(21.024)
    assert swept["$ a month"] == pytest.approx(2.628)
    assert rows["4 tasks, 0.25 vCPU and 0.5 GB"]["$ a month"] == pytest.approx(36.04, abs=0.01)
    assert rows["together"]["$ a month"] == pytest.approx(2.628 + 36.04 + 16.425, abs=0.01)


def test_columns_become_rows_and_what_is_missing_is_nothing() -> None:
    rows = transposed({"1": {"a": 1.0}, "5": {"a": 2.0, "b": 3.0}})
    assert [(row.name, row.figures) for row in rows] == [
        ("a", {"1": 1.0, "5": 2.0}),
        ("b", {"1": 0, "5": 3.0}),
    ]
