#!/usr/bin/env python3
"""Makes the tables and queues of `infra/definitions.json`: an init script of LocalStack, run by its Python.

What exists is left as it is. An error ends it, and LocalStack never becomes healthy then.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped] # LocalStack's, which has no types

DEFINITIONS = Path(os.environ.get("DEFINITIONS", "/etc/triggers/definitions.json"))
PREFIX = os.environ.get("TRIGGERS_NAME_PREFIX", "triggers-")
ACCOUNT: dict[str, Any] = {
    "endpoint_url": os.environ.get("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
    "region_name": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


def create_table(dynamodb: Any, request: dict[str, Any], of_all: dict[str, Any]) -> None:
    """Create a table, unless it is there, and have it be as all of them are."""
    name = PREFIX + request["TableName"]
    with suppress(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(**request | {"TableName": name})
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=of_all["time_to_live"])
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification=of_all["point_in_time_recovery"]
    )


def create_queue(sqs: Any, queue: dict[str, Any], arns: dict[str, str]) -> None:
    """Create a queue, and note its ARN for those whose dead-letter queue it is."""
    attributes = dict(queue["Attributes"])
    if dead_letter_queue := queue.get("dead_letter_queue"):
        attributes["RedrivePolicy"] = json.dumps(
            {
                "deadLetterTargetArn": arns[dead_letter_queue],
                "maxReceiveCount": queue["max_receive_count"],
            }
        )
    url = sqs.create_queue(QueueName=PREFIX + queue["QueueName"], Attributes=attributes)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arns[queue["QueueName"]] = answer["Attributes"]["QueueArn"]


def main() -> None:
    """Create everything."""
    definitions = json.loads(DEFINITIONS.read_text())
    dynamodb, sqs = boto3.client("dynamodb", **ACCOUNT), boto3.client("sqs", **ACCOUNT)
    for request in definitions["tables"]:
        create_table(dynamodb, request, definitions)
    arns: dict[str, str] = {}
    for queue in definitions["queues"]:
        create_queue(sqs, queue, arns)
    print(f"{len(definitions['tables'])} tables and {len(arns)} queues are there")


main()  # LocalStack does not run it as __main__
