"""The bench from end to end, with so little load that it says nothing about speed."""

import subprocess
from pathlib import Path

from tests.bench.report import read_report
from tests.deployment import UNMEASURED
from tests.processes import PYTHON, own_environment

SECONDS_MAX = 120  # a busy machine takes its time


def test_the_bench_prints_its_tables_and_loses_nothing(tmp_path: Path) -> None:
    command = (PYTHON, "-m", "tests.bench", "RATE=20", "SECONDS=1", "TENANTS=1")
    done = subprocess.run(
        (*command, f"OUT={tmp_path / 'out.json'}"),
        env=own_environment(UNMEASURED),
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert done.returncode == 0, done.stderr
    [run] = read_report(tmp_path / "out.json").runs
    assert run.figures["accepted, events"] == run.floor["accepted, events"] == 20
    assert run.figures["lost, events"] == run.floor["lost, events"] == 0
    assert run.figures["write units an event"] == 7
    assert run.figures["calls an event, DynamoDB"] > 0
    assert 0 < run.figures["processor, app, ms/event"] < run.figures["processor, both, ms/event"]
    assert "answer lag of /liveness, worker p99, ms" in done.stdout
