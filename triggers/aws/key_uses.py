"""When keys were used last, in the `counters` table."""

import asyncio
from collections.abc import Sequence

from triggers.aws import keys
from triggers.aws.items import Reads, Writes

KEPT_SECONDS = 2 * 365 * 86_400  # a key nobody has used for so long may as well never have been


class KeyUseStore:
    """See the port: written now and then, without a condition."""

    def __init__(self, reads: Reads, writes: Writes) -> None:
        self._reads = reads
        self._writes = writes

    async def record(self, tenant_id: str, key_id: str, used_ms: int) -> None:
        """Keep when a key was used."""
        item = {
            "pk": {"S": keys.key_use(tenant_id, key_id)},
            "used": {"N": str(used_ms)},
            "expires": {"N": str(used_ms // 1000 + KEPT_SECONDS)},
        }
        await self._writes.put(keys.COUNTERS, item)

    async def read(self, tenant_id: str, key_ids: Sequence[str]) -> dict[str, int]:
        """Return when each of the keys was used last; they are read in one batch."""
        partitions = [{"pk": {"S": keys.key_use(tenant_id, key_id)}} for key_id in key_ids]
        items = await asyncio.gather(*(self._reads.get(keys.COUNTERS, key) for key in partitions))
        found = zip(key_ids, items, strict=True)
        return {key_id: int(item["used"]["N"]) for key_id, item in found if item is not None}
