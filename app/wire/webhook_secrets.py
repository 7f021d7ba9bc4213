"""The secrets of a webhook on the wire: the present one, and those that sign along."""

from typing import Annotated

from msgspec import Meta, Struct

from app.wire.moments import Moment
from app.wire.webhook_fields import Secret
from triggers.times import rfc3339
from triggers.webhooks import OLD_SECRETS_MAX, Webhook, old_secrets_at


class RotationIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be the new secret."""

    secret: Secret | None = None


class OldSecretOut(Struct, frozen=True, kw_only=True):
    """A secret that was rotated and signs along."""

    secret: Secret
    expires_at: Annotated[Moment, Meta(description="Until when it signs along, in UTC")]


class SecretsOut(Struct, frozen=True, kw_only=True):
    """The secrets that sign what is sent to a webhook."""

    secret: Secret
    old_secrets: Annotated[
        list[OldSecretOut],
        Meta(
            max_length=OLD_SECRETS_MAX,
            description="At most 5 that were rotated and sign along until they expire, newest first",
        ),
    ]


def secrets_to_wire(webhook: Webhook, now_ms: int) -> SecretsOut:
    """Show the secrets that sign now."""
    return SecretsOut(
        secret=webhook.secret,
        old_secrets=[
            OldSecretOut(secret=old.secret, expires_at=rfc3339(old.until_ms))
            for old in old_secrets_at(webhook, now_ms)
        ],
    )
