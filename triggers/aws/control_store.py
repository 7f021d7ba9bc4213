"""The `control` table: tenants, keys and webhooks under one version, changed in transactions."""

from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from triggers.aws import keys
from triggers.aws.clients import INVALID, Clients, calling, error_code
from triggers.aws.control_records import ControlRecords
from triggers.aws.items import Item, Reads
from triggers.aws.operations import QUERY
from triggers.control_changes import ControlChange, Controlled
from triggers.errors import StoreRefused
from triggers.ids import group_of
from triggers.tenants import Tenant, TenantView

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import TransactWriteItemTypeDef

# Why a transaction was cancelled, for each of its writes.
_NO_REASON = "None"
_MOVED = frozenset({"ConditionalCheckFailed", "TransactionConflict"})

_ENCODER = msgspec.json.Encoder()


class ControlStore:
    """What changes slowly, strongly consistent."""

    def __init__(self, clients: Clients, reads: Reads, records: ControlRecords) -> None:
        self._clients = clients
        self._reads = reads
        self._records = records
        self._table = clients.name(keys.CONTROL)

    async def read_version(self, tenant_id: str) -> int:
        """Return the version of a tenant's control data; 0: there is none."""
        return await self._read_version(tenant_id)

    async def read_group_version(self, group: int) -> int:
        """Return a number that each change of a tenant in the group raises; 0: there was none."""
        return await self._read_version(keys.group_partition(group))

    async def read_view(self, tenant_id: str) -> TenantView:
        """Return all of it. The version is read first, so it is never newer than the rest."""
        version = await self.read_version(tenant_id)
        if version == 0:
            return TenantView(tenant_id=tenant_id, version=0)
        return await self._records.decode(tenant_id, version, await self._read_records(tenant_id))

    async def write(self, tenant_id: str, change: ControlChange) -> bool:
        """Apply a change and raise both versions in one transaction. False: the tenant's had moved."""
        writes = [
            self._raise_version(tenant_id, change.from_version),
            self._raise_group_version(group_of(tenant_id)),
            *[write for put in change.puts for write in await self._puts(tenant_id, put)],
            *(write for gone in change.deletes for write in self._deletes(tenant_id, gone)),
            self._put_audit(tenant_id, change),
        ]
        with calling("TransactWriteItems"):
            try:
                await self._clients.dynamodb.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if not _is_moved(error):
                    raise
                return False
        return True

    async def _read_version(self, partition: str) -> int:
        item = await self._reads.get(keys.CONTROL, _version_key(partition))
        with calling("BatchGetItem version"):
            return int(item["version"]["N"]) if item else 0

    async def _read_records(self, tenant_id: str) -> list[tuple[str, str]]:
        """Read keys, tenant and webhooks with their sort keys; the audit entries sort before."""
        found: list[tuple[str, str]] = []
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :tenant AND sk >= :first",
            "ExpressionAttributeValues": {
                ":tenant": {"S": tenant_id},
                ":first": {"S": keys.KEY_PREFIX},
            },
            "ConsistentRead": True,
        }
        while True:
            with calling("Query control"):
                answer = await self._clients.hot_dynamodb.call(QUERY, query)
                items = [item for item in answer["Items"] if item["sk"]["S"] != keys.VERSION_KEY]
                found += [(item["sk"]["S"], item["record"]["S"]) for item in items]
            if "LastEvaluatedKey" not in answer:
                return found
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _raise_version(self, tenant_id: str, from_version: int) -> "TransactWriteItemTypeDef":
        condition = "version = :from" if from_version else "attribute_not_exists(pk)"
        values: dict[str, Any] = {":to": {"N": str(from_version + 1)}}
        if from_version:
            values[":from"] = {"N": str(from_version)}
        return {
            "Update": {
                "TableName": self._table,
                "Key": _version_key(tenant_id),
                "UpdateExpression": "SET version = :to",
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }

    def _raise_group_version(self, group: int) -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table,
                "Key": _version_key(keys.group_partition(group)),
                "UpdateExpression": "ADD version :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
        }

    async def _puts(
        self, tenant_id: str, controlled: Controlled
    ) -> list["TransactWriteItemTypeDef"]:
        record = {"S": await self._records.encode(tenant_id, controlled)}
        return [
            {"Put": {"TableName": self._table, "Item": {**key, "record": record}}}
            for key in _keys(tenant_id, controlled)
        ]

    def _deletes(self, tenant_id: str, controlled: Controlled) -> list["TransactWriteItemTypeDef"]:
        return [
            {"Delete": {"TableName": self._table, "Key": key}}
            for key in _keys(tenant_id, controlled)
        ]

    def _put_audit(self, tenant_id: str, change: ControlChange) -> "TransactWriteItemTypeDef":
        sort = keys.audit_sort(change.audit.at_ms, change.from_version + 1)
        record = _ENCODER.encode(change.audit).decode()
        item = {"pk": {"S": tenant_id}, "sk": {"S": sort}, "record": {"S": record}}
        return {"Put": {"TableName": self._table, "Item": item}}


def _version_key(partition: str) -> Item:
    return {"pk": {"S": partition}, "sk": {"S": keys.VERSION_KEY}}


def _keys(tenant_id: str, controlled: Controlled) -> list[Item]:
    """Return where a record stands: a tenant's also in the directory."""
    found = [{"pk": {"S": tenant_id}, "sk": {"S": keys.control_sort(controlled)}}]
    if isinstance(controlled, Tenant):
        found.append({"pk": {"S": keys.DIRECTORY}, "sk": {"S": keys.directory_sort(controlled)}})
    return found


def _is_moved(error: ClientError) -> bool:
    """Tell whether a transaction was cancelled by another change. Raises StoreRefused."""
    if error_code(error) != "TransactionCanceledException":
        return False
    answered: Any = error.response
    reasons = {reason.get("Code") for reason in answered.get("CancellationReasons", ())}
    reasons -= {_NO_REASON}
    if INVALID in reasons:
        raise StoreRefused(f"TransactWriteItems: {error}") from error
    return bool(reasons) and reasons <= _MOVED
