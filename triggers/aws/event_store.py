"""The event store: insert, claim, finish, each conditional on how the event stands."""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

from triggers.aws import event_records as records
from triggers.aws import keys
from triggers.aws.clients import Clients
from triggers.aws.event_records import Item
from triggers.aws.event_reopening import EventReopener
from triggers.aws.items import Reads, Writes
from triggers.aws.statements import Refused, Statement, Statements
from triggers.deliveries import Delivery
from triggers.errors import TriggersError, Unavailable
from triggers.events import (
    Event,
    EventRecord,
    EventStatus,
    Progress,
    progress_to_give_back,
)
from triggers.ids import due_shard_of
from triggers.ports import ClaimLost

COMPRESS_OFF_LOOP_BYTES = 16 * 1024  # compressing more than this would hold up the event loop
OWNER_BYTES = 6  # of randomness: 8 characters in the item
UNREAD_PAUSE_MS = 5_000  # a throttled table of payloads is left alone this long
GONE_PAUSE_MS = 86_400_000  # nothing can be delivered any more: TTL takes the rest of the event

_CLAIM = (
    'UPDATE "{table}" SET "fence" = "fence" + 1 SET "claims" = "claims" + 1'
    ' SET "lease" = ? SET "owner" = ?'
    ' WHERE "pk" = ? AND "sk" = ? AND "status" = ? AND "ready" <= ? AND "lease" < ?'
    " RETURNING ALL NEW *"
)
_STATUSES = {status: {"S": status.value} for status in EventStatus}
# A finish whose answer was lost may have ended the claim: then there is nothing to save.
_STILL_CLAIMED = ' AND "lease" > 0'


