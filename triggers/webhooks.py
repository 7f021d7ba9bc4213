"""A webhook: a tenant's HTTP endpoint with its filter, secret and retry policy."""

from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from triggers.retries import SCHEDULES

WEBHOOKS_MAX = 50
OLD_SECRETS_MAX = 5
OLD_SECRET_SECONDS = 24 * 3600  # a rotated secret signs along this long
RETRY_DELAYS_MAX = 20
RETRY_DELAY_SECONDS_MAX = 24 * 3600
TIMEOUT_SECONDS_MAX = 30


class WebhookStatus(StrEnum):
    """Whether events are sent to a webhook. What wants a disabled one is held."""

    ACTIVE = "active"
    DISABLED = "disabled"


class OldSecret(Struct, frozen=True, kw_only=True):
    """A secret that was rotated, and signs along until `until_ms`."""

    secret: str
    until_ms: int


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook as the control table holds it. `retry` names a schedule or lists seconds.

    `headers` go along with every request; `revision` counts the changes, from 1,
    `enablings` how often it was disabled and enabled again.
    """

    webhook_id: str
    url: str
    secret: str
    event_types: tuple[str, ...] = ("*",)
    timeout_seconds: int = 15
    retry: str | tuple[int, ...] = "standard"
    created_ms: int = 0
    updated_ms: int = 0
    status: WebhookStatus = WebhookStatus.ACTIVE
    disabled_reason: str | None = None
    disabled_ms: int | None = None
    description: str | None = None
    headers: dict[str, str] = {}
    old_secrets: tuple[OldSecret, ...] = ()
    revision: int = 1
    enablings: int = 0

    @property
    def schedule(self) -> tuple[int, ...]:
        """The delays between attempts, in seconds."""
        return SCHEDULES[self.retry] if isinstance(self.retry, str) else self.retry

    @property
    def tag(self) -> str:
        """Its present state as an entity tag (RFC 9110, 8.8.3)."""
        return f'"{self.revision}"'

    @property
    def is_enabled(self) -> bool:
        """Tell whether events are sent to it now."""
        return self.status is WebhookStatus.ACTIVE


def enabled_values() -> dict[str, Any]:
    """Return the values of a webhook to which events are sent."""
    return {"status": WebhookStatus.ACTIVE, "disabled_reason": None, "disabled_ms": None}


def disabled_values(reason: str, now_ms: int) -> dict[str, Any]:
    """Return the values of a webhook to which no events are sent any more, and why."""
    return {"status": WebhookStatus.DISABLED, "disabled_reason": reason, "disabled_ms": now_ms}


def old_secrets_at(webhook: Webhook, now_ms: int) -> tuple[OldSecret, ...]:
    """Return the rotated secrets that still sign along, the newest first."""
    return tuple(old for old in webhook.old_secrets if old.until_ms > now_ms)


def signing_secrets(webhook: Webhook, now_ms: int) -> tuple[str, ...]:
    """Return the secrets that sign a request now, the present one first."""
    if not webhook.old_secrets:
        return (webhook.secret,)
    return (webhook.secret, *(old.secret for old in old_secrets_at(webhook, now_ms)))


def changed(webhook: Webhook, now_ms: int, **values: Any) -> Webhook:
    """Return a webhook with other values, as of now, and its next revision."""
    enables = values.get("status") is WebhookStatus.ACTIVE and not webhook.is_enabled
    return replace(
        webhook,
        updated_ms=now_ms,
        revision=webhook.revision + 1,
        enablings=webhook.enablings + enables,
        **values,
    )


def wants(webhook: Webhook, event_type: str) -> bool:
    """Tell whether a webhook's filter takes an event type.

    A filter is `*`, the very name, or `order.*` for all below it. A disabled webhook still
    wants its events: they are held for it.
    """
    return any(matches_type(pattern, event_type) for pattern in webhook.event_types)


def matches_type(pattern: str, event_type: str) -> bool:
    """Tell whether an event type matches `*`, its very name, or `order.*` above it."""
    if pattern == "*":
        return True
    return event_type.startswith(pattern[:-1]) if pattern.endswith(".*") else event_type == pattern
