"""Events that wait inside one worker, taken by turns from tenant to tenant."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from triggers.lines import Lines

LEFT_ALONE_MAX = 100_000
SWEPT_SHARE = 4


class Work(Struct, frozen=True, kw_only=True, eq=False):
    """An event, or a job by its own id, that may be due. `claimed` is called once its claim has been won or lost."""

    tenant_id: str
    event_id: str
    is_swept: bool = False
    claimed: Callable[[], None] | None = None


class FairQueue:
    """A bounded queue with a line for each tenant.

    Of what the sweeper finds, a tenant may have a quarter waiting: the rest of its backlog stays in
    the index, so that the sweeper reads on and comes to those who stand behind it. An event is in
    it, or worked on, once at a time; one that somebody else has claimed is left alone until that
    lease ends. What is refused is no loss: the due index still has it.
    """

    def __init__(self, *, waiting_max: int) -> None:
        self._waiting_max = waiting_max
        self._lines: Lines[Work] = Lines()
        self._known: set[str] = set()
        self._left_alone: OrderedDict[str, int] = OrderedDict()
        self._filled = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return len(self._lines)

    @property
    def has_room(self) -> bool:
        """Tell whether to ask for more events: half is free, so that a whole answer finds place."""
        return len(self._lines) * 2 <= self._waiting_max

    def put(self, work: Work, now_ms: int) -> bool:
        """Add an event. False: it is known here, left alone, or its tenant has its share waiting."""
        if work.event_id in self._known or self._left_alone.get(work.event_id, 0) > now_ms:
            return False
        waiting = self._lines.length(work.tenant_id)
        has_its_share = work.is_swept and waiting * SWEPT_SHARE >= self._waiting_max
        if len(self._lines) >= self._waiting_max or has_its_share:
            return False
        self._lines.put(work.tenant_id, work)
        self._known.add(work.event_id)
        self._filled.set()
        return True

    async def take(self) -> Work:
        """Wait for an event and return it: the oldest of the tenant whose turn it is."""
        while not self._lines:
            self._filled.clear()
            await self._filled.wait()
        return self._lines.take()

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
