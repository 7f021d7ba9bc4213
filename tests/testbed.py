"""An event's whole way in one process: the real intake, adapters and worker, and a receiver.

The fault proxy stands between them and the emulator. The times are short, within the rules of settings.
"""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from tests.emulator import Emulator, go_to
from tests.factories import make_draft, make_settings, make_tenant, make_webhook
from tests.fault_proxy import FaultProxy, run_fault_proxy
from tests.processes import POLL_SECONDS, WAIT_SECONDS, until
from tests.receiver import Receiver, run_receiver
from triggers.aws import keys
from triggers.aws.clients import Clients, open_clients
from triggers.aws.provision import provision
from triggers.aws.resources import open_resources
from triggers.control_changes import AuditEntry, ControlChange
from triggers.events import Event, EventRecord, EventState, EventStatus
from triggers.intake import Intake
from triggers.messages import Hint, encode_message
from triggers.resources import Resources
from triggers.settings import Settings, _problems
from triggers.tenants import Tenant
from triggers.times import system_clock
from triggers.webhooks import Webhook
from worker.main import run_worker

SHORT: dict[str, Any] = {
    "control_age_max_seconds": 0.5,
    "attempt_seconds": 1,
    "finish_seconds": 3,
    "clock_skew_seconds": 0.25,
    "lease_seconds": 5.5,
    "hint_grace_seconds": 1,
    "sweep_seconds": 0.3,
    "shard_lease_seconds": 2,
    "drain_seconds": 2,
}
_numbers = itertools.count(1)


def own_prefix() -> str:
    """Return a prefix for tables and queues that no other test has."""
    return f"test{next(_numbers)}-{secrets.token_hex(2)}-"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a test works with. `resources` and `clients` go through the proxy, as the worker's do."""

    settings: Settings
    proxy: FaultProxy
    receiver: Receiver
    resources: Resources
    clients: Clients
    tenant: Tenant
    webhook: Webhook

    async def accept(self, **draft: Any) -> Event:
        """Accept an event as the API does."""
        intake = Intake(
            self.resources.events,
            self.resources.hints,
            clock=system_clock,
            random_bits=secrets.randbits,
            grace_seconds=self.settings.hint_grace_seconds,
            retention_days=self.settings.retention_days,
        )
        return await intake.accept(self.tenant, make_draft(**draft))

    async def accept_many(self, number: int) -> list[Event]:
        """Accept so many events at once."""
        return await asyncio.gather(*(self.accept() for _ in range(number)))

    async def record(self, event: Event) -> EventRecord:
        """Return an event as it stands."""
        record = await self.resources.events.get(self.tenant.tenant_id, event.event_id)
        assert record is not None
        return record

    async def settled(self, event: Event) -> EventState:
        """Wait until an event is no longer pending."""
        async with asyncio.timeout(WAIT_SECONDS):
            while (state := (await self.record(event)).state).status is EventStatus.PENDING:
                await asyncio.sleep(3 * POLL_SECONDS)
        return state

    async def send_hint(self, *events: Event, sent_ms: int | None = None) -> None:
        """Put one message that names these events into the queue."""
        hint = Hint(
            tenant_id=self.tenant.tenant_id,
            event_ids=tuple(event.event_id for event in events),
            sent_ms=system_clock() if sent_ms is None else sent_ms,
        )
        await self.send_text(encode_message(hint))

    async def send_text(self, text: str) -> None:
        """Put a message of any text into the queue of hints."""
        url = await self.queue_url(keys.DELIVERIES_QUEUE)
        await self.clients.sqs_send.send_message(QueueUrl=url, MessageBody=text)

    async def queue_url(self, plain_name: str) -> str:
        """Return the address of a queue."""
        name = self.clients.name(plain_name)
        return (await self.clients.sqs_send.get_queue_url(QueueName=name))["QueueUrl"]

    async def queue_holds(self, plain_name: str) -> int:
        """Return how many messages a queue holds, visible or not."""
        answer = await self.clients.sqs_send.get_queue_attributes(
            QueueUrl=await self.queue_url(plain_name), AttributeNames=["All"]
        )
        visible = answer["Attributes"]["ApproximateNumberOfMessages"]
        invisible = answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"]
        return int(visible) + int(invisible)

    async def queue_comes_to(self, plain_name: str, number: int) -> None:
        """Wait until a queue holds that many messages."""
        async with asyncio.timeout(WAIT_SECONDS):
            while await self.queue_holds(plain_name) != number:
                await asyncio.sleep(5 * POLL_SECONDS)

    @asynccontextmanager
    async def worker(self, **changes: Any) -> AsyncIterator["asyncio.Task[None]"]:
        """Run a worker, from its first sweep on, while the context is open; it must end well."""
        stop = asyncio.Event()
        sweeps = self.proxy.calls["Query"]
        run = asyncio.create_task(run_worker(replace(self.settings, **changes), stop=stop))
        try:
            await until(lambda: self.proxy.calls["Query"] > sweeps or run.done())
            yield run
        finally:
            stop.set()
            await asyncio.wait_for(run, WAIT_SECONDS)


@asynccontextmanager
async def open_bench(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, **changes: Any
) -> AsyncIterator[Bench]:
    """Set everything up for one test, under names of its own."""
    settings = make_settings(**(SHORT | {"name_prefix": own_prefix()} | changes))
    assert not list(_problems(settings))
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(run_fault_proxy(emulator.url))
        receiver = await stack.enter_async_context(run_receiver())
        go_to(proxy.url, monkeypatch)
        await provision(settings)
        resources = await stack.enter_async_context(open_resources(settings))
        clients = await stack.enter_async_context(open_clients(settings))
        tenant = make_tenant()
        webhook = make_webhook(url=receiver.url(), timeout_seconds=1, retry=(1, 1, 1))
        audit = AuditEntry(at_ms=0, actor="test", action="tenant.created", subject="tenant")
        change = ControlChange(from_version=0, puts=(tenant, webhook), audit=audit)
        assert await resources.control.write(tenant.tenant_id, change)
        proxy.calls.clear()
        yield Bench(
            settings=settings,
            proxy=proxy,
            receiver=receiver,
            resources=resources,
            clients=clients,
            tenant=tenant,
            webhook=webhook,
        )
