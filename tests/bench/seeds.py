"""What is put straight into the store, since over the API it would take too long: tenants, and events."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from tests.factories import make_delivery, make_event, make_key, make_tenant, make_webhook
from triggers.aws import event_records, keys
from triggers.aws.clients import open_clients
from triggers.aws.items import Item, Writes
from triggers.aws.resources import open_resources
from triggers.control_changes import OPERATOR, AuditEntry, ControlChange
from triggers.deliveries import DeliveryStatus
from triggers.events import NEVER_MS, Event, EventStatus
from triggers.rate_limits import RateLimit
from triggers.resources import Resources
from triggers.settings import Settings
from triggers.tenants import SHARDS_BY_TIER, Tenant, Tier
from triggers.times import system_clock
from triggers.webhooks import Webhook

TIMEOUT_SECONDS = 15  # of the webhooks
TENANTS_AT_ONCE = 16
EVENTS_AT_ONCE = 500
DAY_SECONDS = 24 * 3600
PAYLOAD = '"' + 298 * "x" + '"'


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a tenant looks like. Its webhooks are addresses below `receiver_url`.

    It is of the tier enterprise, whose limits do not bite, unless it has a limit of its own.
    """

    receiver_url: str
    webhooks: int = 1
    timeout_seconds: int = TIMEOUT_SECONDS
    rate_limit: RateLimit | None = None


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """A tenant that is in the store, with the text of its key."""

    tenant: Tenant
    webhooks: list[Webhook]
    key: str


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Writes into the store of a service."""

    resources: Resources
    writes: Writes

    async def make_tenants(self, look: Look, number: int) -> list[Seeded]:
        """Make so many tenants that look alike."""
        turn = asyncio.Semaphore(TENANTS_AT_ONCE)

        async def make_in_turn() -> Seeded:
            async with turn:
                return await self.make_tenant(look)

        return await asyncio.gather(*(make_in_turn() for _ in range(number)))

    async def make_tenant(self, look: Look) -> Seeded:
        """Make a tenant."""
        tier = Tier.ENTERPRISE
        tenant = make_tenant(tier=tier, shards=SHARDS_BY_TIER[tier], rate_limit=look.rate_limit)
        key, text = make_key(tenant.tenant_id)
        webhooks = [
            make_webhook(url=url, timeout_seconds=look.timeout_seconds)
            for url in webhook_urls(look)
        ]
        audit = AuditEntry(at_ms=0, actor=OPERATOR, action="tenant.created", subject="bench")
        change = ControlChange(from_version=0, puts=(tenant, key, *webhooks), audit=audit)
        assert await self.resources.control.write(tenant.tenant_id, change)
        return Seeded(tenant=tenant, webhooks=webhooks, key=text)

    async def store_delivered(self, tenants: Sequence[Seeded], number: int) -> None:
        """Store events that have been delivered long ago, of each tenant in turn."""
        now_ms = system_clock()
        items = (delivered_item(tenants[n % len(tenants)], now_ms) for n in range(number))
        while batch := list(islice(items, EVENTS_AT_ONCE)):
            await asyncio.gather(*(self.writes.put(keys.EVENTS, item) for item in batch))

    async def store_backlog(self, of: Seeded, number: int, due_ms: int) -> None:
        """Store events that no worker has seen, as after an outage; all are due at one moment."""
        events = (new_event(of.tenant, system_clock()) for _ in range(number))
        while batch := list(islice(events, EVENTS_AT_ONCE)):
            await asyncio.gather(*(self._insert(of, event, due_ms) for event in batch))

    async def _insert(self, of: Seeded, event: Event, due_ms: int) -> None:
        expires_s = due_ms // 1000 + DAY_SECONDS
        await self.resources.events.insert(
            of.tenant.tenant_id, event, due_ms=due_ms, expires_s=expires_s
        )


@asynccontextmanager
async def open_seeds(settings: Settings) -> AsyncIterator[Seeds]:
    """Open the store of a service."""
    async with open_resources(settings) as resources, open_clients(settings) as clients:
        yield Seeds(resources=resources, writes=Writes(clients))


def webhook_urls(look: Look) -> list[str]:
    """Return the address of each webhook of a tenant."""
    return [f"{look.receiver_url}/{number}" for number in range(look.webhooks)]


def new_event(tenant: Tenant, now_ms: int) -> Event:
    """Make an event of a tenant."""
    return make_event(created_ms=now_ms, shards=tenant.shards, payload=PAYLOAD, metadata={})


def delivered_item(of: Seeded, now_ms: int) -> Item:
    """Return the item of an event that all webhooks got at once: on no index any more."""
    event = new_event(of.tenant, now_ms)
    stored = event_records.encode_event(event)
    deliveries = tuple(
        make_delivery(
            webhook_id=webhook.webhook_id,
            status=DeliveryStatus.DELIVERED,
            attempts=1,
            last_status_code=200,
            delivered_ms=now_ms,
            duration_ms=1,
        )
        for webhook in of.webhooks
    )
    item = event_records.new_item(
        keys.partition_of_event(of.tenant.tenant_id, event.event_id),
        event.event_id,
        stored=stored,
        packed=event_records.pack(event.payload, len(stored)),
        due_ms=now_ms,
        expires_s=now_ms // 1000 + DAY_SECONDS,
    )
    for name in ("inbox", "due_shard", "due"):
        del item[name]
    return item | {
        "status": {"S": EventStatus.DELIVERED.value},
        "deliveries": {"S": event_records.encode_deliveries(deliveries)},
        "ready": {"N": str(NEVER_MS)},
        "fence": {"N": "1"},
        "delivered": {"N": str(now_ms)},
    }
