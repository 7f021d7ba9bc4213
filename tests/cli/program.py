"""The program `triggers`, run as a process, and what it printed."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from infra.local.settings import ROOT
from tests.processes import PYTHON, WAIT_SECONDS, Process, own_environment, running

EXPECTED = Path(__file__).with_name("expected")
# Set to 1, the texts are written anew: read their difference before you commit it.
UPDATE = "UPDATE_EXPECTED"
# What differs in each run keeps its length, so that tables stay in shape.
_VOLATILE = (
    (
        r"\b(evt|wh|key|ten|job|req|corr)_[0-9A-Z]+\b",
        lambda m: m[1] + "_" + "0" * (len(m[0]) - len(m[1]) - 1),
    ),
    (r"\btrg_\w+", lambda m: m[0][:4] + "0" * (len(m[0]) - 4)),
    (r"\bwhsec_[\w+/=]+|\bsig_[\w-]+", lambda m: m[0].partition("_")[0] + "_0"),
    (r"\b[0-9A-Z]{26}\b", lambda m: "0" * len(m[0])),
    (r"/\S*/pytest-of-[^\s/]+/\S*/", lambda _: "/folder/"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", lambda _: "2026-11-22 05:29:00"),
    (r"127\.0\.0\.1:\d+", lambda _: "127.0.0.1:8080"),
)


@dataclass(frozen=True)
class Ran:
    """What a run of the program came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed, as one JSON document."""
        return json.loads(self.out)

    @property
    def documents(self) -> list[Any]:
        """What it printed, a JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def matches(self, name: str) -> None:
        """Compare all that was printed with the stored text of that name."""
        printed = normal(f"{self.out}--- stderr\n{self.err}--- exit code {self.code}\n")
        assert printed == stored(name, printed)


@dataclass(frozen=True, kw_only=True)
class Program:
    """The program, with an address and a key in its environment and a home of its own."""

    api: str
    key: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Where it finds the service, and keeps its profiles."""
        own = {
            "TRIGGERS_API": self.api,
            "TRIGGERS_KEY": self.key,
            "TRIGGERS_PROFILES": str(self.folder / "profiles.json"),
            "COLUMNS": "100",
        }
        return own_environment(own)

    def __call__(self, *arguments: str, text: str = "", **changes: str) -> Ran:
        """Run it to its end; `text` is its standard input, `changes` those of its environment."""
        ran = subprocess.run(
            (PYTHON, "-m", "triggers.cli", *arguments),
            check=False,
            input=text,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self.environment | changes,
            timeout=WAIT_SECONDS,
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def started(self, *arguments: str, **changes: str) -> AbstractContextManager[Process]:
        """Run it until it is stopped, or the context ends; all that it prints goes to one file."""
        command = (PYTHON, "-m", "triggers.cli", *arguments)
        return running(command, self.environment | changes, self.folder / "started.log")

    @contextmanager
    def asked(self, *arguments: str) -> Iterator["Asked"]:
        """Run it where its standard input is a terminal, up to its question."""
        terminal, ours = os.openpty()
        process = subprocess.Popen(
            (PYTHON, "-m", "triggers.cli", *arguments),
            stdin=ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.environment,
            start_new_session=True,  # else a secret would be asked for on the terminal of the tests
        )
        os.close(ours)
        with process, os.fdopen(terminal, "w") as keyboard:
            assert process.stderr is not None
            question = ""
            while not question.endswith(": ") and (one := process.stderr.read(1)):
                question += one
            try:
                yield Asked(process, keyboard, question)
            finally:
                process.kill()

    def call(self, method: str, path: str, content: object = None) -> Any:
        """Call the API itself, to prepare a test."""
        headers = {"authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, self.api + path, json=content, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@dataclass(frozen=True)
class Asked:
    """The program, as it waits for an answer to its question."""

    process: subprocess.Popen[str]
    keyboard: IO[str]
    question: str

    def answer(self, text: str) -> Ran:
        """Type the answer, and return what the program came to."""
        self.keyboard.write(text + "\n")
        self.keyboard.flush()
        out, err = self.process.communicate(timeout=WAIT_SECONDS)
        return Ran(self.process.returncode, out, err)


def stored(name: str, printed: str) -> str:
    """Return the stored text of that name, which is what was printed where texts are written anew."""
    path = EXPECTED / f"{name}.txt"
    if os.environ.get(UPDATE):
        path.write_text(normal(printed))
    return path.read_text()


def normal(printed: str) -> str:
    """Return what was printed without what differs in each run."""
    for pattern, replacement in _VOLATILE:
        printed = re.sub(pattern, replacement, printed)
    return printed
