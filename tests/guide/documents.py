"""What a document shows: its sections, and in each the blocks of code, in order."""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

_HEADING = re.compile(r"#{1,6} (.+)")
_FENCE = re.compile(r"```(\S*) ?(\S*)")


class Block(Struct, frozen=True, kw_only=True):
    """A block of code. `file`: under which name the reader saves it; empty: it is typed, or shows output."""

    language: str
    file: str
    text: str
    line: int


class Section(Struct, frozen=True, kw_only=True):
    """A heading, and the blocks under it up to the next."""

    title: str
    blocks: list[Block]


def read_sections(document: Path) -> list[Section]:
    """Return the sections that have blocks."""
    sections = [Section(title="", blocks=[])]
    lines = iter(enumerate(document.read_text().splitlines(), 1))
    for number, line in lines:
        if heading := _HEADING.fullmatch(line):
            sections.append(Section(title=heading[1], blocks=[]))
        elif fence := _FENCE.fullmatch(line):
            text = _until_fence(lines)
            block = Block(language=fence[1], file=fence[2], text=text, line=number)
            sections[-1].blocks.append(block)
    return [section for section in sections if section.blocks]


def _until_fence(lines: Iterator[tuple[int, str]]) -> str:
    inside: list[str] = []
    for _, line in lines:
        if line == "```":
            return "\n".join(inside) + "\n"
        inside.append(line)
    raise ValueError("a block has no end")
