"""Notes when keys are used, in the background: nobody waits for it, and a lost note is a metric."""

import asyncio
from collections import OrderedDict

from triggers.errors import TriggersError
from triggers.ports import KeyUses
from triggers.telemetry import key_uses_lost

INTERVAL_MS = 60_000  # a key is noted at most once in it, by one process
KEYS_MAX = 10_000
IN_FLIGHT_MAX = 100


class KeyUseLog:
    """What a process has noted of late. What there is no room for is noted at a later use."""

    def __init__(
        self, uses: KeyUses, *, keys_max: int = KEYS_MAX, in_flight_max: int = IN_FLIGHT_MAX
    ) -> None:
        self._uses = uses
        self._keys_max = keys_max
        self._in_flight_max = in_flight_max
        self._noted: OrderedDict[str, int] = OrderedDict()
        self._writes: set[asyncio.Task[None]] = set()

    def note(self, tenant_id: str, key_id: str, now_ms: int) -> None:
        """Note that a key is used now. Neither waits nor raises."""
        if _is_fresh(self._noted.get(key_id), now_ms) or len(self._writes) >= self._in_flight_max:
            return
        self._noted.pop(key_id, None)
        if len(self._noted) >= self._keys_max:
            if _is_fresh(next(iter(self._noted.values())), now_ms):
                return
            self._noted.popitem(last=False)
        self._noted[key_id] = now_ms
        write = asyncio.create_task(self._write(tenant_id, key_id, now_ms), name="key use")
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._writes, return_exceptions=True)

    async def _write(self, tenant_id: str, key_id: str, now_ms: int) -> None:
        try:
            await self._uses.record(tenant_id, key_id, now_ms)
        except TriggersError:
            key_uses_lost.add(1)


def _is_fresh(noted_ms: int | None, now_ms: int) -> bool:
    """Tell whether a note is of this minute; one from a clock that was set back since is not."""
    return noted_ms is not None and 0 <= now_ms - noted_ms < INTERVAL_MS
