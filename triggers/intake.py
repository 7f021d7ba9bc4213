"""Accept: an event is committed before its producer gets an answer, and hinted at afterwards."""

from msgspec import Struct

from triggers.events import Event
from triggers.ids import RandomBits, make_event_id
from triggers.ports import EventInserts, HintSender
from triggers.tenants import Tenant
from triggers.times import Clock


class EventDraft(Struct, frozen=True, kw_only=True):
    """What a producer sent, checked, before it is an event."""

    event_type: str
    payload: str
    source: str | None = None
    metadata: dict[str, str] = {}
    correlation_id: str
    traceparent: str | None = None
    idempotency_key: str | None = None


class Intake:
    """The way of an event into the store."""

    def __init__(
        self,
        events: EventInserts,
        hints: HintSender,
        *,
        clock: Clock,
        random_bits: RandomBits,
        grace_seconds: float,
        retention_days: int,
    ) -> None:
        self._events = events
        self._hints = hints
        self._clock = clock
        self._random_bits = random_bits
        self._grace_ms = int(grace_seconds * 1000)
        self._retention_seconds = retention_days * 86_400

    async def accept(self, tenant: Tenant, draft: EventDraft) -> Event:
        """Store an event, due after the grace in case its hint is lost, and hint at it.

        Raises StoreUnavailable or Overloaded; then the event may or may not have been stored.
        """
        event = self.make_event(tenant, draft)
        await self.store(tenant, event)
        return event

    def make_event(self, tenant: Tenant, draft: EventDraft, key_digest: str | None = None) -> Event:
        """Make the event of a draft, with a fresh id."""
        return Event(
            event_id=make_event_id(self._clock(), tenant.shards, self._random_bits),
            event_type=draft.event_type,
            payload=draft.payload,
            source=draft.source,
            metadata=draft.metadata,
            correlation_id=draft.correlation_id,
            traceparent=draft.traceparent,
            key_digest=key_digest,
        )

    async def store(self, tenant: Tenant, event: Event) -> None:
        """Store an event that was made, and hint at it. Again with the same id changes nothing.

        Raises as `accept` does.
        """
        now_ms = self._clock()
        await self._events.insert(
            tenant.tenant_id,
            event,
            due_ms=now_ms + self._grace_ms,
            expires_s=now_ms // 1000 + self._retention_seconds,
        )
        self._hints.send(tenant.tenant_id, event.event_id, event.traceparent)
