"""All tenants, in a partition of their own in the `control` table, so that nobody has to scan."""

from typing import TYPE_CHECKING

import msgspec

from triggers.aws import keys
from triggers.aws.clients import Clients, calling
from triggers.ports import TenantPage
from triggers.tenants import Tenant

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import QueryInputTypeDef

_TENANT = msgspec.json.Decoder(Tenant)


class TenantDirectory:
    """Reads the directory; it is written with the tenants themselves."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._table = clients.name(keys.CONTROL)

    async def read_tenants(self, *, after: str | None, limit: int) -> TenantPage:
        """Return a page of the directory."""
        query: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :directory",
            "ExpressionAttributeValues": {":directory": {"S": keys.DIRECTORY}},
            "ConsistentRead": True,
            "Limit": limit,
        }
        if after is not None:
            query["ExclusiveStartKey"] = {"pk": {"S": keys.DIRECTORY}, "sk": {"S": after}}
        with calling("Query directory"):
            answer = await self._clients.dynamodb.query(**query)
            tenants = tuple(_TENANT.decode(item["record"]["S"]) for item in answer["Items"])
            last = answer.get("LastEvaluatedKey")
            return TenantPage(tenants=tenants, position=last["sk"]["S"] if last else None)
