"""Opening deliveries of an event again, on condition that nothing of it has changed since the read.

The fence alone is no such condition: a worker that saves or finishes leaves it as it is.
"""

import asyncio
from functools import lru_cache

from triggers.aws import event_records as records
from triggers.aws import keys
from triggers.aws.clients import Clients
from triggers.aws.event_changes import EventChanges
from triggers.aws.event_records import Item
from triggers.aws.items import Reads, Writes
from triggers.aws.statements import Refused, Statement, Statements
from triggers.events import EventState
from triggers.ids import due_shard_of
from triggers.ports import Reopened, Standing

_KEEP_CHUNK = 'UPDATE "{table}" SET "expires" = ? WHERE "pk" = ? AND "sk" = ?'
_UNCHANGED = ("fence", "lease", "status", "deliveries")


class EventReopener(EventChanges):
    """The way back of deliveries that have ended."""

    def __init__(
        self,
        clients: Clients,
        reads: Reads,
        payloads: Reads,
        writes: Writes,
        statements: Statements,
    ) -> None:
        super().__init__(clients, reads, payloads, writes)
        self._statements = statements
        self._keep_chunk_text = _KEEP_CHUNK.format(table=clients.name(keys.PAYLOADS))

    async def stand(self, tenant_id: str, event_id: str) -> Standing | None:
        """Return how an event stands now, without its payload."""
        item = await self._read_item(tenant_id, event_id)
        return records.read_standing(item) if item else None

    async def reopen(
        self,
        tenant_id: str,
        event_id: str,
        standing: Standing,
        after: EventState,
        *,
        expires_s: int,
    ) -> Reopened:
        """Write an event as reopened if it stands as it was read, its payload's time first."""
        seen: Item = standing.seen
        expires: Item = {"N": str(expires_s)}
        chunks = range(records.chunks_of(seen))
        kept = await asyncio.gather(
            *(self._keep_chunk(tenant_id, event_id, number, expires) for number in chunks)
        )
        if not all(kept):
            return Reopened.GONE
        pk, sk = self._key(tenant_id, event_id)
        changes = {"expires": expires, "inbox": pk, **_changes(event_id, after)}
        conditions = {name: seen[name] for name in _UNCHANGED if name in seen}
        missing = tuple(name for name in _UNCHANGED if name not in seen)
        answer = await self._statements.execute(
            Statement(
                text=_reopen_text(self._table, tuple(changes), tuple(conditions), missing),
                parameters=(*changes.values(), pk, sk, *conditions.values()),
                item=event_id,
                tenant_id=tenant_id,
            )
        )
        return Reopened.CHANGED if isinstance(answer, Refused) else Reopened.DONE

    async def _keep_chunk(self, tenant_id: str, event_id: str, number: int, expires: Item) -> bool:
        """Keep a chunk of a payload longer. False: TTL was there first."""
        partition = keys.by_event(tenant_id, event_id)
        answer = await self._statements.execute(
            Statement(
                text=self._keep_chunk_text,
                parameters=(expires, {"S": partition}, {"N": str(number)}),
                item=f"{partition}#{number}",
                tenant_id=tenant_id,
            )
        )
        return not isinstance(answer, Refused)


def _changes(event_id: str, after: EventState) -> Item:
    changes: Item = {
        "status": {"S": after.status.value},
        "deliveries": {"S": records.encode_deliveries(after.deliveries or ())},
        "ready": {"N": str(after.ready_ms)},
        "due": {"N": str(after.due_ms)},
        "due_shard": {"S": due_shard_of(event_id)},
        "fence": {"N": str(after.fence)},
        "claims": {"N": str(after.claims)},
        "lease": {"N": str(after.lease_ms)},
    }
    if after.replays:
        changes["replays"] = {"S": records.encode_replays(after.replays)}
    return changes


@lru_cache(maxsize=64)
def _reopen_text(
    table: str, changed: tuple[str, ...], unchanged: tuple[str, ...], missing: tuple[str, ...]
) -> str:
    """Write an update: what is set, in the order of its parameters, and what it rests on."""
    settings = "".join(f' SET "{name}" = ?' for name in changed)
    conditions = "".join(f' AND "{name}" = ?' for name in unchanged)
    absences = "".join(f' AND "{name}" IS MISSING' for name in missing)
    key = '"pk" = ? AND "sk" = ?'
    return f'UPDATE "{table}"{settings} REMOVE "delivered" WHERE {key}{conditions}{absences}'
