"""Tenants, with the operator's key."""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency

from app.bodies import SMALL_BODY_BYTES_MAX, read_body
from app.context import caller_of
from app.decoding import decode_json
from app.dependencies import Domain
from app.operations import describe
from app.wire.tenants import NewTenantOut, TenantIn, new_tenant_to_wire
from triggers.api_keys import Scope


@post(
    "/tenants",
    opt=describe(
        tag="Tenants",
        summary="Create a tenant",
        description="Answers with the tenant's first key, which has every scope of a tenant and is "
        "shown in this answer only. Takes the operator's key.",
        scope=Scope.ADMIN,
        body=TenantIn,
        example={"name": "Acme", "tier": "pro"},
        answer=NewTenantOut,
    ),
)
async def create_tenant(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> Response[NewTenantOut]:
    """Create a tenant with its first key."""
    body = await read_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    sent = decode_json(TenantIn, body)
    tenant, _, text = await domain.tenant_changes.create(
        sent.name, sent.tier, actor=caller_of(request).actor
    )
    return Response(new_tenant_to_wire(tenant, text), headers={"cache-control": "no-store"})


ROUTES = (create_tenant,)
