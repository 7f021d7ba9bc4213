"""The parts of the bench that could be wrong without anybody noticing: its sums, its schedule, its table."""

import json
from itertools import islice
from pathlib import Path

import pytest

from infra.local.loopback import free_port
from tests.bench.arguments import ArgumentError, Arguments, read_arguments
from tests.bench.emulation import ROUND_TRIP
from tests.bench.loads import arrivals, drain_seconds
from tests.bench.measures import percentile
from tests.bench.producer import Plan, Sent, requests_of, schedule
from tests.bench.receiver import Taken
from tests.bench.report import Report, Run, read_report, tables, write_report
from tests.bench.wire import Messages

HUNDRED = [float(n) for n in range(100, 0, -1)]


class Kept(Messages):
    """Keeps what it takes in."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def take(self, head: bytes, body: bytes) -> None:
        self.bodies.append(body)


def make_report(**figures: float) -> Report:
    return Report(
        arguments=Arguments(),
        processors=2,
        python="3.11.0",
        still={ROUND_TRIP: 0.5},
        runs=[Run(rate="100", figures=figures, floor={"accept p50, ms": 2.0, "lost, events": 1.0})],
    )


def row(table: str, name: str) -> list[str]:
    [line] = [line for line in table.splitlines() if line.startswith(f"  {name} ")]
    return line.removeprefix(f"  {name}").split()


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        (HUNDRED, 50, 50),
        (HUNDRED, 99, 99),
        (HUNDRED, 100, 100),
        ([7.0], 50, 7),
        ([1.0, 2.0], 51, 2),
    ],
)
def test_a_percentile_is_the_value_that_so_many_do_not_exceed(
    values: list[float], percent: int, expected: float
) -> None:
    assert percentile(values, percent) == expected


def test_the_schedule_has_every_event_in_order_and_is_the_same_each_time() -> None:
    moments = schedule(300, 2.5)
    assert len(moments) == 750
    assert moments == sorted(moments) == schedule(300, 2.5)
    assert 0 <= moments[0] < moments[-1] <= 2.5
    assert 300 < sum(moment < 1.25 for moment in moments) < 450  # spread, not bunched


def test_a_payload_has_the_size_asked_for_and_tenants_take_turns() -> None:
    plan = Plan(
        url="", keys=["k1", "k2"], rate=1, at_once=1, events_max=9, seconds=1, payload_bytes=300
    )
    requests = [request.decode() for request in islice(requests_of(plan), 3)]
    bodies = [request.partition("\r\n\r\n")[2] for request in requests]
    payloads = [body[body.index('"payload": ') + 11 : -1] for body in bodies]
    assert [len(payload) for payload in payloads] == [300] * 3
    assert len({json.loads(payload)["number"] for payload in payloads}) == 3
    assert ["Bearer k1" in request for request in requests] == [True, False, True]


def test_messages_are_taken_in_however_they_are_cut() -> None:
    sent = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 204 x\r\na: b\r\n\r\n" * 2
    for size in (1, 7, len(sent)):
        kept = Kept()
        for start in range(0, len(sent), size):
            kept.data_received(sent[start : start + size])
        assert kept.bodies == [b"body", b""] * 2


def test_an_event_has_arrived_when_all_its_webhooks_have_it() -> None:
    sent = Sent(accepted=[("a", 0, 1), ("b", 0, 1), ("c", 0, 1)])
    taken = Taken(first_ns={"a/0": 5, "a/1": 4, "b/0": 6, "x/0": 1, "x/1": 1})
    assert arrivals(sent, taken, 2) == {"a": 5}


def test_many_deliveries_are_awaited_longer_than_few() -> None:
    assert drain_seconds(10, 1000) == 30 + 20
    assert drain_seconds(10, 150_000) == 30 + 150


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RATE=0", "neither"),
        ("RATE=100,fast", "'fast'"),
        ("RATE=100,100", "each once"),
        ("RATE=10000 SECONDS=60 WEBHOOKS=2", "at most 100000 events"),
        ("RATE=1000 PAYLOAD=400000", "at most 1342 events"),
        ("SECONDS=61", "SECONDS: at most 60 in rates"),
        ("SECONDS=601 SCENARIO=soak", "SECONDS"),
        ("SCENARIO=speed", "SCENARIO"),
        ("SCENARIO=scaling RATE=100", "'max' alone"),
        ("SCENARIO=isolation RATE=max", "one number"),
        ("SCENARIO=soak RATE=10,20", "one number"),
        ("SCENARIO=costs RATE=1,2", "costs takes one number"),
        ("SCENARIO=costs RATE=500", "at most 4000 events"),
        ("SCENARIO=soak COMPARE=x", "COMPARE"),
        ("DYNAMODB=8000", "DYNAMODB: rates counts"),
        ("SCENARIO=costs DYNAMODB=8000", "DYNAMODB: costs counts"),
        ("SCENARIO=soak DYNAMODB=65536", "DYNAMODB"),
        ("BACKLOG=100001", "BACKLOG"),
        ("STORED=1000001", "STORED"),
        ("SECONDS=soon", "SECONDS"),
        ("PAYLOAD=39", "PAYLOAD"),
        ("WORKERS=", "WORKERS"),
        ("WEBHOOKS=51", "WEBHOOKS"),
        ("SPEED=1", "SPEED"),
        ("TENANTS=1 TENANTS=2", "once"),
        ("TENANTS", "NAME=value"),
    ],
)
def test_a_wrong_argument_is_named(text: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        read_arguments(text.split())


def test_a_dynamodb_that_is_not_there_is_named() -> None:
    with pytest.raises(ArgumentError, match="nobody listens there"):
        read_arguments(["SCENARIO=soak", f"DYNAMODB={free_port()}"])


def test_arguments_are_read_as_make_hands_them_on() -> None:
    arguments = read_arguments(["RATE=20,max", "SECONDS=1"])
    assert arguments.rates == [20, None]
    assert arguments.seconds == 1
    assert read_arguments([]) == Arguments()
    soak = read_arguments(["SCENARIO=soak", "SECONDS=600"])
    assert (soak.rates, soak.seconds) == ([100], 600)


def test_latencies_are_told_in_round_trips_of_the_floor_and_of_an_earlier_run(
    tmp_path: Path,
) -> None:
    write_report(make_report(**{"accept p50, ms": 4.0}), tmp_path / "earlier.json")
    report = make_report(**{"accept p50, ms": 5.0, "lost, events": 0.0, "memory, app, MB": 90.5})
    table = tables(report, read_report(tmp_path / "earlier.json"))
    assert row(table, "accept p50, ms") == ["5", "10", "2", "2.5", "4", "1.25"]
    assert row(table, "lost, events") == ["0", "1"]
    assert row(table, "memory, app, MB") == ["90.5"]
    assert "other conditions" not in table