class EventStore(EventReopener):
    """Events as the ports of the domain want them, written in batches of conditional statements."""

    def __init__(
        self,
        clients: Clients,
        statements: Statements,
        reads: Reads,
        payloads: Reads,
        writes: Writes,
    ) -> None:
        super().__init__(clients, reads, payloads, writes, statements)
        self._claim_text = _CLAIM.format(table=self._table)

    async def insert(self, tenant_id: str, event: Event, *, due_ms: int, expires_s: int) -> None:
        """Store a new event, its payload first when that is large."""
        stored = records.encode_event(event)
        stored_bytes = len(stored.encode())
        if len(event.payload) > COMPRESS_OFF_LOOP_BYTES:
            packed = await asyncio.to_thread(records.pack, event.payload, stored_bytes)
        else:
            packed = records.pack(event.payload, stored_bytes)
        await self._write_chunks(tenant_id, event.event_id, packed.chunks, expires_s)
        item = records.new_item(
            keys.partition_of_event(tenant_id, event.event_id),
            event.event_id,
            stored=stored,
            packed=packed,
            due_ms=due_ms,
            expires_s=expires_s,
        )
        # A duplicate of an id that we have just made is our own statement, sent again after its
        # answer was lost: the event is stored.
        await self._statements.execute(
            Statement(
                text=_insert_text(self._table, tuple(item)),
                parameters=tuple(item.values()),
                item=event.event_id,
                tenant_id=tenant_id,
            )
        )

    async def claim(
        self, tenant_id: str, event_id: str, *, now_ms: int, lease_ms: int
    ) -> EventRecord | ClaimLost:
        """Claim an event until `lease_ms` if it is pending, ready and nobody's."""
        owner = secrets.token_urlsafe(OWNER_BYTES)
        now = {"N": str(now_ms)}
        pending = _STATUSES[EventStatus.PENDING]
        key = self._key(tenant_id, event_id)
        answer = await self._statements.execute(
            Statement(
                text=self._claim_text,
                parameters=({"N": str(lease_ms)}, {"S": owner}, *key, pending, now, now),
                item=event_id,
                tenant_id=tenant_id,
            )
        )
        # Whether a batch gives the item of a statement is not promised everywhere: then it is read.
        item = answer.item or await self._read_item(tenant_id, event_id)
        if item is None:
            return ClaimLost()
        # The item decides, not the answer: what is refused may be our own claim, sent again after
        # its answer was lost, and what was read late may be somebody else's by now.
        if not records.is_claimed_by(item, owner):
            return ClaimLost(lease_ms=records.lease_of(item))
        return await self._read_claimed(tenant_id, item, now_ms)

    async def save(
        self, tenant_id: str, event_id: str, fence: int, deliveries: tuple[Delivery, ...]
    ) -> bool:
        """Write deliveries while others of the event are still in the air."""
        changes = {
            "deliveries": {"S": records.encode_deliveries(deliveries)},
            "claims": {"N": "0"},
        }
        return await self._update_if_mine(tenant_id, event_id, fence, changes, also=_STILL_CLAIMED)

    async def finish(self, tenant_id: str, event_id: str, fence: int, progress: Progress) -> bool:
        """End a claim with what came of it."""
        changes: dict[str, Item] = {
            "status": _STATUSES[progress.status],
            "ready": {"N": str(progress.ready_ms)},
            "lease": {"N": "0"},
            "claims": {"N": str(progress.claims)},
        }
        removals: tuple[str, ...] = ()
        if progress.due_ms is None:
            removals = ("due", "due_shard")
        else:
            changes["due"] = {"N": str(progress.due_ms)}
            changes["due_shard"] = {"S": due_shard_of(event_id)}
        if progress.deliveries is not None:
            changes["deliveries"] = {"S": records.encode_deliveries(progress.deliveries)}
        if progress.delivered_ms is not None:
            changes["delivered"] = {"N": str(progress.delivered_ms)}
        if not progress.in_inbox:
            removals += ("inbox",)
        return await self._update_if_mine(tenant_id, event_id, fence, changes, removals)

    async def _read_claimed(
        self, tenant_id: str, item: Item, now_ms: int
    ) -> EventRecord | ClaimLost:
        """Read the payload of an event just claimed; a claim that is of no use does not count."""
        try:
            record = await self._read_record(tenant_id, item)
        except Unavailable:
            await self._give_back(tenant_id, item, now_ms + UNREAD_PAUSE_MS)
            raise
        if record is None:
            await self._give_back(tenant_id, item, now_ms + GONE_PAUSE_MS)
            return ClaimLost()
        return record

    async def _give_back(self, tenant_id: str, item: Item, due_ms: int) -> None:
        state = records.read_state(item)
        progress = progress_to_give_back(state, due_ms)
        with suppress(TriggersError):  # then the lease ends by itself
            await self.finish(tenant_id, item["sk"]["S"], state.fence, progress)

    async def _write_chunks(
        self, tenant_id: str, event_id: str, chunks: tuple[bytes, ...], expires_s: int
    ) -> None:
        expires = {"N": str(expires_s)}
        partition = {"S": keys.by_event(tenant_id, event_id)}
        for number, chunk in enumerate(chunks):
            sort = {"N": str(number)}
            item = {"pk": partition, "sk": sort, "data": {"B": chunk}, "expires": expires}
            await self._writes.put(keys.PAYLOADS, item)

    async def _update_if_mine(
        self,
        tenant_id: str,
        event_id: str,
        fence: int,
        changes: Mapping[str, Item],
        removals: tuple[str, ...] = (),
        *,
        also: str = "",
    ) -> bool:
        """Set attributes and remove others, if nobody has claimed the event since."""
        key = self._key(tenant_id, event_id)
        answer = await self._statements.execute(
            Statement(
                text=_update_text(self._table, tuple(changes), removals, also),
                parameters=(*changes.values(), *key, {"N": str(fence)}),
                item=event_id,
                tenant_id=tenant_id,
            )
        )
        return not isinstance(answer, Refused)


@lru_cache(maxsize=64)
def _insert_text(table: str, names: tuple[str, ...]) -> str:
    attributes = ", ".join(f"'{name}': ?" for name in names)
    return f'INSERT INTO "{table}" VALUE {{{attributes}}}'


@lru_cache(maxsize=64)
def _update_text(table: str, changes: tuple[str, ...], removals: tuple[str, ...], also: str) -> str:
    """Write an update: first what is set, in the order of its parameters, then what is removed."""
    settings = "".join(f' SET "{name}" = ?' for name in changes)
    removing = "".join(f' REMOVE "{name}"' for name in removals)
    mine = f'"pk" = ? AND "sk" = ? AND "fence" = ?{also}'
    return f'UPDATE "{table}"{settings}{removing} WHERE {mine}'
