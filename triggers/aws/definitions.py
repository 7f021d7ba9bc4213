"""The tables and queues as the requests to AWS that make them, without the prefix of a deployment.

`python -m triggers.aws.definitions` prints them as JSON, as they stand in `infra/definitions.json`:
for whoever makes them without our code, as the emulator of `docker compose` does.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from triggers.aws.tables import QUEUES, TABLES, Index, Queue, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import (
        CreateTableInputTypeDef,
        PointInTimeRecoverySpecificationTypeDef,
        TimeToLiveSpecificationTypeDef,
    )

TIME_TO_LIVE: "TimeToLiveSpecificationTypeDef" = {"Enabled": True, "AttributeName": "expires"}
POINT_IN_TIME_RECOVERY: "PointInTimeRecoverySpecificationTypeDef" = {
    "PointInTimeRecoveryEnabled": True
}


def table_request(name: str, table: Table) -> "CreateTableInputTypeDef":
    """Return the CreateTable request of a table."""
    keys = [("pk", "S"), *([table.sort] if table.sort else [])]
    attributes = dict(
        [*keys, *(k for index in table.indexes for k in (index.partition, index.sort))]
    )
    request: Any = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(*(key for key, _ in keys)),
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": kind}
            for attribute, kind in attributes.items()
        ],
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [_index_request(index) for index in table.indexes]
    return request  # type: ignore[no-any-return]


def queue_attributes(queue: Queue) -> dict[str, str]:
    """Return the attributes of a queue; its redrive policy, which needs an ARN, not among them."""
    return {
        "VisibilityTimeout": str(queue.visibility_seconds),
        "MessageRetentionPeriod": str(queue.retention_days * 86_400),
    }


def describe_all() -> dict[str, Any]:
    """Return everything, queues after their dead-letter queues. Encryption is left to Terraform."""
    return {
        "tables": [table_request(table.name, table) for table in TABLES],
        "time_to_live": TIME_TO_LIVE,
        "point_in_time_recovery": POINT_IN_TIME_RECOVERY,
        "queues": [_queue(queue) for queue in QUEUES],
    }


def _queue(queue: Queue) -> dict[str, Any]:
    made: dict[str, Any] = {"QueueName": queue.name, "Attributes": queue_attributes(queue)}
    if queue.dead_letter_queue:
        made["dead_letter_queue"] = queue.dead_letter_queue
        made["max_receive_count"] = queue.receives_max
    return made


def _index_request(index: Index) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(index.partition[0], index.sort[0]),
        "Projection": {"ProjectionType": index.projection},
    }


def _key_schema(partition: str, *sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        *({"AttributeName": name, "KeyType": "RANGE"} for name in sort),
    ]


if __name__ == "__main__":
    print(msgspec.json.format(msgspec.json.encode(describe_all())).decode())  # noqa: T201 it is the command's output
