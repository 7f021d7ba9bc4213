"""Sampled stacks, and the sums over them: where the time of a process went."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import NamedTuple

import msgspec
from msgspec import Struct

_ENDS = ("", ".", ":")  # of a part of a name


class Frame(NamedTuple):
    """A function, and the line of its file that it is at; 0: not known."""

    module: str
    function: str
    file: str
    line: int

    @property
    def name(self) -> str:
        """It as it is shown and looked up: `module:function`."""
        return f"{self.module}:{self.function}"


Stack = tuple[Frame, ...]
"""From the start of the program to what was running."""

Stacks = Counter[Stack]
"""How often each was seen."""


class _SeenFrame(Struct):
    name: str
    file: str
    line: int | None = None


class _Shared(Struct):
    frames: list[_SeenFrame]


class _Thread(Struct):
    samples: list[tuple[int, ...]]


class _Record(Struct):
    """A file of speedscope: frames, and for each thread its samples in their order."""

    shared: _Shared
    profiles: list[_Thread]


def read_stacks(record: bytes, folders: Iterable[str]) -> Stacks:
    """Read what `py-spy record --format speedscope` writes; modules lie in one of the folders.

    A stack that comes several times on end, line by line the same, counts once: the process did not
    get on, since others had the processor. Raises msgspec.DecodeError.
    """
    seen = msgspec.json.decode(record, type=_Record)
    longest_first = sorted(folders, key=len, reverse=True)
    frames = [
        Frame(module_of(frame.file, longest_first), frame.name, frame.file, frame.line or 0)
        for frame in seen.shared.frames
    ]
    return Stacks(
        tuple(frames[index] for index in sample)
        for thread in seen.profiles
        for sample, _ in groupby(thread.samples)
    )


def module_of(file: str, folders: Iterable[str]) -> str:
    """Return the module that a file is, by the first folder that it lies in."""
    folder = next((folder for folder in folders if folder and file.startswith(f"{folder}/")), "")
    path = file.removeprefix(folder).strip("/")
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def shares(stacks: Stacks, name_of: Callable[[Stack], str]) -> dict[str, float]:
    """Return by name, the largest first, how many percent of the samples have it."""
    seen: Counter[str] = Counter()
    for stack, number in stacks.items():
        seen[name_of(stack)] += number
    total = seen.total()
    return {name: round(100 * number / total, 1) for name, number in seen.most_common()}


def function_of(stack: Stack) -> str:
    """Return the function that was running."""
    return stack[-1].name


def longest_prefix(name: str, prefixes: Iterable[str]) -> str | None:
    """Return the longest of the prefixes that a name has, whole parts of it; None: it has none."""
    fitting = (p for p in prefixes if name.startswith(p) and name[len(p) : len(p) + 1] in _ENDS)
    return max(fitting, key=len, default=None)
