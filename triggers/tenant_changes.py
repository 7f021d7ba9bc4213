"""Changes of tenants, by the operator. Each is in force everywhere when its call returns."""

from collections.abc import Callable
from typing import Any

from triggers.api_keys import TENANT_SCOPES, ApiKey, make_key
from triggers.control import ControlPlane, Decision
from triggers.control_changes import Controlled
from triggers.errors import FieldError, NotFound, ValidationFailed
from triggers.ids import RandomBits, make_tenant_id
from triggers.rate_limits import RateLimit
from triggers.tenants import SHARDS_BY_TIER, Tenant, TenantView, Tier, changed, grown
from triggers.times import Clock

# Of a transaction of DynamoDB, which takes 100 writes; some are the versions and the audit entry.
DELETES_MAX = 90


class TenantChanges:
    """Creates, updates and deletes tenants."""

    def __init__(self, plane: ControlPlane, *, clock: Clock, random_bits: RandomBits) -> None:
        self._plane = plane
        self._clock = clock
        self._random_bits = random_bits

    async def create(
        self, name: str, tier: Tier, *, rate_limit: RateLimit | None = None, actor: str
    ) -> tuple[Tenant, ApiKey, str]:
        """Create a tenant with its first key; returns both and the key's text.

        Raises ValidationFailed for a limit of its own that its tier does not have.
        """
        _require_tier_for_limit(tier, rate_limit)
        now_ms = self._clock()
        tenant = Tenant(
            tenant_id=make_tenant_id(self._random_bits),
            name=name,
            tier=tier,
            shards=SHARDS_BY_TIER[tier],
            created_ms=now_ms,
            updated_ms=now_ms,
            rate_limit=rate_limit,
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

    async def update(self, tenant_id: str, values: dict[str, Any], *, actor: str) -> Tenant:
        """Give a tenant another name, tier or limit. Raises NotFound, ValidationFailed.

        Shards grow in two steps, so that no list misses an event in a new one: when everybody
        reads them, they are written to. Called again, it ends what a crash left between the two.
        """
        tenant = await self._replace(
            tenant_id, "tenant.updated", lambda t: _updated(t, values, self._clock()), actor
        )
        shards = tenant.shards_to_read
        if tenant.shards == shards:
            return tenant
        return await self._replace(tenant_id, "tenant.grown", lambda t: grown(t, shards), actor)

    async def delete(self, tenant_id: str, *, actor: str) -> None:
        """Delete a tenant with its keys and webhooks. Raises NotFound when nothing is left of it.

        The tenant itself goes first: from then on no key of it is valid, and no webhook is sent
        to. Called again, it clears away what a crash has left.
        """

        def remove(view: TenantView) -> Decision:
            if view.tenant is None and not _left_of(view):
                raise NotFound("tenant", tenant_id)
            return Decision(deletes=() if view.tenant is None else (view.tenant,))

        await self._plane.change(tenant_id, actor, "tenant.deleted", remove)
        while await self._clear_some(tenant_id, actor):
            pass

    async def _clear_some(self, tenant_id: str, actor: str) -> bool:
        """Delete some of what a deleted tenant has left. False: nothing was left."""
        left: tuple[Controlled, ...] = ()

        def clear(view: TenantView) -> Decision:
            nonlocal left
            left = _left_of(view)[:DELETES_MAX]
            return Decision(deletes=left, subject=tenant_id)

        # Nobody uses any of it, so nobody has to be waited for.
        await self._plane.write(tenant_id, actor, "tenant.cleared", clear)
        return bool(left)

    async def _replace(
        self, tenant_id: str, action: str, change: Callable[[Tenant], Tenant], actor: str
    ) -> Tenant:
        """Write what a change makes of a tenant, unless it is so already; returns it.

        It is waited for all the same: another call may have written it just now.
        """
        came_to: list[Tenant] = []

        def replace(view: TenantView) -> Decision:
            if view.tenant is None:
                raise NotFound("tenant", tenant_id)
            after = change(view.tenant)
            fields = _changed_fields(view.tenant, after)
            came_to.append(after if fields else view.tenant)
            return Decision(puts=(after,), fields=fields) if fields else Decision()

        await self._plane.change(tenant_id, actor, action, replace)
        return came_to[-1]


def _updated(tenant: Tenant, values: dict[str, Any], now_ms: int) -> Tenant:
    """Return a tenant with these values. Raises ValidationFailed."""
    _require_tier_for_limit(values.get("tier", tenant.tier), values.get("rate_limit"))
    return changed(tenant, now_ms, **values)


def _require_tier_for_limit(tier: Tier, rate_limit: RateLimit | None) -> None:
    if rate_limit is not None and tier is not Tier.ENTERPRISE:
        issue = f"is for the tier enterprise, not for {tier}"
        suggestion = "Leave it out, or choose the tier enterprise"
        raise ValidationFailed([FieldError(field="rate_limit", issue=issue, suggestion=suggestion)])


def _changed_fields(before: Tenant, after: Tenant) -> tuple[str, ...]:
    """Return the names of what differs, as the audit has them."""
    named = ("name", "tier", "rate_limit")
    fields = [name for name in named if getattr(before, name) != getattr(after, name)]
    if (before.shards, before.shards_to_read) != (after.shards, after.shards_to_read):
        fields.append("shards")
    return tuple(fields)


def _left_of(view: TenantView) -> tuple[Controlled, ...]:
    return (*view.webhooks.values(), *view.keys.values())
