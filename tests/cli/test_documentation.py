"""docs/cli.md does what it says; the program is installed under its name."""

import json
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from infra.local.settings import ROOT
from tests.guide.documents import Section, read_sections
from tests.guide.reader import follow, shell_environment
from tests.processes import PYTHON
from triggers.cli.main import main

DOCUMENT = ROOT / "docs" / "cli.md"
SECTIONS = [one for one in read_sections(DOCUMENT) if one.title != "Installing"]
WHO_YOU_ARE = next(one for one in SECTIONS if one.title == "Which service, and who you are")


@pytest.fixture
def folder(service: dict[str, Any], tmp_path: Path) -> Path:
    """Return the folder of a reader, with what `make run` leaves there, and the program."""
    for name in (".local", "bin"):
        (tmp_path / name).mkdir()
    (tmp_path / ".local/ready.json").write_text(json.dumps(service))
    program = tmp_path / "bin" / "triggers"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {PYTHON} -m triggers.cli "$@"\n')
    program.chmod(0o700)
    return tmp_path


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_the_document_does_what_it_says(section: Section, folder: Path) -> None:
    environment = shell_environment(
        KEY="trg_x", HOME=str(folder), TRIGGERS_PROFILES=str(folder / "profiles.json")
    )
    environment["PATH"] = f"{folder}/bin:{environment['PATH']}"
    before = [] if section is WHO_YOU_ARE else WHO_YOU_ARE.blocks[:1]
    follow(section, before, folder, environment)


def test_the_program_is_installed_under_its_name() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = declared["triggers"].partition(":")
    assert getattr(import_module(module), name) is main
