"""Tenants on the wire, as the operator makes, changes and sees them."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.wire.events import NextCursor
from app.wire.ids import TenantId
from app.wire.keys import KEY_EXAMPLE, Name
from app.wire.moments import Moment
from triggers.rate_limits import RateLimit
from triggers.tenants import Tenant, TenantView, Tier
from triggers.times import rfc3339

CALLS_MAX = 1_000_000_000_000

TierOf = Annotated[
    Tier,
    Meta(
        description="free, pro or enterprise: how much the tenant may do", examples=["enterprise"]
    ),
]


class TenantRateLimit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an enterprise tenant may do instead of what its tier gives."""

    per_second: Annotated[
        int,
        Meta(ge=1, le=100_000, description="1–100000 calls a second on average", examples=[5_000]),
    ]
    burst: Annotated[
        int, Meta(ge=1, le=200_000, description="1–200000 calls at once", examples=[10_000])
    ]
    per_day: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=CALLS_MAX,
                description="1–10¹² calls in a UTC day; null: no quota",
                examples=[50_000_000],
            ),
        ]
        | None
    ) = None
    per_month: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=CALLS_MAX,
                description="1–10¹² calls in a UTC month; null: no quota",
                examples=[1_000_000_000],
            ),
        ]
        | None
    ) = None


OwnRateLimit = Annotated[
    TenantRateLimit | None,
    Meta(
        description="A limit of its own, for the tier enterprise alone; null: that of its tier",
        examples=[{"per_second": 5_000, "burst": 10_000}],
    ),
]


class TenantIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tenant as it is created."""

    name: Name
    tier: TierOf = Tier.FREE
    rate_limit: OwnRateLimit = None


class TenantPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be changed of a tenant. What is left out stays as it is."""

    name: Name | UnsetType = UNSET
    tier: TierOf | UnsetType = UNSET
    rate_limit: OwnRateLimit | UnsetType = UNSET


class TenantOut(Struct, frozen=True, kw_only=True):
    """A tenant as it is shown."""

    tenant_id: TenantId
    name: Name
    tier: TierOf
    rate_limit: OwnRateLimit
    created_at: Moment
    updated_at: Moment
    keys: Annotated[
        int | UnsetType,
        Meta(description="How many keys it has, 0–100; shown for one tenant alone", examples=[2]),
    ] = UNSET
    webhooks: Annotated[
        int | UnsetType,
        Meta(
            description="How many webhooks it has, 0–50; shown for one tenant alone", examples=[3]
        ),
    ] = UNSET


class TenantList(Struct, frozen=True, kw_only=True):
    """A page of the tenants, oldest first."""

    tenants: Annotated[list[TenantOut], Meta(description="At most `limit` tenants")]
    next_cursor: NextCursor


class NewTenantOut(Struct, frozen=True, kw_only=True):
    """A tenant that was made just now, with its first key, which has every scope of a tenant."""

    tenant_id: TenantId
    name: Name
    tier: TierOf
    rate_limit: OwnRateLimit
    created_at: Moment
    updated_at: Moment
    key: Annotated[
        str,
        Meta(
            description="The tenant's first key, shown only here: keep it safe",
            examples=[KEY_EXAMPLE],
        ),
    ]


def limit_of_wire(sent: TenantRateLimit | None) -> RateLimit | None:
    """Return the limit that was asked for."""
    return None if sent is None else RateLimit(**msgspec.structs.asdict(sent))


def tenant_values_of(sent: TenantPatch) -> dict[str, Any]:
    """Return what was sent as values of a tenant, without what is absent."""
    values: dict[str, Any] = {"name": sent.name, "tier": sent.tier}
    if sent.rate_limit is not UNSET:
        values["rate_limit"] = limit_of_wire(sent.rate_limit)
    return {name: value for name, value in values.items() if value is not UNSET}


def tenant_to_wire(tenant: Tenant, view: TenantView | None = None) -> TenantOut:
    """Show a tenant; with what it has when its view is given."""
    return TenantOut(
        **_shown(tenant),
        keys=UNSET if view is None else len(view.keys),
        webhooks=UNSET if view is None else len(view.webhooks),
    )


def new_tenant_to_wire(tenant: Tenant, key_text: str) -> NewTenantOut:
    """Show a tenant with the key that it starts with."""
    return NewTenantOut(**_shown(tenant), key=key_text)


def _shown(tenant: Tenant) -> dict[str, Any]:
    own = tenant.rate_limit
    return {
        "tenant_id": tenant.tenant_id,
        "name": tenant.name,
        "tier": tenant.tier,
        "rate_limit": None if own is None else TenantRateLimit(**msgspec.structs.asdict(own)),
        "created_at": rfc3339(tenant.created_ms),
        "updated_at": rfc3339(tenant.updated_ms or tenant.created_ms),
    }
