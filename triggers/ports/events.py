"""The ports of events: how they are stored, read, ended, and opened again."""

from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from triggers.event_queries import EventQuery
from triggers.events import Event, EventRecord, EventState, EventStatus


class Standing(Struct, frozen=True, kw_only=True):
    """How an event stands, without its payload. `seen` is what a change of it rests on: opaque."""

    event_type: str
    traceparent: str | None = None
    state: EventState
    seen: Any = None


class Reopened(StrEnum):
    """What came of opening deliveries of an event again."""

    DONE = "done"
    CHANGED = "changed"  # it is not as it was read: read it again
    GONE = "gone"  # TTL has taken of its payload, so nothing can be sent any more


class EventPage(Struct, frozen=True, kw_only=True):
    """Some of a list. `position` continues it; None at its end."""

    records: tuple[EventRecord, ...]
    position: str | None


class EventInserts(Protocol):
    """Where accepted events go."""

    async def insert(self, tenant_id: str, event: Event, *, due_ms: int, expires_s: int) -> None:
        """Store a new event, its payload first when that is large. Committed when this returns.

        Raises Overloaded when too many are waiting.
        """


class EventReads(Protocol):
    """What consumers ask of events. Every read sees every earlier write."""

    async def get(
        self, tenant_id: str, event_id: str, *, with_payload: bool = True
    ) -> EventRecord | None:
        """Return an event. Without its payload, which is then `""`, the read is a small one."""

    async def read_events(self, tenant_id: str, query: EventQuery) -> EventPage:
        """Return a page of all events. It may be short and not the last."""

    async def read_inbox(self, tenant_id: str, query: EventQuery) -> EventPage:
        """Return a page of the inbox. It may be short and not the last, and may lag by a moment."""


class EventEndings(Protocol):
    """What a tenant does to its events. Both fence a worker off."""

    async def acknowledge(self, tenant_id: str, event_id: str, now_ms: int) -> EventStatus | None:
        """Acknowledge an event. Returns its status before; None: no event."""

    async def delete(self, tenant_id: str, event_id: str) -> bool:
        """Delete an event with its payload. False: there was none."""


class EventReopening(Protocol):
    """The way back of deliveries that have ended."""

    async def stand(self, tenant_id: str, event_id: str) -> Standing | None:
        """Return how an event stands now. None: there is none."""

    async def reopen(
        self,
        tenant_id: str,
        event_id: str,
        standing: Standing,
        after: EventState,
        *,
        expires_s: int,
    ) -> Reopened:
        """Write an event as reopened if it stands as it was read; it is kept until `expires_s`.

        It is in the inbox and on the due index again. Its payload is kept as long, from before.
        """
