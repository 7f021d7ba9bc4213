"""How long a claim lasts."""

from triggers.settings import Settings
from triggers.tenants import TenantView

STALE_INDEX_MS = 2_000  # an index may still show what was finished this long ago


def lease_ms_of(view: TenantView, settings: Settings) -> int:
    """Return how long a claim holds: longer by what the tenant's slowest webhook may take."""
    longest = max((w.timeout_seconds for w in view.webhooks.values()), default=0)
    more = max(0.0, longest - settings.attempt_seconds)
    return int((settings.lease_seconds + more) * 1000)
