"""A tenant: a customer, who owns everything else; known only from an API key."""

from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

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

    `rate_limit` is an enterprise tenant's own; the other tiers have theirs. `read_shards` is more
    than `shards` while these grow, see `shards_to_read`.
    """

    tenant_id: str
    name: str
    tier: Tier = Tier.FREE
    shards: int = 1
    created_ms: int = 0
    rate_limit: RateLimit | None = None
    read_shards: int = 0
    updated_ms: int = 0

    @property
    def shards_to_read(self) -> int:
        """The shards that may hold events. A list looks into new ones before any event is there."""
        return max(self.shards, self.read_shards)


class TenantView(Struct, frozen=True, kw_only=True):
    """All of a tenant that changes slowly, as of one version of it.

    A tenant that does not exist has no `tenant`.
    """

    tenant_id: str
    version: int
    tenant: Tenant | None = None
    keys: dict[str, ApiKey] = {}
    webhooks: dict[str, Webhook] = {}


def changed(tenant: Tenant, now_ms: int, **values: Any) -> Tenant:
    """Return a tenant with other values, as of now; with what its tier brings along.

    Only an enterprise tenant keeps a limit of its own. Shards that a tier adds are read at first;
    `grown` has them written to.
    """
    after = replace(tenant, updated_ms=now_ms, **values)
    return replace(
        after,
        rate_limit=after.rate_limit if after.tier is Tier.ENTERPRISE else None,
        read_shards=max(after.shards_to_read, SHARDS_BY_TIER[after.tier]),
    )


def grown(tenant: Tenant, shards: int) -> Tenant:
    """Return a tenant that writes to so many shards, or to more if it does already."""
    return replace(tenant, shards=max(tenant.shards, shards))


def limit_of(tenant: Tenant) -> RateLimit:
    """Return how many calls a tenant may make."""
    if tenant.tier is Tier.ENTERPRISE and tenant.rate_limit is not None:
        return tenant.rate_limit
    return LIMITS_BY_TIER[tenant.tier]
