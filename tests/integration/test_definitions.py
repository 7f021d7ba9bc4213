"""Tables and queues are described once; whoever makes them from that makes the same."""

import subprocess
from typing import Any

import msgspec

from infra.local.settings import ROOT
from tests.emulator import Emulator, aws_environment
from tests.factories import make_settings
from tests.processes import PYTHON, own_environment
from tests.testbed import own_prefix
from triggers.aws.clients import Clients, open_clients
from triggers.aws.definitions import describe_all
from triggers.aws.provision import provision
from triggers.aws.tables import QUEUES, TABLES
from triggers.settings import Settings

DEFINITIONS = ROOT / "infra/definitions.json"
# What each table and queue has of its own.
OF_ITS_OWN = {
    "TableArn",
    "TableId",
    "CreationDateTime",
    "IndexArn",
    "QueueArn",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
}


def test_the_definitions_for_others_are_those_of_the_code() -> None:
    """`python -m triggers.aws.definitions > infra/definitions.json` writes them."""
    assert msgspec.json.decode(DEFINITIONS.read_bytes()) == describe_all()


async def test_the_init_script_of_compose_makes_what_our_own_code_makes(aws: Emulator) -> None:
    ours, theirs = make_settings(name_prefix=own_prefix()), make_settings(name_prefix=own_prefix())
    await provision(ours)
    run_init_script(aws, theirs)
    made = await describe(theirs)
    assert made == await describe(ours)
    assert len(made) == len(TABLES) + len(QUEUES)
    run_init_script(aws, theirs)  # a LocalStack that starts again, with what it had
    assert made == await describe(theirs)


def run_init_script(emulator: Emulator, settings: Settings) -> None:
    own = {"TRIGGERS_NAME_PREFIX": settings.name_prefix, "DEFINITIONS": str(DEFINITIONS)}
    environment = own_environment(aws_environment(emulator.url), own)
    script = ROOT / "infra/compose/create_tables_and_queues.py"
    subprocess.run((PYTHON, script), env=environment, check=True, timeout=60)


async def describe(settings: Settings) -> dict[str, Any]:
    """Return how everything stands, without the prefix and what no two have in common."""
    async with open_clients(settings) as clients:
        made = {table.name: await describe_table(clients, table.name) for table in TABLES}
        made |= {queue.name: await describe_queue(clients, queue.name) for queue in QUEUES}
    text = msgspec.json.encode(made).decode().replace(settings.name_prefix, "")
    return without_its_own(msgspec.json.decode(text))  # type: ignore[no-any-return]


async def describe_table(clients: Clients, name: str) -> Any:
    name = clients.name(name)
    table: Any = (await clients.dynamodb.describe_table(TableName=name))["Table"]
    time_to_live = await clients.dynamodb.describe_time_to_live(TableName=name)
    backups: Any = await clients.dynamodb.describe_continuous_backups(TableName=name)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return table | {
        "time_to_live": time_to_live["TimeToLiveDescription"],
        "recovery": recovery["PointInTimeRecoveryStatus"],
    }


async def describe_queue(clients: Clients, name: str) -> Any:
    sqs = clients.sqs_receive
    url = (await sqs.get_queue_url(QueueName=clients.name(name)))["QueueUrl"]
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes: Any = answer["Attributes"]
    redrive = msgspec.json.decode(attributes.get("RedrivePolicy", "null"))
    return attributes | {"RedrivePolicy": redrive}


def without_its_own(described: Any) -> Any:
    if isinstance(described, dict):
        kept = {name: value for name, value in described.items() if name not in OF_ITS_OWN}
        return {name: without_its_own(value) for name, value in kept.items()}
    if isinstance(described, list):
        return [without_its_own(value) for value in described]
    return described
