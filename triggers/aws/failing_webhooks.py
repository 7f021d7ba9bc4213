"""Since when webhooks have known nothing but failures: `counters` items that a success deletes."""

import asyncio
from collections.abc import Iterable

from triggers.aws import keys
from triggers.aws.clients import Clients, calling
from triggers.aws.items import Item, Reads

KEPT_SECONDS = 30 * 86_400  # after the last failure


class FailingWebhookStore:
    """See the port."""

    def __init__(self, clients: Clients, reads: Reads) -> None:
        self._dynamodb = clients.dynamodb
        self._table = clients.name(keys.COUNTERS)
        self._reads = reads

    async def note(self, tenant_id: str, webhook_id: str, now_ms: int) -> int:
        """Note a failure; returns since when there is nothing else, in milliseconds."""
        with calling("UpdateItem health"):
            answer = await self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(tenant_id, webhook_id),
                UpdateExpression="SET failing_since = if_not_exists(failing_since, :now),"
                " expires = :expires",
                ExpressionAttributeValues={
                    ":now": {"N": str(now_ms)},
                    ":expires": {"N": str(now_ms // 1000 + KEPT_SECONDS)},
                },
                ReturnValues="ALL_NEW",
            )
            return int(answer["Attributes"]["failing_since"]["N"])

    async def since(self, tenant_id: str, webhook_ids: Iterable[str]) -> dict[str, int]:
        """Return since when those among them fail that do."""
        ids = list(webhook_ids)
        items = await asyncio.gather(
            *(self._reads.get(keys.COUNTERS, _key(tenant_id, webhook_id)) for webhook_id in ids)
        )
        found = zip(ids, items, strict=True)
        return {name: int(item["failing_since"]["N"]) for name, item in found if item}

    async def clear(self, tenant_id: str, webhook_id: str) -> None:
        """Forget the failures of a webhook."""
        with calling("DeleteItem health"):
            await self._dynamodb.delete_item(TableName=self._table, Key=_key(tenant_id, webhook_id))


def _key(tenant_id: str, webhook_id: str) -> Item:
    return {"pk": {"S": keys.health(tenant_id, webhook_id)}}
