"""The buckets of rate limits in the `counters` table, changed by compare-and-set on their version."""

from typing import Any

from botocore.exceptions import ClientError
from msgspec.structs import asdict

from triggers.aws import keys
from triggers.aws.clients import CONDITION_FAILED, Clients, calling, error_code, refused_item
from triggers.rate_limits import Bucket

KEPT_SECONDS = 86_400  # beyond the month in which a bucket was used last


class BucketStore:
    """See the port. All that a bucket holds is numbers, attributes of the same names."""

    def __init__(self, clients: Clients) -> None:
        self._dynamodb = clients.dynamodb
        self._table = clients.name(keys.COUNTERS)

    async def write(
        self, tenant_id: str, key_id: str | None, bucket: Bucket, *, before_version: int
    ) -> Bucket | None:
        """Write a bucket if its version is still that one. Returns None: done; else how it is."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if before_version:
            condition = {
                "ConditionExpression": "version = :before",
                "ExpressionAttributeValues": {":before": {"N": str(before_version)}},
            }
        expires_s = bucket.month_ends_ms // 1000 + KEPT_SECONDS
        numbers = {**asdict(bucket), "expires": expires_s}
        with calling("PutItem bucket"):
            try:
                await self._dynamodb.put_item(
                    TableName=self._table,
                    Item={
                        "pk": {"S": keys.rate_bucket(tenant_id, key_id)},
                        **{name: {"N": str(number)} for name, number in numbers.items()},
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition,
                )
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise
                return _bucket(refused_item(error) or {})
        return None


def _bucket(item: dict[str, Any]) -> Bucket:
    """Return the bucket of an item; one that TTL has deleted is as good as new."""
    held = {name: int(item[name]["N"]) for name in Bucket.__struct_fields__ if name in item}
    return Bucket(**held)
