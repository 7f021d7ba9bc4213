"""Waiting for the deliveries of an event on behalf of its producer: `Prefer: wait=N` (RFC 7240)."""

import asyncio
from contextlib import suppress

from msgspec.structs import replace

from app.lifecycle import Lifecycle
from app.places import Places
from triggers.errors import TriggersError
from triggers.events import is_settled
from triggers.idempotency import Accepted
from triggers.ports import EventReads

WAITING_MAX = 1_000  # in one process; each reads twice a second
WAITING_OF_TENANT_MAX = 100  # so that no tenant's waits shut out another's
FIRST_PAUSE_SECONDS = 0.05
PAUSE_SECONDS_MAX = 0.5
PAUSE_GROWTH = 1.5
READ_SECONDS = 2.0


class Waits:
    """The requests of this process that wait."""

    def __init__(
        self,
        events: EventReads,
        *,
        waiting_max: int = WAITING_MAX,
        of_tenant_max: int = WAITING_OF_TENANT_MAX,
    ) -> None:
        self._events = events
        self._places = Places(most=waiting_max, of_tenant_most=of_tenant_max)

    async def until_settled(
        self, tenant_id: str, accepted: Accepted, seconds: float, lifecycle: Lifecycle
    ) -> tuple[Accepted, bool]:
        """Wait until nothing is to be delivered any more, so many seconds at most.

        Returns the event as it stands then, and whether there was a wait: not if too many do, here
        or of the tenant, nor when the process is about to end. What cannot be read meanwhile is no
        error, for the event is stored.
        """
        if self._places.is_full or self._places.has_its_share(tenant_id):
            return accepted, False
        with self._places.take(tenant_id):
            return await self._poll(tenant_id, accepted, seconds, lifecycle)

    async def _poll(
        self, tenant_id: str, accepted: Accepted, seconds: float, lifecycle: Lifecycle
    ) -> tuple[Accepted, bool]:
        now = asyncio.get_running_loop().time
        until, pause = now() + seconds, FIRST_PAUSE_SECONDS
        while not is_settled(accepted.state) and (left := until - now()) > 0:
            if lifecycle.is_draining:
                return accepted, False
            await asyncio.sleep(min(pause, left))
            pause = min(pause * PAUSE_GROWTH, PAUSE_SECONDS_MAX)
            with suppress(TriggersError, TimeoutError):
                async with asyncio.timeout(READ_SECONDS):
                    record = await self._events.get(
                        tenant_id, accepted.event.event_id, with_payload=False
                    )
                if record is None:  # deleted: nothing more becomes of it
                    return accepted, True
                accepted = replace(accepted, event=record.event, state=record.state)
        return accepted, True
