"""The sums and tables of the bench's scenarios, and what it puts into the store."""

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from unittest.mock import Mock

import msgspec
import pytest

from tests.bench.arguments import read_arguments
from tests.bench.findings import Findings, Row, Table, tables_of, with_ratios
from tests.bench.isolation import LATENCY, Turn, row_of
from tests.bench.report import write_report
from tests.bench.seeds import PAYLOAD, Look, Seeded, delivered_item
from tests.bench.soak import growth
from tests.bench.stage import Stage, dynamodb_of
from tests.bench.targets import Target
from tests.emulator import Emulator
from tests.factories import NOW_MS, make_tenant, make_webhook
from triggers.aws import event_records
from triggers.deliveries import DeliveryStatus
from triggers.events import EventStatus, is_settled


def make_turn(alone_ms: float, beside_ms: float, busy_percent: float = 10) -> Turn:
    busy = {f"busy, {name}, %": busy_percent for name in ("emulator", "worker", "others")}
    alone, beside = (
        {LATENCY.format(50): ms / 2, LATENCY.format(95): ms, **busy} for ms in (alone_ms, beside_ms)
    )
    return Turn(alone=alone, beside=beside, of_neighbour={"its accepted": 3, "its refused": 1})


@pytest.mark.parametrize(
    ("beside_ms", "share", "note"), [(119, 1.19, "holds"), (120, 1.2, "fails"), (50, 0.5, "holds")]
)
def test_a_neighbour_is_judged_by_the_medians_over_the_turns(
    beside_ms: float, share: float, note: str
) -> None:
    turns = [make_turn(100, beside_ms), make_turn(50, 400), make_turn(200, 20)]
    row = row_of("a neighbour", turns)
    assert row.figures["alone p95, ms"] == 100
    assert row.figures["× p95"] == row.figures["× p50"] == pytest.approx(share)
    assert (row.figures["least"], row.figures["most"]) == (0.1, 8)
    assert (row.figures["its accepted"], row.figures["its refused"]) == (9, 3)
    assert row.note.strip() == note


def test_a_full_machine_is_named_beside_a_verdict_that_it_may_have_caused() -> None:
    full = 100.0 * (os.cpu_count() or 1)
    assert row_of("a neighbour", [make_turn(100, 200, full / 3)]).note == "  fails, machine full"
    assert row_of("a neighbour", [make_turn(100, 200, full / 4)]).note == "  fails"


@pytest.mark.parametrize(
    ("samples", "first", "last"),
    [
        ([(0, 90), (60, 92), (70, 500), (120, 95), (180, 97)], 91, 96),  # minutes
        ([(0, 90), (10, 92), (20, 94), (30, 96), (40, 98)], 92, 96),  # halves
        ([(0, 90)], 90, 90),
    ],
)
def test_growth_lies_between_the_first_and_the_last_minute(
    samples: list[tuple[float, float]], first: float, last: float
) -> None:
    figures = growth(samples)
    assert (figures["first, MB"], figures["last, MB"]) == (first, last)
    assert figures["growth, MB"] == last - first
    assert figures["growth, %"] == pytest.approx(100 * (last - first) / first)


async def test_the_service_is_told_of_the_dynamodb_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: dict[str, str] = {}

    @asynccontextmanager
    async def note(*_: object, own: Mapping[str, str], **__: object) -> AsyncIterator[Target]:
        seen.update(own)
        yield Target(url="", keys=[], webhooks=1, parts={}, liveness={})

    emulator = Emulator("http://127.0.0.1:1", process=Mock())
    monkeypatch.setattr("tests.bench.stage.quiet_emulator", lambda _: nullcontext(emulator))
    monkeypatch.setattr("tests.bench.stage.open_service", note)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asked = read_arguments(["SCENARIO=isolation", f"DYNAMODB={port}"])
    for arguments in (read_arguments(["SCENARIO=isolation"]), asked):
        assert not seen
        stage = Stage(driver=Mock(receiver_url=""), folder=tmp_path, own=dynamodb_of(arguments))
        async with stage.service(Look(receiver_url=""), tenants=1):
            pass
    assert seen == {"AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}"}


def test_rows_are_compared_with_the_first_and_printed_below_their_names(tmp_path: Path) -> None:
    rows = [
        Row(name="1", figures={"cost": 4.0}),
        Row(name="1000", figures={"cost": 6.0}, note=" a note"),
    ]
    table = Table(title="tenants", rows=with_ratios(rows, {"× cost": "cost"}))
    findings = Findings(arguments=read_arguments(["SCENARIO=scaling"]), tables=[table], lost=0)
    head, *lines = [line.split() for line in tables_of(findings).splitlines()[2:]]
    assert head == ["tenants", "cost", "×", "cost"]
    assert lines == [["1", "4", "1"], ["1000", "6", "1.5", "a", "note"]]
    write_report(findings, tmp_path / "out.json")
    assert msgspec.json.decode((tmp_path / "out.json").read_bytes(), type=Findings) == findings


def test_an_event_of_earlier_days_is_stored_as_delivered_to_all_and_on_no_index() -> None:
    webhooks = [make_webhook(), make_webhook()]
    item = delivered_item(Seeded(tenant=make_tenant(), webhooks=webhooks, key=""), NOW_MS)
    record = event_records.read_record(item, event_records.inline_payload(item))
    assert record.event.payload == PAYLOAD
    assert record.state.status is EventStatus.DELIVERED
    assert is_settled(record.state)
    assert {d.status for d in record.state.deliveries or ()} == {DeliveryStatus.DELIVERED}
    assert not {"inbox", "due_shard", "due"} & set(item)
