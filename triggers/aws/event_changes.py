"""What tenants change of an event: acknowledging it."""

from botocore.exceptions import ClientError

from triggers.aws.clients import CONDITION_FAILED, calling, error_code, refused_item
from triggers.aws.event_reads import EventReader
from triggers.events import EventOutcome, EventStatus, statuses_before


class EventChanges(EventReader):
    """The changes that fence a worker off."""

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
