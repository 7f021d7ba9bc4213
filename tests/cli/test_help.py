"""The help of every command: as it is stored, and with examples that can be typed."""

import os
import shlex

import click
import pytest
from click.testing import CliRunner

from infra.local.settings import ROOT
from tests.cli.program import EXPECTED, UPDATE
from triggers.cli.context import Command
from triggers.cli.main import triggers
from triggers.cli.reference import commands, reference

DOCUMENT = ROOT / "docs" / "cli.md"
HELP = EXPECTED / "help"
COMMANDS = dict(commands())
EXAMPLES = [example for one in COMMANDS.values() for example in getattr(one, "examples", ())]


def file_name(path: str) -> str:
    return path.replace(" ", "-") + ".txt"


@pytest.mark.parametrize("path", COMMANDS)
def test_the_help_is_as_it_is_stored(path: str) -> None:
    ran = CliRunner().invoke(
        triggers, [*path.split()[1:], "--help"], prog_name="triggers", terminal_width=100
    )
    stored = HELP / file_name(path)
    if os.environ.get(UPDATE):
        stored.write_text(ran.stdout)
    assert (ran.exit_code, ran.stdout) == (0, stored.read_text())


def test_no_help_is_stored_of_a_command_that_is_not_there() -> None:
    assert {one.name for one in HELP.iterdir()} <= {file_name(path) for path in COMMANDS}


def test_the_document_lists_every_command() -> None:
    head, _, rest = DOCUMENT.read_text().partition("## All commands\n\n")
    _, _, tail = rest.partition("\n\n")
    if os.environ.get(UPDATE):
        DOCUMENT.write_text(f"{head}## All commands\n\n{reference()}\n{tail}")
    assert f"## All commands\n\n{reference()}\n{tail}" in DOCUMENT.read_text()


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_says_what_it_does_and_gives_examples(path: str) -> None:
    command = COMMANDS[path]
    assert command.get_short_help_str(limit=1_000).endswith(".")
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []
    if not isinstance(command, click.Group):
        assert getattr(command, "examples", ())


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_typed(monkeypatch: pytest.MonkeyPatch, example: str) -> None:
    monkeypatch.setattr(Command, "invoke", lambda command, context: None)
    words = shlex.shlex(example, posix=True, punctuation_chars="|<>;&")
    words.whitespace_split = True
    stages: list[list[str]] = [[]]
    for word in words:
        if word in ("|", ">", ">>", "<", ";", "&&"):
            stages.append([])
        else:
            stages[-1].append(word)
    ours = [stage[1:] for stage in stages if stage[:1] == ["triggers"]]
    assert ours
    for arguments in ours:
        ran = CliRunner().invoke(triggers, arguments)
        assert ran.exit_code == 0, ran.output
