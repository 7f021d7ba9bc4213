"""The audit entries of a tenant, which stand in its partition of the `control` table."""

from typing import TYPE_CHECKING, Any

import msgspec

from triggers.audit import AuditFilter, AuditPage, takes
from triggers.aws import keys
from triggers.aws.clients import Clients, calling
from triggers.control_changes import AuditEntry

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import QueryInputTypeDef

QUERIES_MAX = 10  # of one page, whose filter may pass over all that they find
QUERY_ENTRIES_MAX = 100

_ENTRY = msgspec.json.Decoder(AuditEntry)


class AuditStore:
    """Reads the audit; it is written with the changes themselves."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._table = clients.name(keys.CONTROL)

    async def read_audit(
        self, tenant_id: str, wanted: AuditFilter, *, after: str | None, limit: int
    ) -> AuditPage:
        """Return a page of the audit. It reads a bounded amount, so it may be short."""
        found: list[AuditEntry] = []
        position, ask = after, limit if wanted.is_for_all_in_time else QUERY_ENTRIES_MAX
        for _ in range(QUERIES_MAX):
            entries, has_more = await self._query(tenant_id, wanted, position, ask)
            for number, (sort, entry) in enumerate(entries, start=1):
                position = sort
                if takes(wanted, entry):
                    found.append(entry)
                if len(found) == limit:
                    has_more = has_more or number < len(entries)
                    return AuditPage(entries=tuple(found), position=sort if has_more else None)
            if not has_more:
                return AuditPage(entries=tuple(found), position=None)
        return AuditPage(entries=tuple(found), position=position)

    async def _query(
        self, tenant_id: str, wanted: AuditFilter, after: str | None, limit: int
    ) -> tuple[list[tuple[str, AuditEntry]], bool]:
        """Return entries with their sort keys, newest first; also tell whether there are more."""
        first, last = keys.audit_range(wanted.since_ms, wanted.until_ms)
        values: dict[str, Any] = {
            ":tenant": {"S": tenant_id},
            ":first": {"S": first},
            ":last": {"S": last},
        }
        query: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :tenant AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
            "ConsistentRead": True,
            "Limit": limit,
        }
        if after is not None:
            query["ExclusiveStartKey"] = {"pk": {"S": tenant_id}, "sk": {"S": after}}
        with calling("Query audit"):
            answer = await self._clients.dynamodb.query(**query)
            entries = [(i["sk"]["S"], _ENTRY.decode(i["record"]["S"])) for i in answer["Items"]]
        return entries, "LastEvaluatedKey" in answer
