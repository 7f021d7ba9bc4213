"""Webhooks on the wire: as they are created and changed, and as they are shown."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

from app.wire.events import WholeList
from app.wire.ids import JobId, WebhookId
from app.wire.moments import Moment, moment_or_none
from app.wire.webhook_fields import (
    Description,
    Enabled,
    EventTypes,
    Headers,
    Retry,
    Secret,
    Timeout,
    Url,
)
from triggers import signatures
from triggers.ids import RandomBits, make_webhook_id
from triggers.jobs import Job
from triggers.settings import Settings
from triggers.times import rfc3339
from triggers.webhook_changes import DISABLED_BY_A_CALL
from triggers.webhooks import TIMEOUT_SECONDS_MAX, Webhook, disabled_values


class WebhookIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook as it is created."""

    url: Url
    event_types: EventTypes = field(default_factory=lambda: ["*"])
    description: Description | None = None
    enabled: Enabled = True
    timeout_seconds: Timeout | None = None
    retry: Retry = "standard"
    headers: Headers = {}
    secret: Secret | None = None


class WebhookPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be changed of a webhook. What is left out stays as it is."""

    url: Url | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    enabled: Enabled | UnsetType = UNSET
    timeout_seconds: Timeout | UnsetType | None = UNSET
    retry: Retry | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET


class ShownStatus(StrEnum):
    """What a webhook is worth at the moment."""

    ACTIVE = "active"
    FAILING = "failing"
    DISABLED = "disabled"


class WebhookOut(Struct, frozen=True, kw_only=True):
    """A webhook as it is shown."""

    webhook_id: WebhookId
    url: Url
    event_types: EventTypes
    description: Description | None
    enabled: Enabled
    timeout_seconds: Timeout
    retry: Annotated[
        str | list[int],
        Meta(
            description="standard, short, or the pauses in seconds",
            examples=["standard", [5, 60, 3600]],
        ),
    ]
    headers: Headers
    secret: Annotated[
        str | UnsetType,
        Meta(
            description="Only in the answer to its creation, and in that of `GET …/secret`: keep it safe",
            examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        ),
    ] = UNSET
    status: Annotated[
        ShownStatus,
        Meta(
            description="`active`, `failing` while it knows nothing but failures, or `disabled`: "
            "then what wants it is held",
            examples=["active"],
        ),
    ]
    failing_since: Annotated[
        Moment | None,
        Meta(
            description="Since when it knows nothing but failures, in UTC; after 5 days of it the "
            "webhook is disabled",
            examples=[None],
        ),
    ]
    disabled_reason: Annotated[
        str | None, Meta(description="Why it is disabled; null: it is not", examples=[None])
    ]
    disabled_at: Annotated[
        Moment | None, Meta(description="Since when it is disabled, in UTC", examples=[None])
    ]
    job_id: Annotated[
        JobId | UnsetType,
        Meta(
            description="Only when it was enabled: the job that delivers what was held for it",
            examples=["job_01KAN72XQV8YJ4T6Z0M3S5B7C9"],
        ),
    ] = UNSET
    created_at: Annotated[Moment, Meta(description="When it was made, in UTC")]
    updated_at: Annotated[Moment, Meta(description="When it was changed last, in UTC")]


class WebhookList(Struct, frozen=True, kw_only=True):
    """The webhooks of a tenant, oldest first."""

    webhooks: Annotated[list[WebhookOut], Meta(description="All of them, at most 50")]
    next_cursor: WholeList = None


def webhook_of(
    sent: WebhookIn, *, settings: Settings, now_ms: int, random_bits: RandomBits
) -> Webhook:
    """Make the webhook that was asked for."""
    disabled = {} if sent.enabled else disabled_values(DISABLED_BY_A_CALL, now_ms)
    return Webhook(
        webhook_id=make_webhook_id(random_bits),
        url=sent.url,
        secret=sent.secret or signatures.make_secret(random_bits),
        event_types=tuple(sent.event_types),
        timeout_seconds=_timeout_seconds(sent.timeout_seconds, settings),
        retry=_retry(sent.retry),
        created_ms=now_ms,
        updated_ms=now_ms,
        description=sent.description,
        headers=sent.headers,
        **disabled,
    )


def values_of(sent: WebhookPatch, settings: Settings) -> dict[str, Any]:
    """Return the values that a webhook is to have, by its fields; all but `enabled`."""
    values: dict[str, Any] = {
        "url": sent.url,
        "event_types": _given(sent.event_types, tuple),
        "description": sent.description,
        "timeout_seconds": _given(sent.timeout_seconds, lambda s: _timeout_seconds(s, settings)),
        "retry": _given(sent.retry, _retry),
        "headers": sent.headers,
    }
    return {name: value for name, value in values.items() if value is not UNSET}


def webhook_to_wire(
    webhook: Webhook,
    *,
    with_secret: bool = False,
    failing_ms: int | None = None,
    job: Job | None = None,
) -> WebhookOut:
    """Show a webhook; its secret only when it was made just now.

    `failing_ms` is since when it fails, `job` what delivers what was held for it.
    """
    is_failing = failing_ms is not None and webhook.is_enabled
    return WebhookOut(
        webhook_id=webhook.webhook_id,
        url=webhook.url,
        event_types=list(webhook.event_types),
        description=webhook.description,
        enabled=webhook.is_enabled,
        timeout_seconds=webhook.timeout_seconds,
        retry=webhook.retry if isinstance(webhook.retry, str) else list(webhook.retry),
        headers=webhook.headers,
        secret=webhook.secret if with_secret else UNSET,
        status=ShownStatus.FAILING if is_failing else ShownStatus(webhook.status),
        failing_since=moment_or_none(failing_ms) if is_failing else None,
        job_id=job.job_id if job else UNSET,
        disabled_reason=webhook.disabled_reason,
        disabled_at=moment_or_none(webhook.disabled_ms),
        created_at=rfc3339(webhook.created_ms),
        updated_at=rfc3339(webhook.updated_ms),
    )


def _timeout_seconds(sent: int | None, settings: Settings) -> int:
    return sent or min(max(1, round(settings.attempt_seconds)), TIMEOUT_SECONDS_MAX)


def _retry(sent: str | list[int]) -> str | tuple[int, ...]:
    return sent if isinstance(sent, str) else tuple(sent)


def _given(value: Any, convert: Callable[[Any], Any]) -> Any:
    return UNSET if value is UNSET else convert(value)
