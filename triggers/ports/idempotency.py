"""The port of idempotency keys."""

from typing import Protocol

from msgspec import Struct


class KeyRecord(Struct, frozen=True, kw_only=True):
    """What is kept of an idempotency key. It is in force until `expires_s`, seconds since 1970."""

    event_id: str
    fingerprint: str
    expires_s: int
    deleted: bool = False


class IdempotencyRecords(Protocol):
    """Which event an idempotency key stands for, by the key's digest."""

    async def reserve(
        self, tenant_id: str, key_digest: str, record: KeyRecord, *, now_s: int
    ) -> KeyRecord:
        """Put a record if there is none that is in force. Returns the one that stands.

        Raises Overloaded when too many are waiting.
        """

    async def read(self, tenant_id: str, key_digest: str) -> KeyRecord | None:
        """Return a record, whether in force or not."""

    async def mark_deleted(self, tenant_id: str, key_digest: str, event_id: str) -> None:
        """Mark that the event of a record was deleted; nothing if the key stands for another."""
