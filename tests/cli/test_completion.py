"""`triggers completion`: bash really completes, the other scripts are there."""

import subprocess

import pytest

from infra.local.settings import ROOT
from tests.cli.program import Program
from tests.processes import PYTHON, WAIT_SECONDS


def completed(triggers: Program, *words: str) -> list[str]:
    """Return what bash offers for the last word, as the Tab key has it do."""
    program = triggers.folder / "triggers"
    program.write_text(f'#!/bin/sh\nexec {PYTHON} -m triggers.cli "$@"\n')
    program.chmod(0o700)
    typed = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
        '_triggers_completion "$1"; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(
        ("bash", "-c", typed, "bash", triggers.folder / "script", program, *words),
        capture_output=True,
        check=True,
        text=True,
        cwd=ROOT,
        env=triggers.environment,
        timeout=WAIT_SECONDS,
    )
    assert ran.stderr == ""
    return ran.stdout.split()


def test_bash_completes_commands_options_and_profiles(triggers: Program) -> None:
    (triggers.folder / "script").write_text(triggers("completion", "bash").out)
    options = ("--api", "https://triggers.example.com", "--key", "-")
    assert triggers("profiles", "set", "production", *options, text="hidden").code == 0
    assert completed(triggers, "pro") == ["profiles"]
    assert completed(triggers, "webhooks", "create", "--re") == ["--retry"]
    assert completed(triggers, "profiles", "use", "") == ["production"]
    assert completed(triggers, "keys", "create", "shop", "--scope", "in") == ["inbox"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_have_their_scripts(triggers: Program, shell: str) -> None:
    ran = triggers("completion", shell)
    assert (ran.code, f"_TRIGGERS_COMPLETE={shell}_complete" in ran.out) == (0, True)
