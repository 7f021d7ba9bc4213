"""Reading events: one by its id, a page of the due index."""

import asyncio
import logging
from typing import Any

from triggers import telemetry
from triggers.aws import event_records as records
from triggers.aws import keys
from triggers.aws.clients import Clients, calling
from triggers.aws.event_records import Item
from triggers.aws.items import Reads
from triggers.aws.operations import QUERY
from triggers.events import EventRecord
from triggers.ports import DueEvent

_logger = logging.getLogger(__name__)


class EventReader:
    """The reading side of the event store. The base table decides, an index only proposes."""

    def __init__(self, clients: Clients, reads: Reads, payloads: Reads) -> None:
        self._clients = clients
        self._reads = reads
        self._payloads = payloads
        self._table = clients.name(keys.EVENTS)

    async def get(
        self, tenant_id: str, event_id: str, *, with_payload: bool = True
    ) -> EventRecord | None:
        """Return an event; without its payload no more is read than its item."""
        item = await self._read_item(tenant_id, event_id)
        if item is None:
            return None
        if not with_payload:
            return records.read_record(item, "")
        return await self._read_record(tenant_id, item)

    async def read_due(
        self,
        due_shard: str,
        *,
        now_ms: int,
        limit: int,
        after: DueEvent | None,
        latest_first: bool = False,
    ) -> list[DueEvent]:
        """Return a page of the due index."""
        if after is not None and after.due_ms > now_ms:  # the clock was set back
            return []  # nothing is due behind it, and AWS refuses a start beyond the condition
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": keys.DUE_INDEX,
            "KeyConditionExpression": "due_shard = :shard AND due <= :now",
            "ExpressionAttributeValues": {":shard": {"S": due_shard}, ":now": {"N": str(now_ms)}},
            "Limit": limit,
            "ScanIndexForward": not latest_first,
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
            answer = await self._clients.hot_dynamodb.call(QUERY, query)
            return [_due_event(item) for item in answer["Items"]]

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


def _due_event(item: Any) -> DueEvent:
    return DueEvent(
        tenant_id=keys.tenant_of(keys.EVENTS, item["pk"]["S"]),
        event_id=item["sk"]["S"],
        due_ms=int(item["due"]["N"]),
    )
