"""Idempotency keys: a producer may send an event again, and it is still accepted once.

The record of a key is put before the event, on condition that there is none. So of any number of
calls with one key, whenever and wherever they come, one makes the event.
"""

import base64
import hashlib

import msgspec
from msgspec import Struct

from triggers.errors import Conflict, IdempotencyMismatch
from triggers.events import Event, EventState
from triggers.intake import EventDraft, Intake
from triggers.ports import EventReads, IdempotencyRecords, KeyRecord
from triggers.tenants import Tenant
from triggers.times import Clock

KEY_CHARACTERS_MAX = 255
METADATA_KEY = "idempotency_key"  # by which metadata may carry the key


class Accepted(Struct, frozen=True, kw_only=True):
    """An event that is stored. `replayed`: an earlier call with the same key made it."""

    event: Event
    state: EventState = EventState()
    replayed: bool = False


class IdempotentIntake:
    """Accepts events: each once, however often it comes with the same key."""

    def __init__(
        self,
        intake: Intake,
        events: EventReads,
        records: IdempotencyRecords,
        *,
        clock: Clock,
        hours: int,
    ) -> None:
        self._intake = intake
        self._events = events
        self._records = records
        self._clock = clock
        self._kept_seconds = hours * 3600

    async def accept(self, tenant: Tenant, draft: EventDraft) -> Accepted:
        """Store an event, or find the one that was stored under its key.

        Raises IdempotencyMismatch when the key came with other content, Conflict when its event
        was deleted, StoreUnavailable, Overloaded.
        """
        if draft.idempotency_key is None:
            return Accepted(event=await self._intake.accept(tenant, draft))
        event = self._intake.make_event(tenant, draft, digest_of_key(draft.idempotency_key))
        now_s = self._clock() // 1000
        ours = KeyRecord(
            event_id=event.event_id,
            fingerprint=fingerprint_of(draft),
            expires_s=now_s + self._kept_seconds,
        )
        first = await self._records.reserve(tenant.tenant_id, _digest(event), ours, now_s=now_s)
        if first.event_id == event.event_id:
            await self._intake.store(tenant, event)
            return Accepted(event=event)
        return await self._replay(tenant, event, first, ours.fingerprint)

    async def _replay(
        self, tenant: Tenant, event: Event, first: KeyRecord, fingerprint: str
    ) -> Accepted:
        """Return the first event as it stands; store it if whoever put the record did not."""
        _refuse_unless_same(first, fingerprint)
        found = await self._find(tenant, first.event_id)
        if found is None:
            # Deleted, or left out by a crash. A deletion marks the record before it takes the
            # event, so the record tells now which of the two it is.
            _refuse_unless_same(await self._again(tenant, event, first), fingerprint)
            await self._intake.store(
                tenant, msgspec.structs.replace(event, event_id=first.event_id)
            )
            found = await self._find(tenant, first.event_id)
        if found is None:
            raise _deleted(first.event_id)
        return found

    async def _again(self, tenant: Tenant, event: Event, first: KeyRecord) -> KeyRecord:
        return await self._records.read(tenant.tenant_id, _digest(event)) or first

    async def _find(self, tenant: Tenant, event_id: str) -> Accepted | None:
        record = await self._events.get(tenant.tenant_id, event_id, with_payload=False)
        if record is None:
            return None
        return Accepted(event=record.event, state=record.state, replayed=True)


def digest_of_key(key: str) -> str:
    """Return what a key is kept as: its SHA-256 in 43 characters."""
    digest = hashlib.sha256(key.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def fingerprint_of(draft: EventDraft) -> str:
    """Return the SHA-256 of what a producer sent, by which the same content is known again."""
    metadata = sorted(item for item in draft.metadata.items() if item[0] != METADATA_KEY)
    # No JSON text on one line holds a line feed, so nothing can move from one side to the other.
    head = msgspec.json.encode((draft.event_type, draft.source, metadata))
    return hashlib.sha256(head + b"\n" + draft.payload.encode()).hexdigest()


def _digest(event: Event) -> str:
    if event.key_digest is None:
        raise RuntimeError("the event came without a key")
    return event.key_digest


def _refuse_unless_same(record: KeyRecord, fingerprint: str) -> None:
    if record.fingerprint != fingerprint:
        raise IdempotencyMismatch(record.event_id)
    if record.deleted:
        raise _deleted(record.event_id)


def _deleted(event_id: str) -> Conflict:
    return Conflict(f"The event {event_id} of this idempotency key was deleted; use a new key")
