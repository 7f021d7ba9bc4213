"""The outsides that one suite holds to the same behaviour: the fakes, and AWS as emulated.

A test enters one with `async with open_outside() as outside`: it opens and closes in one task.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from unittest.mock import patch

import msgspec

from tests.factories import make_settings
from tests.fakes import FakeResources, fake_resources
from triggers.aws import keys
from triggers.aws.clients import Clients, open_clients
from triggers.aws.provision import provision
from triggers.aws.resources import open_resources
from triggers.messages import DeadLetter
from triggers.resources import Resources
from triggers.settings import Settings


class Outside(ABC):
    """The resources, and what nobody asks of them but a test."""

    resources: Resources

    @abstractmethod
    async def put_hint_text(self, text: str) -> None:
        """Put any text into the queue of hints."""

    @abstractmethod
    async def read_dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters."""

    @abstractmethod
    async def read_backlog(self, tenant_id: str, webhook_id: str) -> dict[str, str]:
        """Return the markers of a webhook, the status by event."""


OpenOutside = Callable[[], AbstractAsyncContextManager[Outside]]


class FakeOutside(Outside):
    """The fakes."""

    def __init__(self, resources: FakeResources) -> None:
        self.resources: FakeResources = resources

    async def put_hint_text(self, text: str) -> None:
        self.resources.hints.put(text)

    async def read_dead_letters(self) -> list[DeadLetter]:
        return self.resources.dead_letters.letters

    async def read_backlog(self, tenant_id: str, webhook_id: str) -> dict[str, str]:
        return {
            event_id: status
            for (tenant, webhook, event_id), status in self.resources.backlog.markers.items()
            if (tenant, webhook) == (tenant_id, webhook_id)
        }


class EmulatedOutside(Outside):
    """The real adapters on the emulator."""

    def __init__(self, resources: Resources, settings: Settings) -> None:
        self.resources = resources
        self._settings = settings

    async def put_hint_text(self, text: str) -> None:
        async with open_clients(self._settings) as clients:
            url = await _queue_url(clients, keys.DELIVERIES_QUEUE)
            await clients.sqs_send.send_message(QueueUrl=url, MessageBody=text)

    async def read_dead_letters(self) -> list[DeadLetter]:
        async with open_clients(self._settings) as clients:
            url = await _queue_url(clients, keys.DEAD_LETTERS_QUEUE)
            answer = await clients.sqs_send.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        bodies = [message["Body"] for message in answer.get("Messages", [])]
        return [msgspec.json.decode(body, type=DeadLetter) for body in bodies]

    async def read_backlog(self, tenant_id: str, webhook_id: str) -> dict[str, str]:
        partition = {"S": keys.by_webhook(tenant_id, webhook_id)}
        async with open_clients(self._settings) as clients:
            answer = await clients.dynamodb.query(
                TableName=clients.name(keys.BACKLOG),
                KeyConditionExpression="pk = :webhook",
                ExpressionAttributeValues={":webhook": partition},
            )
        return {item["sk"]["S"]: item["status"]["S"] for item in answer["Items"]}


async def _queue_url(clients: Clients, plain_name: str) -> str:
    return (await clients.sqs_send.get_queue_url(QueueName=clients.name(plain_name)))["QueueUrl"]


@asynccontextmanager
async def open_fakes() -> AsyncIterator[Outside]:
    """Open fresh fakes."""
    yield FakeOutside(fake_resources())


@asynccontextmanager
async def open_emulated() -> AsyncIterator[Outside]:
    """Open the adapters on tables and queues of their own. AWS's variables name the emulator."""
    settings = make_settings(name_prefix=f"contract-{secrets.token_hex(6)}-")
    with patch("triggers.aws.provision._enable_ttl", _keep_what_has_expired):
        await provision(settings)
    async with open_resources(settings) as resources:
        yield EmulatedOutside(resources, settings)


async def _keep_what_has_expired(_clients: Clients, _name: str) -> None:
    """Leave TTL off: the emulator deletes by the true time, and these tests have a time of their own."""
