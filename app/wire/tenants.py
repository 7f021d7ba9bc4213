"""Tenants on the wire, as the operator makes and sees them."""

from typing import Annotated

from msgspec import Meta, Struct

from app.wire.events import Moment
from app.wire.keys import Name
from triggers.tenants import Tenant, Tier
from triggers.times import rfc3339


class TenantIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tenant as it is created."""

    name: Name
    tier: Annotated[Tier, Meta(description="free, pro or enterprise")] = Tier.FREE


class NewTenantOut(Struct, frozen=True, kw_only=True):
    """A tenant that was made just now, with its first key, which has every scope of a tenant."""

    tenant_id: Annotated[str, Meta(examples=["ten_XQV8YJ4T6Z0M3S5B"])]
    name: Name
    tier: Tier
    created_at: Moment
    key: Annotated[str, Meta(description="The tenant's first key, shown only here: keep it safe")]


def new_tenant_to_wire(tenant: Tenant, key_text: str) -> NewTenantOut:
    """Show a tenant with the key that it starts with."""
    return NewTenantOut(
        tenant_id=tenant.tenant_id,
        name=tenant.name,
        tier=tenant.tier,
        created_at=rfc3339(tenant.created_ms),
        key=key_text,
    )
