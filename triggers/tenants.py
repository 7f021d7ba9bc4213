"""A tenant: a customer, who owns everything else; known only from an API key."""

from enum import StrEnum

from msgspec import Struct

from triggers.api_keys import ApiKey
from triggers.rate_limits import RateLimit
from triggers.webhooks import Webhook


class Tier(StrEnum):
    """What a tenant has bought."""

    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


# A partition of DynamoDB takes 1,000 writes a second; a shard is one. Shards only grow, so that an
# event stays where its id says.
SHARDS_BY_TIER = {Tier.FREE: 1, Tier.PRO: 8, Tier.ENTERPRISE: 32}
LIMITS_BY_TIER = {
    Tier.FREE: RateLimit(per_second=100, burst=200, per_day=10_000),
    Tier.PRO: RateLimit(per_second=1_000, burst=2_000, per_month=1_000_000),
    Tier.ENTERPRISE: RateLimit(per_second=10_000, burst=20_000),
}


class Tenant(Struct, frozen=True, kw_only=True):
    """A tenant as the control table holds it. `shards` is the number of its partitions.

    `rate_limit` is an enterprise tenant's own; the other tiers have theirs.
    """

    tenant_id: str
    name: str
    tier: Tier = Tier.FREE
    shards: int = 1
    created_ms: int = 0
    rate_limit: RateLimit | None = None


class TenantView(Struct, frozen=True, kw_only=True):
    """All of a tenant that changes slowly, as of one version of it.

    A tenant that does not exist has no `tenant`.
    """

    tenant_id: str
    version: int
    tenant: Tenant | None = None
    keys: dict[str, ApiKey] = {}
    webhooks: dict[str, Webhook] = {}


def limit_of(tenant: Tenant) -> RateLimit:
    """Return how many calls a tenant may make."""
    if tenant.tier is Tier.ENTERPRISE and tenant.rate_limit is not None:
        return tenant.rate_limit
    return LIMITS_BY_TIER[tenant.tier]
