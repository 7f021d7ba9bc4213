"""The queue of hints and the leases of shards, in memory."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence

from tests.fakes.base import Fake
from triggers.messages import Hint, MalformedMessage, decode_hint, encode_message
from triggers.ports import ReceivedHint
from triggers.times import Clock, system_clock


class FakeHints(Fake):
    """The hint queue. What was received and not deleted comes again after `show_again`."""

    def __init__(self, clock: Clock = system_clock, *, wait_seconds: float = 20) -> None:
        super().__init__()
        self.wait_seconds = wait_seconds
        self.visible: deque[tuple[str, str]] = deque()
        self.in_flight: dict[str, str] = {}
        self.lost = 0
        self._clock = clock
        self._arrived = asyncio.Event()
        self._handles = 0

    def send(self, tenant_id: str, event_id: str, traceparent: str | None) -> None:
        self.calls["send"] += 1
        if self.failing or "send" in self.failing_calls:
            self.lost += 1
            return
        hint = Hint(
            tenant_id=tenant_id,
            event_ids=(event_id,),
            sent_ms=self._clock(),
            traceparents={event_id: traceparent} if traceparent else {},
        )
        self.put(encode_message(hint))

    def put(self, text: str) -> None:
        """Put a message of any text into the queue."""
        self._handles += 1
        self.visible.append((f"handle-{self._handles}", text))
        self._arrived.set()

    def show_again(self) -> None:
        """Let the visibility time of all that is in flight be over."""
        self.visible.extend(self.in_flight.items())
        self.in_flight.clear()
        self._arrived.set()

    async def receive(self) -> Sequence[ReceivedHint]:
        await self._answer("receive")
        if not self.visible:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), self.wait_seconds)
        messages = [self.visible.popleft() for _ in range(min(10, len(self.visible)))]
        self.in_flight.update(messages)
        return [ReceivedHint(hint=_hint(text), handle=handle) for handle, text in messages]

    def delete(self, handle: str) -> None:
        self.calls["delete"] += 1
        if not self.failing and "delete" not in self.failing_calls:
            self.in_flight.pop(handle, None)


def _hint(text: str) -> Hint | None:
    try:
        return decode_hint(text)
    except MalformedMessage:
        return None


class FakeShardLeases(Fake):
    """The shard leases: who holds which shard, and until when."""

    def __init__(self) -> None:
        super().__init__()
        self.holders: dict[str, tuple[str, int]] = {}

    async def take(self, due_shard: str, owner: str, *, now_ms: int, until_ms: int) -> int | None:
        await self._answer("take")
        holder, ends_ms = self.holders.get(due_shard, (owner, 0))
        if holder != owner and ends_ms >= now_ms:
            return ends_ms
        self.holders[due_shard] = (owner, until_ms)
        return None

    async def release(self, due_shard: str, owner: str) -> None:
        await self._answer("release")
        if self.holders.get(due_shard, ("", 0))[0] == owner:
            del self.holders[due_shard]
