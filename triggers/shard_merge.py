"""The shards of a tenant, read piece by piece and merged into one order. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ShardMerge(Generic[Value]):
    """Holds what was read of each shard, and gives it out in the order of the ids.

    A shard is open while there may be more of it than was read. What comes next is known only while
    something of every open shard is at hand.
    """

    def __init__(self, shards: int, *, newest_first: bool) -> None:
        self._read: list[deque[tuple[str, Value]]] = [deque() for _ in range(shards)]
        self._open = set(range(shards))
        self._next = max if newest_first else min

    @property
    def is_ended(self) -> bool:
        """Tell whether everything was read and given out."""
        return not self._open and not any(self._read)

    def low(self, least: int) -> list[int]:
        """Return the open shards of which fewer than that are at hand."""
        return [shard for shard in sorted(self._open) if len(self._read[shard]) < least]

    def feed(self, shard: int, entries: Iterable[tuple[str, Value]], *, ended: bool) -> None:
        """Add what comes next of a shard. `ended`: there is nothing behind it."""
        self._read[shard].extend(entries)
        if ended:
            self._open.discard(shard)

    def take(self, most: int) -> list[tuple[str, Value]]:
        """Take the next in order, at most that many, as far as they are known."""
        taken: list[tuple[str, Value]] = []
        while len(taken) < most and all(self._read[shard] for shard in self._open):
            heads = [(entries[0][0], shard) for shard, entries in enumerate(self._read) if entries]
            if not heads:
                break
            taken.append(self._read[self._next(heads)[1]].popleft())
        return taken
