"""The `attempts` table: what went wrong."""

import asyncio
from typing import TYPE_CHECKING

import msgspec

from triggers.attempts import Attempt, AttemptPage, AttemptPosition, position_of
from triggers.aws import keys
from triggers.aws.clients import Clients, calling
from triggers.aws.items import Item, Writes

PAGES_MAX = 8  # of 1 MB: more than 50 webhooks of 20 attempts each, with 4 KB of every answer

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import QueryInputTypeDef

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Attempt)


class AttemptStore:
    """The attempts that are kept."""

    def __init__(self, clients: Clients, writes: Writes) -> None:
        self._clients = clients
        self._writes = writes

    async def record(self, tenant_id: str, attempt: Attempt, *, expires_s: int) -> None:
        """Keep an attempt; the same number again overwrites."""
        item: Item = {
            "pk": {"S": keys.by_event(tenant_id, attempt.event_id)},
            "sk": {"S": keys.attempt_sort(attempt.webhook_id, attempt.number)},
            "webhook": {"S": keys.by_webhook(tenant_id, attempt.webhook_id)},
            "at": {"N": str(attempt.started_ms)},
            "record": {"S": _ENCODER.encode(attempt).decode()},
            "expires": {"N": str(expires_s)},
        }
        await self._writes.put(keys.ATTEMPTS, item)

    async def read(self, tenant_id: str, event_id: str) -> list[Attempt]:
        """Return the kept attempts of an event, newest first."""
        with calling("Query attempts"):
            items = await self._query(tenant_id, event_id)
            attempts = [_DECODER.decode(item["record"]["S"]) for item in items]
        return sorted(attempts, key=lambda attempt: (-attempt.started_ms, -attempt.number))

    async def delete(self, tenant_id: str, event_id: str) -> None:
        """Delete the kept attempts of an event."""
        with calling("Query attempts"):
            found = await self._query(tenant_id, event_id, keys_only=True)
        await asyncio.gather(*(self._writes.delete(keys.ATTEMPTS, key) for key in found))

    async def _query(self, tenant_id: str, event_id: str, *, keys_only: bool = False) -> list[Item]:
        query: QueryInputTypeDef = {
            "TableName": self._clients.name(keys.ATTEMPTS),
            "KeyConditionExpression": "pk = :event",
            "ExpressionAttributeValues": {":event": {"S": keys.by_event(tenant_id, event_id)}},
            "ConsistentRead": True,
        }
        if keys_only:
            query["ProjectionExpression"] = "pk, sk"
        items: list[Item] = []
        for _ in range(PAGES_MAX):
            answer = await self._clients.dynamodb.query(**query)
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                break
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return items

    async def read_of_webhook(
        self, tenant_id: str, webhook_id: str, *, after: AttemptPosition | None, limit: int
    ) -> AttemptPage:
        """Return a page of the kept attempts of a webhook, newest first, from the index."""
        webhook = {"S": keys.by_webhook(tenant_id, webhook_id)}
        query: QueryInputTypeDef = {
            "TableName": self._clients.name(keys.ATTEMPTS),
            "IndexName": keys.WEBHOOK_INDEX,
            "KeyConditionExpression": "webhook = :webhook",
            "ExpressionAttributeValues": {":webhook": webhook},
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after is not None:
            query["ExclusiveStartKey"] = {
                "webhook": webhook,
                "at": {"N": str(after.started_ms)},
                "pk": {"S": keys.by_event(tenant_id, after.event_id)},
                "sk": {"S": keys.attempt_sort(webhook_id, after.number)},
            }
        with calling("Query attempts of a webhook"):
            answer = await self._clients.dynamodb.query(**query)
            attempts = tuple(_DECODER.decode(item["record"]["S"]) for item in answer["Items"])
        has_more = "LastEvaluatedKey" in answer and attempts
        return AttemptPage(
            attempts=attempts, position=position_of(attempts[-1]) if has_more else None
        )
