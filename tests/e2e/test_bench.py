"""The bench from end to end, with so little load that it says nothing about speed."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.bench.findings import Findings
from tests.bench.report import read_report
from tests.deployment import UNMEASURED
from tests.processes import PYTHON, own_environment

SECONDS_MAX = 120  # a busy machine takes its time


def run_bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (PYTHON, "-m", "tests.bench", *arguments),
        env=own_environment(UNMEASURED),
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS_MAX,
    )


def test_the_bench_prints_its_tables_and_loses_nothing(tmp_path: Path) -> None:
    done = run_bench("RATE=20", "SECONDS=1", "TENANTS=1", f"OUT={tmp_path / 'out.json'}")
    assert done.returncode == 0, done.stderr
    report = read_report(tmp_path / "out.json")
    assert report.still["app ready after, s"] > 0
    [run] = report.runs
    assert run.figures["accepted, events"] == run.floor["accepted, events"] == 20
    assert run.figures["lost, events"] == run.floor["lost, events"] == 0
    assert run.figures["write units an event"] == 7
    assert run.figures["calls an event, DynamoDB"] > 0
    assert 0 < run.figures["processor, app, ms/event"] < run.figures["processor, both, ms/event"]
    assert "answer lag of /liveness, worker p99, ms" in done.stdout


def test_the_profile_sees_both_containers_at_work(tmp_path: Path) -> None:
    arguments = ("SCENARIO=profile", "RATE=100", "SECONDS=3", "TENANTS=1")
    done = run_bench(*arguments, f"OUT={tmp_path / 'out.json'}")
    if "may not look" in done.stderr:
        pytest.skip("py-spy may not look into other processes here")
    assert done.returncode == 0, done.stderr
    findings = msgspec.json.decode((tmp_path / "out.json").read_bytes(), type=Findings)
    areas, *_, seen = findings.tables
    assert all(row.figures["samples"] > 0 for row in seen.rows)
    for part in ("app", "worker"):
        assert sum(row.figures[f"{part}, %"] for row in areas.rows) == pytest.approx(100, abs=2)
    assert "worker, at which step" in done.stdout
