"""`make demo` goes as the README shows it."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from infra.local.settings import ROOT
from tests.cli.program import UPDATE, normal
from tests.guide.documents import read_sections
from tests.processes import PYTHON, own_environment

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
        fresh = ran.stdout.strip() + "\n"
        README.write_text(README.read_text().replace(shown, fresh))
        shown = fresh
    assert _settled(ran.stdout) == _settled(shown)


def test_without_a_service_the_tour_says_how_to_start_one(tmp_path: Path) -> None:
    ran = _tour(TRIGGERS_LOCAL_DIR=str(tmp_path))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "start one with `make run` in another terminal" in ran.stderr


def test_a_tour_that_comes_out_otherwise_fails(service: dict[str, Any]) -> None:
    elsewhere = {"API": service["api"], "OPERATOR_KEY": service["operator_key"]}
    ran = _tour(**elsewhere, RECEIVER="http://127.0.0.1:1")
    assert ran.returncode == 1
    assert "exit code 1, not 0" in ran.stderr
