"""How keys and indexes are spelled. Nowhere else is one put together or taken apart."""

from triggers.api_keys import ApiKey
from triggers.control_changes import Controlled
from triggers.ids import shard_of
from triggers.tenants import Tenant
from triggers.webhooks import Webhook

EVENTS = "events"
PAYLOADS = "payloads"
ATTEMPTS = "attempts"
BACKLOG = "backlog"
CONTROL = "control"
IDEMPOTENCY = "idempotency"
COUNTERS = "counters"

INBOX_INDEX = "inbox"
DUE_INDEX = "due"
WEBHOOK_INDEX = "by_webhook"

DELIVERIES_QUEUE = "deliveries"
DELIVERIES_DEAD_LETTER_QUEUE = "deliveries-dlq"
DEAD_LETTERS_QUEUE = "dead-letters"

DIRECTORY = "tenants"  # a partition of the control table; no tenant's id is like it
TENANT_KEY = "tenant"
VERSION_KEY = "version"
KEY_PREFIX = "key#"
WEBHOOK_PREFIX = "webhook#"
AUDIT_PREFIX = "audit#"


def events_partition(tenant_id: str, shard: int) -> str:
    """Return the partition of a shard of a tenant's events, in the table and in the inbox index."""
    return f"{tenant_id}#{shard}"


def partition_of_event(tenant_id: str, event_id: str) -> str:
    """Return the partition in which an event lives."""
    return events_partition(tenant_id, shard_of(event_id))


def tenant_of(table: str, partition: str) -> str:
    """Return the tenant of a partition of any table; of counters its name stands behind what is counted."""
    first, _, rest = partition.partition("#")
    return rest.partition("#")[0] if table == COUNTERS else first


def by_event(tenant_id: str, event_id: str) -> str:
    """Return the partition of what belongs to one event: its payload, its attempts."""
    return f"{tenant_id}#{event_id}"


def by_idempotency_key(tenant_id: str, key_digest: str) -> str:
    """Return the partition of the record of an idempotency key."""
    return f"{tenant_id}#{key_digest}"


def by_webhook(tenant_id: str, webhook_id: str) -> str:
    """Return the partition of what belongs to one webhook: its backlog, the index of attempts."""
    return f"{tenant_id}#{webhook_id}"


def attempt_sort(webhook_id: str, number: int) -> str:
    """Return the sort key of an attempt."""
    return f"{webhook_id}#{number:04d}"


def control_sort(controlled: Controlled) -> str:
    """Return the sort key of what changes slowly."""
    match controlled:
        case Tenant():
            return TENANT_KEY
        case ApiKey():
            return KEY_PREFIX + controlled.key_id
        case Webhook():
            return WEBHOOK_PREFIX + controlled.webhook_id


def group_partition(group: int) -> str:
    """Return the partition that holds the version of a group of tenants; no tenant's is like it."""
    return f"group-{group:02d}"


def directory_sort(tenant: Tenant) -> str:
    """Return the sort key of a tenant in the directory: by its creation."""
    return f"{tenant.created_ms:015d}#{tenant.tenant_id}"


def audit_sort(at_ms: int, version: int) -> str:
    """Return the sort key of an audit entry: by time, then by the version that the change made."""
    return f"{AUDIT_PREFIX}{at_ms:015d}#{version:012d}"


def audit_range(since_ms: int | None, until_ms: int | None) -> tuple[str, str]:
    """Return between which sort keys the audit entries of a time stand; without its end."""
    first = AUDIT_PREFIX if since_ms is None else f"{AUDIT_PREFIX}{since_ms:015d}"
    last = f"{AUDIT_PREFIX}~" if until_ms is None else f"{AUDIT_PREFIX}{until_ms:015d}"
    return first, max(first, last)


def rate_bucket(tenant_id: str, key_id: str | None) -> str:
    """Return the counter that holds the bucket of a tenant, or of one of its keys."""
    return f"rate#{tenant_id}" if key_id is None else f"rate#{tenant_id}#{key_id}"


def jobs_partition(tenant_id: str) -> str:
    """Return the partition of a tenant's jobs, in the table of events."""
    return f"{tenant_id}#jobs"


def latest_job(webhook_id: str, kind: str) -> str:
    """Return the sort key of the entry that names the latest job of a kind for a webhook."""
    return f"latest#{kind}#{webhook_id}"


def partition_of_due(tenant_id: str, identifier: str) -> str:
    """Return the partition of what the due index names: of an event or a job."""
    if identifier.startswith("job_"):
        return jobs_partition(tenant_id)
    return partition_of_event(tenant_id, identifier)


def health(tenant_id: str, webhook_id: str) -> str:
    """Return the counter that says since when a webhook fails."""
    return f"health#{tenant_id}#{webhook_id}"


def sweep_lease(due_shard: str) -> str:
    """Return the counter that holds the lease of a due shard."""
    return f"sweep#{due_shard}"


def key_use(tenant_id: str, key_id: str) -> str:
    """Return the counter that holds when a key was used last."""
    return f"used#{tenant_id}#{key_id}"


def used_signature(tenant_id: str, digest: str) -> str:
    """Return the counter that holds a signature which was accepted."""
    return f"signature#{tenant_id}#{digest}"
