"""`make demo` goes as the README shows it."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.settings import ROOT
from tests.cli.program import UPDATE, normal
from tests.guide.documents import read_sections
from tests.processes import PYTHON, own_environment, running, until

README = ROOT / "README.md"
TITLE = "A tour of one minute"
TOUR_SECONDS_MAX = 120


def _tour(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (PYTHON, "-m", "infra.local.tour"),
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=own_environment(environment),
        timeout=TOUR_SECONDS_MAX,
    )


def _tenants(service: dict[str, Any]) -> list[str]:
    headers = {"authorization": f"Bearer {service['operator_key']}"}
    answer = httpx.get(f"{service['api']}/v1/tenants", headers=headers)
    return [tenant["name"] for tenant in answer.json()["tenants"]]


def _settled(printed: str) -> str:
    """Return what is the same in each run: no ids, times and spans, nor when is looked for the next."""
    lines = [line for line in normal(printed).splitlines() if "next attempt at" not in line]
    return re.sub(r"\d+ ms", "1 ms", "\n".join(lines)).strip() + "\n"


def test_the_tour_goes_as_the_readme_shows_it(service: dict[str, Any], folder: Path) -> None:
    ran = _tour(TRIGGERS_LOCAL_DIR=str(folder / ".local"))
    assert (ran.returncode, ran.stderr) == (0, "")
    [shown] = [
        block.text
        for section in read_sections(README)
        if section.title == TITLE
        for block in section.blocks
        if block.language == "text"
    ]
    if os.environ.get(UPDATE):
        # A reader has the usual port.
        fresh = ran.stdout.replace(service["hook"], "http://127.0.0.1:9000").strip() + "\n"
        README.write_text(README.read_text().replace(shown, fresh))
        shown = fresh
    assert _settled(ran.stdout) == _settled(shown)


@pytest.mark.parametrize(
    ("ready", "own", "said"),
    [
        (None, {}, "start one with `make run` in another terminal"),
        (
            {"api": "http://127.0.0.1:1", "operator_key": "x", "hook": "x"},
            {},
            "start one with `make run` in another terminal",
        ),
        ({"api": "x"}, {}, "missing required field"),
        (None, {"PACE": "nan"}, "PACE=nan is no number of seconds up to 60"),
    ],
)
def test_who_cannot_begin_is_told_why(
    tmp_path: Path, ready: dict[str, str] | None, own: dict[str, str], said: str
) -> None:
    if ready:
        (tmp_path / "ready.json").write_text(json.dumps(ready))
    ran = _tour(TRIGGERS_LOCAL_DIR=str(tmp_path), **own)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert said in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_who_is_told_to_stop_leaves_no_tenant(
    service: dict[str, Any], folder: Path, number: signal.Signals
) -> None:
    environment = own_environment({"TRIGGERS_LOCAL_DIR": str(folder / ".local")})
    with running((PYTHON, "-m", "infra.local.tour"), environment, folder / "log") as process:
        await until(lambda: "Secret" in process.printed or not process.is_alive)
        process.send(number)
        assert await process.end() == 130, process.printed
    assert "tour" not in _tenants(service)


def test_a_tour_that_comes_out_otherwise_fails(service: dict[str, Any]) -> None:
    elsewhere = {"API": service["api"], "OPERATOR_KEY": service["operator_key"]}
    ran = _tour(**elsewhere, HOOK="http://127.0.0.1:1")
    assert ran.returncode == 1
    assert "exit code 1, not 0" in ran.stderr
