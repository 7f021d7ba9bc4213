"""Events that wait inside one worker, taken by turns from tenant to tenant."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from triggers.lines import Lines

LEFT_ALONE_MAX = 100_000
SWEPT_SHARE = 4


class Work(Struct, frozen=True, kw_only=True, eq=False):
    """An event, or a job by its own id, that may be due.

    `claimed` is called when its claim has been won or lost, and again at its end, whatever came of it.
    """

    tenant_id: str
    event_id: str
    is_swept: bool = False
    claimed: Callable[[], None] | None = None


class FairQueue:
    """A queue with two lines for each tenant: of what is hinted at, and of what was swept.

    Each kind is bounded by itself, so that a backlog takes no hint's place. Of what the sweeper
    finds, a tenant may have a quarter waiting: the rest of its backlog stays in the index, so that
    the sweeper reads on and comes to those who stand behind it. An event is in it, or worked on,
    once at a time; one that somebody else has claimed is left alone until that lease ends. What is
    refused is no loss: the due index still has it.
    """

    def __init__(self, *, waiting_max: int) -> None:
        self._waiting_max = waiting_max
        # By whether it was swept.
        self._lines: dict[bool, Lines[Work]] = {False: Lines(), True: Lines()}
        self._filled = {False: asyncio.Event(), True: asyncio.Event()}
        self._known: set[str] = set()
        self._left_alone: OrderedDict[str, int] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return len(self._lines[False]) + len(self._lines[True])

    def has_room(self, *, is_swept: bool) -> bool:
        """Tell whether to ask for more of a kind: half is free, so that a whole answer finds place."""
        return len(self._lines[is_swept]) * 2 <= self._waiting_max

    def put(self, work: Work, now_ms: int) -> bool:
        """Add an event. False: it is known here, left alone, or its tenant has its share waiting."""
        if work.event_id in self._known or self._left_alone.get(work.event_id, 0) > now_ms:
            return False
        lines = self._lines[work.is_swept]
        has_its_share = (
            work.is_swept and lines.length(work.tenant_id) * SWEPT_SHARE >= self._waiting_max
        )
        if len(lines) >= self._waiting_max or has_its_share:
            return False
        lines.put(work.tenant_id, work)
        self._known.add(work.event_id)
        self._filled[work.is_swept].set()
        return True

    async def filled(self, *, is_swept: bool) -> None:
        """Wait until there is an event to take, of those that were swept or of the others."""
        while not self._lines[is_swept]:
            self._filled[is_swept].clear()
            await self._filled[is_swept].wait()

    def take(self, *, is_swept: bool) -> Work:
        """Return the oldest event of the tenant whose turn it is. Raises KeyError when none waits."""
        return self._lines[is_swept].take()

    def done(self, work: Work) -> None:
        """Forget an event that was taken, so that it may come again."""
        self._known.discard(work.event_id)

    def leave_alone(self, event_id: str, until_ms: int) -> None:
        """Refuse an event until then: somebody else works on it."""
        self._left_alone[event_id] = until_ms
        self._left_alone.move_to_end(event_id)
        while len(self._left_alone) > LEFT_ALONE_MAX:
            self._left_alone.popitem(last=False)

    def forget_ended(self, now_ms: int) -> None:
        """Drop what need no longer be left alone."""
        ended = [event_id for event_id, until in self._left_alone.items() if until <= now_ms]
        for event_id in ended:
            del self._left_alone[event_id]


def once(call: Callable[[], None]) -> Callable[[], None]:
    """Return what calls `call` when it is called first, and does nothing after that."""
    calls = [call]

    def call_once() -> None:
        if calls:
            calls.pop()()

    return call_once
