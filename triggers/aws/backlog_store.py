"""The `backlog` table: a marker for each failed or held delivery, by webhook, in order of events."""

import secrets
from typing import TYPE_CHECKING

from triggers.aws import keys
from triggers.aws.clients import Clients, calling
from triggers.aws.items import Item, Writes
from triggers.aws.statements import Statement, Statements
from triggers.ids import EVENT_ID_MAX, first_event_id
from triggers.ports import Marker

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import QueryInputTypeDef

TOKEN_BYTES = 6  # of randomness: 8 characters in the item

_DROP = 'DELETE FROM "{table}" WHERE "pk" = ? AND "sk" = ? AND "token" = ?'
_DROP_OLD = 'DELETE FROM "{table}" WHERE "pk" = ? AND "sk" = ? AND "token" IS MISSING'


class BacklogStore:
    """Markers of failed and held deliveries. Each writing of one has a token of its own."""

    def __init__(self, clients: Clients, writes: Writes, statements: Statements) -> None:
        self._clients = clients
        self._writes = writes
        self._statements = statements
        self._table = clients.name(keys.BACKLOG)

    async def mark(
        self, tenant_id: str, webhook_id: str, event_id: str, status: str, *, expires_s: int
    ) -> None:
        """Leave a marker, before the finish that makes the delivery so."""
        item: Item = {
            "pk": {"S": keys.by_webhook(tenant_id, webhook_id)},
            "sk": {"S": event_id},
            "status": {"S": status},
            "token": {"S": secrets.token_urlsafe(TOKEN_BYTES)},
            "expires": {"N": str(expires_s)},
        }
        await self._writes.put(keys.BACKLOG, item)

    async def read(
        self,
        tenant_id: str,
        webhook_id: str,
        *,
        after: str | None,
        since_ms: int | None,
        until_ms: int | None,
        limit: int,
    ) -> list[Marker]:
        """Return markers behind an event, of events created in a span of time, oldest first."""
        # Bounds are included, so the one behind an id is that with a character more.
        first = f"{after}!" if after else first_event_id(since_ms or 0)
        last = EVENT_ID_MAX if until_ms is None else first_event_id(until_ms)
        if first > last:
            return []
        query: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :webhook AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":webhook": {"S": keys.by_webhook(tenant_id, webhook_id)},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            "Limit": limit,
            "ConsistentRead": True,
        }
        with calling("Query backlog"):
            answer = await self._clients.dynamodb.query(**query)
            return [_marker(item) for item in answer["Items"]]

    async def drop(self, tenant_id: str, webhook_id: str, marker: Marker) -> None:
        """Delete a marker if it has not been written anew since it was read."""
        pk = keys.by_webhook(tenant_id, webhook_id)
        key: tuple[Item, ...] = ({"S": pk}, {"S": marker.event_id})
        token: tuple[Item, ...] = () if marker.token is None else ({"S": marker.token},)
        await self._statements.execute(
            Statement(
                text=(_DROP if token else _DROP_OLD).format(table=self._table),
                parameters=(*key, *token),
                item=f"{pk}#{marker.event_id}",
                tenant_id=tenant_id,
            )
        )


def _marker(item: Item) -> Marker:
    token = item.get("token")
    return Marker(event_id=item["sk"]["S"], token=token["S"] if token else None)
