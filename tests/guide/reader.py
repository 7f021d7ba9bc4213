"""Does what a document says, word for word: saves the files, types the lines, compares what is printed.

A section is one shell. What comes right after a block of shell is its output: `…` in it stands for
anything, ids, times, keys and signatures for any others.
"""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.guide.documents import Block, Section
from tests.processes import PYTHON, own_environment

SECTION_SECONDS_MAX = 120.0
# What a language needs beside Python and curl; where it is missing its sections cannot be run.
TOOLS = {"javascript": "node", "go": "go"}
OUTPUTS = frozenset({"json", "text"})
_VOLATILE = re.compile(
    r"\b(?:evt|wh|ten|job|req|corr|trg|whsec|sig)_[\w+/=…-]+|\b[0-9A-Z]{26}\b"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z|v1,[\w+/]{43}=|127\.0\.0\.1:\d+"
)
_MARK = "\n=== block {} ===\n"
_PROLOGUE = "set -eu -o pipefail; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"


def missing_tools(section: Section) -> list[str]:
    """Return the tools that a section needs and this machine does not have."""
    needed = {TOOLS[block.language] for block in section.blocks if block.language in TOOLS}
    return sorted(tool for tool in needed if shutil.which(tool) is None)


def follow(
    section: Section,
    before: Sequence[Block],
    folder: Path,
    environment: Mapping[str, str],
    files: Path | None = None,
) -> None:
    """Do what a section says; `before` are the lines that the document has the reader type first.

    Its files are saved into the folder `files`, else into that in which the shell begins.
    """
    for block in section.blocks:
        _expect_known(block)
        if block.file:
            ((files or folder) / block.file).write_text(block.text)
    typed = [block for block in section.blocks if block.language == "sh" and not block.file]
    printed = _type([*before, *typed], folder, environment)
    shown = dict(_outputs(section.blocks))
    for block in typed:
        if block in shown:
            _compare(shown[block], printed[block.line])
        else:
            assert "/docs/problems/" not in printed[block.line], f"line {block.line} was refused"


def shell_environment(**own: str) -> dict[str, str]:
    """Return the reader's: ours, with the Python of the project first."""
    environment = own_environment(own)
    return environment | {"PATH": f"{Path(PYTHON).parent}:{environment['PATH']}"}


def _type(blocks: list[Block], folder: Path, environment: Mapping[str, str]) -> dict[int, str]:
    """Type the blocks into one shell; return what each printed, by its line in the document."""
    script = _PROLOGUE + "".join(
        f"printf '{_MARK.format(block.line)}'\n{block.text}" for block in blocks
    )
    ran = subprocess.run(
        ("bash", "-c", script),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env=dict(environment),
        timeout=SECTION_SECONDS_MAX,
    )
    assert ran.returncode == 0, f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    parts = re.split(_MARK.format(r"(\d+)"), ran.stdout)
    return {int(line): text for line, text in zip(parts[1::2], parts[2::2], strict=True)}


def _outputs(blocks: list[Block]) -> Iterator[tuple[Block, Block]]:
    for block, after in itertools.pairwise(blocks):
        if block.language == "sh" and after.language in OUTPUTS:
            yield block, after


def _expect_known(block: Block) -> None:
    if block.language == "json":
        json.loads(block.text)
    elif not (block.language in {"sh", "text"} or block.file):
        raise AssertionError(f"line {block.line}: nobody can run a block of {block.language!r}")


def _compare(shown: Block, printed: str) -> None:
    where = f"line {shown.line}, printed was:\n{printed}"
    if shown.language == "text":
        assert _is_like(shown.text.strip(), printed.strip()), where
    else:
        assert _is_like_document(json.loads(shown.text), json.loads(printed)), where


def _is_like_document(shown: Any, actual: Any) -> bool:
    """Tell whether a document is as it is shown; the key `…` stands for all keys that are not shown."""
    if isinstance(shown, dict) and isinstance(actual, dict):
        named = {key: value for key, value in shown.items() if key != "…"}
        complete = "…" in shown or named.keys() == actual.keys()
        return complete and all(
            key in actual and _is_like_document(value, actual[key]) for key, value in named.items()
        )
    if isinstance(shown, list) and isinstance(actual, list):
        return len(shown) == len(actual) and all(map(_is_like_document, shown, actual))
    if isinstance(shown, str):
        return shown == "…" or (isinstance(actual, str) and _is_like(shown, actual))
    return type(shown) is type(actual) and bool(shown == actual)


def _is_like(shown: str, actual: str) -> bool:
    pattern = ".*".join(map(re.escape, _VOLATILE.sub("∎", shown).split("…")))
    return re.fullmatch(pattern, _VOLATILE.sub("∎", actual), re.DOTALL) is not None
