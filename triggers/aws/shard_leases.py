"""Leases of due shards in the `counters` table, by which workers keep out of each other's way."""

from botocore.exceptions import ClientError

from triggers.aws import keys
from triggers.aws.clients import CONDITION_FAILED, Clients, calling, error_code, refused_item
from triggers.aws.operations import UPDATE_ITEM

KEPT_SECONDS = 86_400  # a lease nobody takes again is deleted after a day


class ShardLeaseStore:
    """See the port: correctness never needs them, the claim decides."""

    def __init__(self, clients: Clients) -> None:
        self._dynamodb = clients.dynamodb
        self._calls = clients.hot_dynamodb
        self._table = clients.name(keys.COUNTERS)

    async def take(self, due_shard: str, owner: str, *, now_ms: int, until_ms: int) -> int | None:
        """Take a shard if it is free or ours. Returns None: it is ours; else when theirs ends."""
        update = {
            "TableName": self._table,
            "Key": {"pk": {"S": keys.sweep_lease(due_shard)}},
            "UpdateExpression": "SET lease_owner = :me, lease_until = :until, expires = :expires",
            "ConditionExpression": "attribute_not_exists(pk) OR lease_until < :now"
            " OR lease_owner = :me",
            "ExpressionAttributeValues": {
                ":me": {"S": owner},
                ":until": {"N": str(until_ms)},
                ":now": {"N": str(now_ms)},
                ":expires": {"N": str(now_ms // 1000 + KEPT_SECONDS)},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        with calling("UpdateItem lease"):
            try:
                await self._calls.call(UPDATE_ITEM, update)
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise
                held = refused_item(error)
                return int(held["lease_until"]["N"]) if held else now_ms
        return None

    async def release(self, due_shard: str, owner: str) -> None:
        """Give a shard back early."""
        with calling("UpdateItem lease"):
            try:
                await self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": keys.sweep_lease(due_shard)}},
                    UpdateExpression="SET lease_until = :free",
                    ConditionExpression="lease_owner = :me",
                    ExpressionAttributeValues={":me": {"S": owner}, ":free": {"N": "0"}},
                )
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise
