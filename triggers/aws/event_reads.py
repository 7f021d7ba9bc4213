"""Reading events: one by its id, a page of the inbox, a page of the due index."""

import asyncio
import heapq
import logging
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from triggers import telemetry
from triggers.aws import event_records as records
from triggers.aws import keys
from triggers.aws.clients import Clients, calling
from triggers.aws.event_records import Item
from triggers.aws.items import Reads
from triggers.events import EventRecord
from triggers.ports import DueEvent, InboxPage

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import QueryInputTypeDef

PAGE_PAYLOAD_BYTES_MAX = 1024 * 1024  # a page of the inbox holds at most this much

_logger = logging.getLogger(__name__)


class _ShardPage(Struct, frozen=True, kw_only=True):
    """The ids that one shard's index gave. `ended`: there is nothing behind them."""

    event_ids: list[str]
    ended: bool


class EventReader:
    """The reading side of the event store. The base table decides, an index only proposes."""

    def __init__(self, clients: Clients, reads: Reads, payloads: Reads) -> None:
        self._clients = clients
        self._reads = reads
        self._payloads = payloads
        self._table = clients.name(keys.EVENTS)

    async def get(self, tenant_id: str, event_id: str) -> EventRecord | None:
        """Return an event with its payload."""
        item = await self._read_item(tenant_id, event_id)
        return await self._read_record(tenant_id, item) if item else None

    async def read_inbox(
        self, tenant_id: str, *, shards: int, after: str | None, limit: int
    ) -> InboxPage:
        """Return a page of the inbox, merged over the shards, checked against the table.

        At most 1 MiB of payloads is on a page, but for a first that is larger alone.
        """
        pages = await asyncio.gather(
            *(
                self._query_inbox(keys.events_partition(tenant_id, shard), after, limit)
                for shard in range(shards)
            )
        )
        event_ids, complete = _merge(pages, limit)
        items = await asyncio.gather(*(self._read_item(tenant_id, e) for e in event_ids))
        shown, position = _fit(event_ids, items)
        found = await asyncio.gather(*(self._read_record(tenant_id, item) for item in shown))
        if position is None and not complete:
            position = event_ids[-1]
        return InboxPage(records=tuple(filter(None, found)), position=position)

    async def read_due(
        self, due_shard: str, *, now_ms: int, limit: int, after: DueEvent | None
    ) -> list[DueEvent]:
        """Return a page of the due index."""
        if after is not None and after.due_ms > now_ms:  # the clock was set back
            return []  # nothing is due behind it, and AWS refuses a start beyond the condition
        query: QueryInputTypeDef = {
            "TableName": self._table,
            "IndexName": keys.DUE_INDEX,
            "KeyConditionExpression": "due_shard = :shard AND due <= :now",
            "ExpressionAttributeValues": {":shard": {"S": due_shard}, ":now": {"N": str(now_ms)}},
            "Limit": limit,
        }
        if after is not None:
            pk = {"S": keys.partition_of_due(after.tenant_id, after.event_id)}
            sk = {"S": after.event_id}
            due = {"N": str(after.due_ms)}
            query["ExclusiveStartKey"] = {
                "pk": pk,
                "sk": sk,
                "due_shard": {"S": due_shard},
                "due": due,
            }
        with calling("Query due"):
            answer = await self._clients.dynamodb.query(**query)
            return [_due_event(item) for item in answer["Items"]]

    async def _query_inbox(self, partition: str, after: str | None, limit: int) -> _ShardPage:
        condition = "inbox = :partition"
        values: dict[str, Any] = {":partition": {"S": partition}}
        if after is not None:
            condition += " AND sk > :after"
            values[":after"] = {"S": after}
        with calling("Query inbox"):
            answer = await self._clients.dynamodb.query(
                TableName=self._table,
                IndexName=keys.INBOX_INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                Limit=limit,
            )
            event_ids = [item["sk"]["S"] for item in answer["Items"]]
        return _ShardPage(event_ids=event_ids, ended="LastEvaluatedKey" not in answer)

    async def _read_item(self, tenant_id: str, event_id: str) -> Item | None:
        pk, sk = self._key(tenant_id, event_id)
        return await self._reads.get(keys.EVENTS, {"pk": pk, "sk": sk})

    async def _read_record(self, tenant_id: str, item: Item) -> EventRecord | None:
        """Return the event in an item with its payload.

        None: TTL, which deletes late and in any order, has taken of the payload already.
        """
        if not records.chunks_of(item):
            return records.read_record(item, records.inline_payload(item))
        partition = {"S": keys.by_event(tenant_id, item["sk"]["S"])}
        chunks = await asyncio.gather(
            *(
                self._payloads.get(keys.PAYLOADS, {"pk": partition, "sk": {"N": str(number)}})
                for number in range(records.chunks_of(item))
            )
        )
        present = [chunk for chunk in chunks if chunk is not None]
        if len(present) < len(chunks):
            gone = {"tenant_id": tenant_id, "event_id": item["sk"]["S"]}
            telemetry.log(_logger, "payload gone", level=logging.WARNING, **gone)
            return None
        packed = b"".join(chunk["data"]["B"] for chunk in present)
        return records.read_record(item, await asyncio.to_thread(records.unpack, packed))

    def _key(self, tenant_id: str, event_id: str) -> tuple[Item, Item]:
        return {"S": keys.partition_of_event(tenant_id, event_id)}, {"S": event_id}


def _merge(pages: list[_ShardPage], limit: int) -> tuple[list[str], bool]:
    """Merge the shards' pages in order; also tell whether nothing is behind what is returned.

    A shard that has more behind its page bounds what may be shown: its next id is not known.
    """
    open_ends = [page.event_ids[-1] for page in pages if not page.ended and page.event_ids]
    horizon = min(open_ends, default=None)
    merged = [
        event_id
        for event_id in heapq.merge(*(page.event_ids for page in pages))
        if horizon is None or event_id <= horizon
    ]
    return merged[:limit], horizon is None and len(merged) <= limit


def _fit(event_ids: list[str], items: list[Item | None]) -> tuple[list[Item], str | None]:
    """Keep what is still in the inbox, as far as a page reaches; also where it was cut, if so."""
    shown: list[Item] = []
    payload_bytes = 0
    previous: str | None = None
    for event_id, item in zip(event_ids, items, strict=True):
        if item is not None and "inbox" in item:
            payload_bytes += records.payload_bytes_of(item)
            if payload_bytes > PAGE_PAYLOAD_BYTES_MAX and shown:
                return shown, previous
            shown.append(item)
        previous = event_id
    return shown, None


def _due_event(item: Any) -> DueEvent:
    return DueEvent(
        tenant_id=keys.tenant_of_partition(item["pk"]["S"]),
        event_id=item["sk"]["S"],
        due_ms=int(item["due"]["N"]),
    )
