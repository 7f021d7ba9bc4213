"""A webhook: a tenant's HTTP endpoint with its filter, secret and retry policy."""

from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from triggers.retries import SCHEDULES

WEBHOOKS_MAX = 50
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

    `headers` go along with every request; `revision` counts the changes, from 1.
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

    @property
    def schedule(self) -> tuple[int, ...]:
        """The delays between attempts, in seconds."""
        return SCHEDULES[self.retry] if isinstance(self.retry, str) else self.retry

    @property
    def is_enabled(self) -> bool:
        """Tell whether events are sent to it now."""
        return self.status is WebhookStatus.ACTIVE


def changed(webhook: Webhook, now_ms: int, **values: Any) -> Webhook:
    """Return a webhook with other values, as of now, and its next revision."""
    return replace(webhook, updated_ms=now_ms, revision=webhook.revision + 1, **values)


def wants(webhook: Webhook, event_type: str) -> bool:
    """Tell whether a webhook's filter takes an event type.

    A filter is `*`, the very name, or `order.*` for all below it. A disabled webhook still
    wants its events: they are held for it.
    """
    return any(_matches(pattern, event_type) for pattern in webhook.event_types)


def _matches(pattern: str, event_type: str) -> bool:
    if pattern == "*":
        return True
    return event_type.startswith(pattern[:-1]) if pattern.endswith(".*") else event_type == pattern
