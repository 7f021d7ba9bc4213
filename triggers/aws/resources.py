"""Opens everything that a process needs of AWS, and closes it in order: first what writes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from triggers.aws import keys
from triggers.aws.attempt_store import AttemptStore
from triggers.aws.audit_store import AuditStore
from triggers.aws.backlog_store import BacklogStore
from triggers.aws.bucket_store import BucketStore
from triggers.aws.clients import Clients, calling, open_clients
from triggers.aws.control_records import ControlRecords
from triggers.aws.control_store import ControlStore
from triggers.aws.data_keys import data_keys_of
from triggers.aws.event_store import EventStore
from triggers.aws.failing_webhooks import FailingWebhookStore
from triggers.aws.idempotency_store import IdempotencyStore
from triggers.aws.items import Reads, Writes
from triggers.aws.job_store import JobStore
from triggers.aws.key_uses import KeyUseStore
from triggers.aws.queues import DeadLetterQueue, HintQueue, QueueAddress
from triggers.aws.shard_leases import ShardLeaseStore
from triggers.aws.statements import Statements
from triggers.aws.tables import TABLES
from triggers.aws.tenant_directory import TenantDirectory
from triggers.aws.used_signatures import UsedSignatureStore
from triggers.data_keys import DataKeyring
from triggers.resources import Resources
from triggers.settings import Settings
from triggers.times import system_clock

STATEMENT_FLIGHTS_MAX = 4
PAYLOAD_READS_MAX = 16  # chunks of 380 KB, well within the 16 MB of one BatchGetItem
PAYLOAD_FLIGHTS_MAX = 2


class ReachableStore:
    """Asks DynamoDB for the tables, and SQS for the queue."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._address = QueueAddress(clients, keys.DELIVERIES_QUEUE)

    async def check(self) -> None:
        """Return when every table answers. Raises StoreUnavailable that says what does not."""
        for table in TABLES:
            name = self._clients.name(table.name)
            with calling(f"DescribeTable {name}"):
                await self._clients.dynamodb.describe_table(TableName=name)

    async def check_queues(self) -> None:
        """Return when the queue of hints answers. Raises StoreUnavailable."""
        url = await self._address.url()
        with calling("GetQueueAttributes"):
            await self._clients.sqs_send.get_queue_attributes(
                QueueUrl=url, AttributeNames=["QueueArn"]
            )


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Open the clients and everything on them; at the end send what waits.

    Raises SettingsError when the settings do not say how secrets are encrypted.
    """
    async with open_clients(settings) as clients:
        keyring = DataKeyring(data_keys_of(settings, clients))
        statements = Statements(
            clients,
            flights_max=STATEMENT_FLIGHTS_MAX,
            waiting_max=settings.writes_waiting_max,
        )
        # Each kind has batches of its own, so that no large payload holds up a version.
        reads, versions, writes = Reads(clients), Reads(clients), Writes(clients)
        payloads = Reads(clients, batch_max=PAYLOAD_READS_MAX, flights_max=PAYLOAD_FLIGHTS_MAX)
        hints = HintQueue(clients, system_clock)
        dead_letters = DeadLetterQueue(clients)
        closing = (statements, reads, versions, payloads, writes, hints, dead_letters, keyring)
        try:
            yield Resources(
                events=EventStore(clients, statements, reads, payloads, writes),
                idempotency=IdempotencyStore(clients, statements, reads),
                attempts=AttemptStore(clients, writes),
                backlog=BacklogStore(clients, writes, statements),
                jobs=JobStore(clients, statements, reads),
                failing_webhooks=FailingWebhookStore(clients, reads),
                buckets=BucketStore(clients),
                control=ControlStore(clients, versions, ControlRecords(keyring)),
                directory=TenantDirectory(clients),
                audit=AuditStore(clients),
                hints=hints,
                dead_letters=dead_letters,
                shard_leases=ShardLeaseStore(clients),
                key_uses=KeyUseStore(reads, writes),
                used_signatures=UsedSignatureStore(clients, statements, reads),
                reachable=ReachableStore(clients),
            )
        finally:
            await asyncio.gather(
                *(part.close() for part in closing),
                return_exceptions=True,
            )
