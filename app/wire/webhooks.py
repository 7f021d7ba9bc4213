"""Webhooks on the wire."""

import re
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from app.decoding import Check
from app.wire.events import Moment, WholeList, moment_or_none
from app.wire.ids import WebhookId
from triggers import signatures
from triggers.ids import RandomBits, make_webhook_id
from triggers.settings import Settings
from triggers.times import rfc3339
from triggers.webhook_urls import URL_CHARACTERS_MAX, issue_with_url
from triggers.webhooks import (
    RETRY_DELAY_SECONDS_MAX,
    RETRY_DELAYS_MAX,
    TIMEOUT_SECONDS_MAX,
    Webhook,
    WebhookStatus,
)

EVENT_TYPES_MAX = 50

_PATTERN = re.compile(r"\*|[A-Za-z0-9_-][A-Za-z0-9._-]*(?:(?<!\.)\.\*)?")

Url = Annotated[
    str,
    Meta(
        description="https and a public host (in development http and an allowed network too), no user, "
        "no fragment, at most 2,048 characters",
        max_length=URL_CHARACTERS_MAX,
        examples=["https://example.com/hooks/orders"],
    ),
]
EventTypes = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=128)]],
    Meta(
        min_length=1,
        max_length=EVENT_TYPES_MAX,
        description="At most 50 of: * for all, order.created for one, order.* for all below it",
        examples=[["order.*"]],
    ),
]
Delay = Annotated[int, Meta(ge=1, le=RETRY_DELAY_SECONDS_MAX, description="1–86400 seconds")]
Retry = Annotated[
    Literal["standard", "short"]
    | Annotated[list[Delay], Meta(min_length=1, max_length=RETRY_DELAYS_MAX)],
    Meta(
        description="standard (3.2 days), short (31 s), or 1–20 pauses of 1–86400 seconds",
        examples=["standard", [5, 60, 3600]],
    ),
]
Timeout = Annotated[
    int,
    Meta(
        ge=1,
        le=TIMEOUT_SECONDS_MAX,
        description="1–30 seconds for the receiver to answer; 15 when none is given",
        examples=[15],
    ),
]
Secret = Annotated[
    str,
    Meta(
        description="whsec_ and base64 of 24–64 random bytes; made when none is given",
        max_length=len(signatures.SECRET_PREFIX) + 4 * ((signatures.SECRET_BYTES_MAX + 2) // 3),
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ),
]


class WebhookIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook as it is created."""

    url: Url
    event_types: EventTypes = field(default_factory=lambda: ["*"])
    timeout_seconds: Timeout | None = None
    retry: Retry = "standard"
    secret: Secret | None = None


class WebhookOut(Struct, frozen=True, kw_only=True):
    """A webhook as it is shown."""

    webhook_id: WebhookId
    url: Url
    event_types: EventTypes
    timeout_seconds: Timeout
    retry: Annotated[
        str | list[int],
        Meta(
            description="standard, short, or the pauses in seconds",
            examples=["standard", [5, 60, 3600]],
        ),
    ]
    secret: Annotated[
        str | UnsetType,
        Meta(
            description="Only in the answer to its creation: keep it safe",
            examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        ),
    ] = UNSET
    status: Annotated[
        WebhookStatus,
        Meta(description="Whether events are delivered to it", examples=["active"]),
    ]
    disabled_reason: Annotated[
        str | None, Meta(description="Why it is disabled; null: it is not", examples=[None])
    ]
    disabled_at: Annotated[
        Moment | None, Meta(description="Since when it is disabled, in UTC", examples=[None])
    ]
    created_at: Annotated[Moment, Meta(description="When it was made, in UTC")]
    updated_at: Annotated[Moment, Meta(description="When it was changed last, in UTC")]


class WebhookList(Struct, frozen=True, kw_only=True):
    """The webhooks of a tenant, oldest first."""

    webhooks: Annotated[list[WebhookOut], Meta(description="All the webhooks")]
    next_cursor: WholeList = None


def webhook_checks(settings: Settings) -> dict[str, Check]:
    """Return what a webhook's fields must be beyond their form."""
    networks = settings.networks

    def check_url(url: str) -> str | None:
        return issue_with_url(url, is_development=settings.is_development, allowed=networks)

    return {"url": check_url, "event_types": _check_event_types, "secret": _check_secret}


def webhook_of(
    sent: WebhookIn, *, settings: Settings, now_ms: int, random_bits: RandomBits
) -> Webhook:
    """Make the webhook that was asked for."""
    default_timeout = min(max(1, round(settings.attempt_seconds)), TIMEOUT_SECONDS_MAX)
    return Webhook(
        webhook_id=make_webhook_id(random_bits),
        url=sent.url,
        secret=sent.secret or signatures.make_secret(random_bits),
        event_types=tuple(sent.event_types),
        timeout_seconds=sent.timeout_seconds or default_timeout,
        retry=sent.retry if isinstance(sent.retry, str) else tuple(sent.retry),
        created_ms=now_ms,
        updated_ms=now_ms,
    )


def webhook_to_wire(webhook: Webhook, *, with_secret: bool = False) -> WebhookOut:
    """Show a webhook; its secret only when it was made just now."""
    return WebhookOut(
        webhook_id=webhook.webhook_id,
        url=webhook.url,
        event_types=list(webhook.event_types),
        timeout_seconds=webhook.timeout_seconds,
        retry=webhook.retry if isinstance(webhook.retry, str) else list(webhook.retry),
        secret=webhook.secret if with_secret else UNSET,
        status=webhook.status,
        disabled_reason=webhook.disabled_reason,
        disabled_at=moment_or_none(webhook.disabled_ms),
        created_at=rfc3339(webhook.created_ms),
        updated_at=rfc3339(webhook.updated_ms),
    )


def _check_event_types(patterns: list[str]) -> str | None:
    wrong = next((n for n, text in enumerate(patterns) if not _PATTERN.fullmatch(text)), None)
    return (
        None if wrong is None else f"entry {wrong} is neither *, nor an event type, nor one with .*"
    )


def _check_secret(secret: str) -> str | None:
    try:
        signatures.secret_bytes(secret)
    except ValueError as error:
        return str(error)
    return None
