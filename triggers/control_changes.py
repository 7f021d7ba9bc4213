"""A change of what changes slowly: tenants, keys, webhooks; with the audit entry that it leaves."""

from msgspec import Struct

from triggers.api_keys import ApiKey
from triggers.tenants import Tenant
from triggers.webhooks import Webhook

OPERATOR = "operator"
SERVICE = "service"

Controlled = Tenant | ApiKey | Webhook


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Who changed what, and when. `actor` is a key id, `operator` or `service`.

    `fields` are the names of what was changed, never values.
    """

    at_ms: int
    actor: str
    action: str
    subject: str
    fields: tuple[str, ...] = ()


class ControlChange(Struct, frozen=True, kw_only=True):
    """What one transaction writes, if the version is still the one that it was made from."""

    from_version: int
    audit: AuditEntry
    puts: tuple[Controlled, ...] = ()
    deletes: tuple[Controlled, ...] = ()


def subject_of(controlled: Controlled) -> str:
    """Return the id of what is changed."""
    match controlled:
        case Tenant():
            return controlled.tenant_id
        case ApiKey():
            return controlled.key_id
        case Webhook():
            return controlled.webhook_id
