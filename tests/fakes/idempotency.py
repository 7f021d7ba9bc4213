"""The records of idempotency keys in memory."""

from msgspec.structs import replace

from tests.fakes.base import Fake
from triggers.ports import KeyRecord


class FakeIdempotency(Fake):
    """The records by (tenant, digest of the key)."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[tuple[str, str], KeyRecord] = {}

    async def reserve(
        self, tenant_id: str, key_digest: str, record: KeyRecord, *, now_s: int
    ) -> KeyRecord:
        await self._answer("reserve")
        found = self.records.get((tenant_id, key_digest))
        if found is None or found.expires_s <= now_s:
            found = self.records[tenant_id, key_digest] = record
        return found

    async def read(self, tenant_id: str, key_digest: str) -> KeyRecord | None:
        await self._answer("read")
        return self.records.get((tenant_id, key_digest))

    async def mark_deleted(self, tenant_id: str, key_digest: str, event_id: str) -> None:
        await self._answer("mark_deleted")
        found = self.records.get((tenant_id, key_digest))
        if found is not None and found.event_id == event_id:
            self.records[tenant_id, key_digest] = replace(found, deleted=True)
