"""How a tenant ends an event: by acknowledging it, or by deleting it."""

import logging
from typing import Protocol

from triggers import telemetry
from triggers.errors import AlreadyAcknowledged, NotFound, Unavailable
from triggers.events import EventStatus
from triggers.ids import is_event_id
from triggers.ports import Attempts, EventEndings, EventReads, IdempotencyRecords
from triggers.times import Clock

_logger = logging.getLogger(__name__)


class Events(EventReads, EventEndings, Protocol):
    """The sides of the event store that this needs."""


class Endings:
    """Acknowledges and deletes events."""

    def __init__(
        self,
        events: Events,
        attempts: Attempts,
        records: IdempotencyRecords,
        *,
        clock: Clock,
    ) -> None:
        self._events = events
        self._attempts = attempts
        self._records = records
        self._clock = clock

    async def acknowledge(self, tenant_id: str, event_id: str) -> None:
        """Acknowledge an event, once. Raises NotFound, AlreadyAcknowledged."""
        if not is_event_id(event_id):
            raise NotFound("event", event_id)
        before = await self._events.acknowledge(tenant_id, event_id, self._clock())
        if before is None:
            raise NotFound("event", event_id)
        if before is EventStatus.ACKNOWLEDGED:
            raise AlreadyAcknowledged(event_id)

    async def delete(self, tenant_id: str, event_id: str) -> None:
        """Delete an event with all that belongs to it. Raises NotFound."""
        found = is_event_id(event_id) and await self._events.get(
            tenant_id, event_id, with_payload=False
        )
        if not found:
            raise NotFound("event", event_id)
        # First the mark: whoever finds the event gone and its key unmarked would store it again.
        if found.event.key_digest is not None:
            await self._records.mark_deleted(tenant_id, found.event.key_digest, event_id)
        # What is gone by now was deleted by a call at the same time, or by this one, sent again
        # after its answer was lost.
        await self._events.delete(tenant_id, event_id)
        await self._delete_attempts(tenant_id, event_id)

    async def _delete_attempts(self, tenant_id: str, event_id: str) -> None:
        """Delete what nobody can find any more; what is left goes when its time is over."""
        try:
            await self._attempts.delete(tenant_id, event_id)
        except Unavailable as error:
            gone = {"tenant_id": tenant_id, "event_id": event_id, "reason": str(error)}
            telemetry.log(_logger, "attempts left behind", level=logging.WARNING, **gone)
