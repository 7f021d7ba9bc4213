"""Tenants on the wire, as the operator makes and sees them."""

from typing import Annotated

from msgspec import Meta, Struct

from app.wire.events import Moment
from app.wire.ids import TenantId
from app.wire.keys import KEY_EXAMPLE, Name
from triggers.tenants import Tenant, Tier
from triggers.times import rfc3339

TierOf = Annotated[
    Tier, Meta(description="free, pro or enterprise: how much the tenant may do", examples=["pro"])
]


class TenantIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tenant as it is created."""

    name: Name
    tier: TierOf = Tier.FREE


class NewTenantOut(Struct, frozen=True, kw_only=True):
    """A tenant that was made just now, with its first key, which has every scope of a tenant."""

    tenant_id: TenantId
    name: Name
    tier: TierOf
    created_at: Annotated[Moment, Meta(description="When it was made, in UTC")]
    key: Annotated[
        str,
        Meta(
            description="The tenant's first key, shown only here: keep it safe",
            examples=[KEY_EXAMPLE],
        ),
    ]


def new_tenant_to_wire(tenant: Tenant, key_text: str) -> NewTenantOut:
    """Show a tenant with the key that it starts with."""
    return NewTenantOut(
        tenant_id=tenant.tenant_id,
        name=tenant.name,
        tier=tenant.tier,
        created_at=rfc3339(tenant.created_ms),
        key=key_text,
    )
