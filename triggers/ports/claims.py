"""The ports of work that is due: who finds it, and who may do it."""

from typing import Protocol

from msgspec import Struct

from triggers.deliveries import Delivery
from triggers.events import EventRecord, Progress


class DueEvent(Struct, frozen=True, kw_only=True):
    """An entry of the due index: somebody should look at this event, or job by its own id."""

    tenant_id: str
    event_id: str
    due_ms: int


class ClaimLost(Struct, frozen=True, kw_only=True):
    """A claim that was refused: the event is done, not ready, or another's until `lease_ms`."""

    lease_ms: int | None = None


class EventClaims(Protocol):
    """The worker's right to work on events."""

    async def claim(
        self, tenant_id: str, event_id: str, *, now_ms: int, lease_ms: int
    ) -> EventRecord | ClaimLost:
        """Claim an event until `lease_ms` if it is pending, ready and nobody's.

        When it raises because a payload cannot be read now, the claim has been given back.
        """

    async def save(
        self, tenant_id: str, event_id: str, fence: int, deliveries: tuple[Delivery, ...]
    ) -> bool:
        """Write deliveries before the claim ends; it no longer counts. False: fenced off."""

    async def finish(self, tenant_id: str, event_id: str, fence: int, progress: Progress) -> bool:
        """End a claim with what came of it. False: fenced off, nothing was written."""


class DueIndex(Protocol):
    """The sweeper's view: which events are due."""

    async def read_due(
        self,
        due_shard: str,
        *,
        now_ms: int,
        limit: int,
        after: DueEvent | None,
        latest_first: bool = False,
    ) -> list[DueEvent]:
        """Return events due by now, in order after an entry, or from the start the latest first.

        It may lag; the claim decides.
        """


class ShardLeases(Protocol):
    """By which workers keep out of each other's way. Nothing is wrong if two hold one."""

    async def take(self, due_shard: str, owner: str, *, now_ms: int, until_ms: int) -> int | None:
        """Take a shard if it is free or ours. Returns None: it is ours; else when theirs ends."""

    async def release(self, due_shard: str, owner: str) -> None:
        """Give a shard back early."""
