"""Changes of tenants, by the operator. Each is in force everywhere when its call returns."""

from triggers.api_keys import TENANT_SCOPES, ApiKey, make_key
from triggers.control import ControlPlane, Decision
from triggers.ids import RandomBits, make_tenant_id
from triggers.tenants import SHARDS_BY_TIER, Tenant, Tier
from triggers.times import Clock


class TenantChanges:
    """Creates tenants."""

    def __init__(self, plane: ControlPlane, *, clock: Clock, random_bits: RandomBits) -> None:
        self._plane = plane
        self._clock = clock
        self._random_bits = random_bits

    async def create(self, name: str, tier: Tier, *, actor: str) -> tuple[Tenant, ApiKey, str]:
        """Create a tenant with its first key; returns both and the key's text."""
        now_ms = self._clock()
        tenant = Tenant(
            tenant_id=make_tenant_id(self._random_bits),
            name=name,
            tier=tier,
            shards=SHARDS_BY_TIER[tier],
            created_ms=now_ms,
        )
        key, text = make_key(
            tenant.tenant_id,
            "first key",
            TENANT_SCOPES,
            now_ms=now_ms,
            random_bits=self._random_bits,
        )
        created = Decision(puts=(tenant, key))
        # Nobody can hold a view of a tenant that was not there: there is nothing to wait for.
        await self._plane.write(tenant.tenant_id, actor, "tenant.created", lambda _: created)
        return tenant, key, text
