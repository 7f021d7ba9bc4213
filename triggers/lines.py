"""Items that wait in a line for each tenant, and are taken by turns: who has many delays nobody else."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lines(Generic[Item]):
    """Takes one item of each line in turn, the oldest of a line first (round robin)."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Hashable, deque[Item]] = OrderedDict()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def length(self, name: Hashable) -> int:
        """Return how many items wait in a line."""
        return len(self._lines.get(name, ()))

    def put(self, name: Hashable, item: Item) -> None:
        """Add an item to the end of a line. A line that was empty gets its turn after all others."""
        self._line(name).append(item)

    def put_back(self, name: Hashable, item: Item) -> None:
        """Give an item that was taken its place at the head of its line again."""
        self._line(name).appendleft(item)

    def take(self) -> Item:
        """Return the oldest item of the line whose turn it is. Raises KeyError when none waits."""
        name, line = self._lines.popitem(last=False)
        item = line.popleft()
        if line:
            self._lines[name] = line
        self._waiting -= 1
        return item

    def _line(self, name: Hashable) -> deque[Item]:
        self._waiting += 1
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = deque()
        return line
