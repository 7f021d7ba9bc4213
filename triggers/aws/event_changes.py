"""What tenants change of an event: acknowledging and deleting it."""

import asyncio
import logging

from botocore.exceptions import ClientError

from triggers import telemetry
from triggers.aws import event_records as records
from triggers.aws import keys
from triggers.aws.clients import CONDITION_FAILED, Clients, calling, error_code, refused_item
from triggers.aws.event_lists import EventLists
from triggers.aws.event_records import Item
from triggers.aws.items import Reads, Writes
from triggers.errors import Unavailable
from triggers.events import EventOutcome, EventStatus, statuses_before

_logger = logging.getLogger(__name__)


class EventChanges(EventLists):
    """The changes that fence a worker off."""

    def __init__(self, clients: Clients, reads: Reads, payloads: Reads, writes: Writes) -> None:
        super().__init__(clients, reads, payloads)
        self._writes = writes

    async def acknowledge(self, tenant_id: str, event_id: str, now_ms: int) -> EventStatus | None:
        """Acknowledge an event, fence its worker off. Returns its status before; None: no event."""
        pk, sk = self._key(tenant_id, event_id)
        allowed = {
            f":before{number}": {"S": status.value}
            for number, status in enumerate(statuses_before(EventOutcome.ACKNOWLEDGED))
        }
        with calling("UpdateItem"):
            try:
                answer = await self._clients.dynamodb.update_item(
                    TableName=self._table,
                    Key={"pk": pk, "sk": sk},
                    UpdateExpression="SET #status = :after, acknowledged = :now,"
                    " fence = fence + :one REMOVE inbox, due, due_shard",
                    ConditionExpression=f"#status IN ({', '.join(allowed)})",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={
                        ":after": {"S": EventStatus.ACKNOWLEDGED.value},
                        ":now": {"N": str(now_ms)},
                        ":one": {"N": "1"},
                        **allowed,
                    },
                    ReturnValues="ALL_OLD",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise
                item = refused_item(error)
            else:
                item = answer["Attributes"]
            return EventStatus(item["status"]["S"]) if item else None

    async def delete(self, tenant_id: str, event_id: str) -> bool:
        """Delete an event, then its payload. False: there was none."""
        pk, sk = self._key(tenant_id, event_id)
        with calling("DeleteItem"):
            answer = await self._clients.dynamodb.delete_item(
                TableName=self._table, Key={"pk": pk, "sk": sk}, ReturnValues="ALL_OLD"
            )
        item = answer.get("Attributes")
        if not item:
            return False
        await self._delete_chunks(tenant_id, item)
        return True

    async def _delete_chunks(self, tenant_id: str, item: Item) -> None:
        """Delete a large payload; what is left behind is found by nobody, and TTL takes it."""
        event_id = item["sk"]["S"]
        partition = {"S": keys.by_event(tenant_id, event_id)}
        chunks = ({"pk": partition, "sk": {"N": str(n)}} for n in range(records.chunks_of(item)))
        try:
            await asyncio.gather(*(self._writes.delete(keys.PAYLOADS, key) for key in chunks))
        except Unavailable as error:
            left = {"tenant_id": tenant_id, "event_id": event_id, "reason": str(error)}
            telemetry.log(_logger, "payload left behind", level=logging.WARNING, **left)
