"""Creates the tables and queues where Terraform does not: `python -m triggers.aws.provision`.

What exists is left as it is, so it can be run again, also after a run that ended half-way. Only
in development.
"""

import asyncio
import os
import sys
from contextlib import suppress

import msgspec
from botocore.exceptions import ClientError

from triggers.aws.clients import Clients, calling, error_code, open_clients
from triggers.aws.definitions import (
    POINT_IN_TIME_RECOVERY,
    TIME_TO_LIVE,
    queue_attributes,
    table_request,
)
from triggers.aws.tables import QUEUES, TABLES, Queue, Table
from triggers.errors import TriggersError
from triggers.settings import Settings, SettingsError, read_settings


async def provision(settings: Settings) -> None:
    """Create what is missing and return when it can be used.

    Raises SettingsError outside development, where Terraform does this, and StoreUnavailable.
    """
    if not settings.is_development:
        raise SettingsError("TRIGGERS_ENVIRONMENT is not development: Terraform makes the tables")
    async with open_clients(settings) as clients:
        await asyncio.gather(*(_create_table(clients, table) for table in TABLES))
        for queue in QUEUES:
            await _create_queue(clients, queue)


async def _create_table(clients: Clients, table: Table) -> None:
    name = clients.name(table.name)
    with calling(f"CreateTable {name}"):
        try:
            await clients.dynamodb.create_table(**table_request(name, table))
        except ClientError as error:
            if error_code(error) != "ResourceInUseException":
                raise
        # Also for a table that was there: an earlier run may have ended just after creating it.
        await clients.dynamodb.get_waiter("table_exists").wait(
            TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        await _enable_ttl(clients, name)
        with suppress(ClientError):  # not every emulator knows it, and no laptop needs it
            await clients.dynamodb.update_continuous_backups(
                TableName=name,
                PointInTimeRecoverySpecification=POINT_IN_TIME_RECOVERY,
            )


async def _enable_ttl(clients: Clients, name: str) -> None:
    """Have DynamoDB delete what has expired. Asked first, for AWS refuses to enable it twice."""
    answer = await clients.dynamodb.describe_time_to_live(TableName=name)
    if answer["TimeToLiveDescription"]["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
        await clients.dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification=TIME_TO_LIVE
        )


async def _create_queue(clients: Clients, queue: Queue) -> None:
    attributes = queue_attributes(queue)
    with calling(f"CreateQueue {queue.name}"):
        if queue.dead_letter_queue:
            policy = {
                "deadLetterTargetArn": await _queue_arn(clients, queue.dead_letter_queue),
                "maxReceiveCount": queue.receives_max,
            }
            attributes["RedrivePolicy"] = msgspec.json.encode(policy).decode()
        await clients.sqs_receive.create_queue(
            QueueName=clients.name(queue.name),
            Attributes=attributes,  # type: ignore[arg-type]
        )


async def _queue_arn(clients: Clients, plain_name: str) -> str:
    sqs = clients.sqs_receive
    url = (await sqs.get_queue_url(QueueName=clients.name(plain_name)))["QueueUrl"]
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


def main() -> int:
    """Create everything as the environment says; 0 when it stands, 2 for a wrong setting."""
    try:
        asyncio.run(provision(read_settings(os.environ)))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except TriggersError as error:
        sys.stderr.write(f"could not create tables and queues: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
