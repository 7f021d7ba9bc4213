"""Values for tests: each factory has sensible ones, and takes by keyword what a test cares about."""

import itertools
import secrets
from typing import Any

from triggers.api_keys import TENANT_SCOPES, ApiKey, digest_of, make_key_text
from triggers.attempts import Attempt
from triggers.deliveries import Delivery
from triggers.events import Event
from triggers.ids import make_event_id, make_key_id, make_tenant_id, make_webhook_id
from triggers.intake import EventDraft
from triggers.retries import Outcome
from triggers.settings import Settings
from triggers.signatures import make_secret
from triggers.tenants import Tenant, TenantView
from triggers.webhooks import Webhook

NOW_MS = 1_795_325_340_123  # 2026-11-22T05:29:00.123Z
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class FakeClock:
    """A clock in milliseconds since 1970 that stands still until a test moves it."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def monotonic(self) -> float:
        """Return the same moment in seconds, as `time.monotonic` would."""
        return self.now_ms / 1000

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ms += round(seconds * 1000)


class CountingBits:
    """Random bits for tests: 1, 2, 3 …, so that what is made from them is known and in order."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self, bits: int) -> int:
        return next(self._numbers) & ((1 << bits) - 1)


def make_event(*, created_ms: int = NOW_MS, shards: int = 1, **values: Any) -> Event:
    """Make an event that was accepted at a moment by a tenant with that many shards."""
    defaults: dict[str, Any] = {
        "event_id": make_event_id(created_ms, shards, secrets.randbits),
        "event_type": "order.created",
        "source": "shop",
        "payload": '{"order": 1}',
        "metadata": {"region": "eu"},
        "correlation_id": "corr_1",
    }
    return Event(**(defaults | values))


def make_draft(**values: Any) -> EventDraft:
    """Make what a producer sent."""
    defaults: dict[str, Any] = {
        "event_type": "order.created",
        "source": "shop",
        "payload": '{"order": 1}',
        "correlation_id": "corr_1",
    }
    return EventDraft(**(defaults | values))


def make_delivery(**values: Any) -> Delivery:
    """Make a delivery, pending and never attempted unless told otherwise."""
    return Delivery(**({"webhook_id": make_webhook_id(secrets.randbits)} | values))


def make_outcome(status_code: int | None = 200, **values: Any) -> Outcome:
    """Make how an attempt ended: with a status code, or with None and an error."""
    defaults: dict[str, Any] = {
        "status_code": status_code,
        "error": "no connection" if status_code is None else None,
        "duration_ms": 12,
    }
    return Outcome(**(defaults | values))


def make_attempt(**values: Any) -> Attempt:
    """Make an attempt, one that failed unless told otherwise."""
    defaults: dict[str, Any] = {
        "event_id": make_event_id(NOW_MS, 1, secrets.randbits),
        "webhook_id": make_webhook_id(secrets.randbits),
        "number": 1,
        "started_ms": NOW_MS,
        "outcome": make_outcome(503, excerpt="overloaded"),
    }
    return Attempt(**(defaults | values))


def make_webhook(**values: Any) -> Webhook:
    """Make a webhook that wants every event."""
    defaults: dict[str, Any] = {
        "webhook_id": make_webhook_id(secrets.randbits),
        "url": "http://127.0.0.1:9000/",
        "secret": make_secret(secrets.randbits),
        "created_ms": NOW_MS,
        "updated_ms": NOW_MS,
    }
    return Webhook(**(defaults | values))


def make_tenant(**values: Any) -> Tenant:
    """Make a tenant of the free tier."""
    defaults: dict[str, Any] = {
        "tenant_id": make_tenant_id(secrets.randbits),
        "name": "Acme",
        "created_ms": NOW_MS,
    }
    return Tenant(**(defaults | values))


def make_key(tenant_id: str, **values: Any) -> tuple[ApiKey, str]:
    """Make a key of a tenant with every scope of one; returns it and its text."""
    key_id = make_key_id(tenant_id, secrets.randbits)
    text = make_key_text(key_id, secrets.randbits)
    defaults: dict[str, Any] = {
        "key_id": key_id,
        "name": "test",
        "digest": digest_of(text),
        "scopes": TENANT_SCOPES,
        "created_ms": NOW_MS,
    }
    return ApiKey(**(defaults | values)), text


def make_view(
    *webhooks: Webhook,
    tenant: Tenant | None = None,
    keys: tuple[ApiKey, ...] = (),
    version: int = 1,
) -> TenantView:
    """Make the view of a tenant with these webhooks and keys."""
    tenant = tenant or make_tenant()
    return TenantView(
        tenant_id=tenant.tenant_id,
        version=version,
        tenant=tenant,
        keys={key.key_id: key for key in keys},
        webhooks={webhook.webhook_id: webhook for webhook in webhooks},
    )


def make_settings(**values: Any) -> Settings:
    """Make settings for a test: development, on loopback, with short waits for control changes."""
    defaults: dict[str, Any] = {
        "environment": "development",
        "name_prefix": "test-",
        "operator_key": "operator-key-of-the-tests-0123456789",
        "cursor_key": "cursor-key-of-the-tests-0123456789ab",
        "secrets_key": "secrets-key-of-the-tests-0123456789a",
        "api_host": "127.0.0.1",
        "api_port": 0,
        "worker_host": "127.0.0.1",
        "worker_port": 0,
        "allowed_networks": "127.0.0.0/8",
        "control_age_max_seconds": 0.05,
        "control_margin_seconds": 0.02,
        "serve_on_seconds": 0,
    }
    return Settings(**(defaults | values))
