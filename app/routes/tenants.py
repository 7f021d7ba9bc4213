"""Tenants, with the operator's key."""

from typing import Any

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.bodies import SMALL_BODY_BYTES_MAX, read_body
from app.context import caller_of
from app.decoding import decode_json
from app.dependencies import Domain
from app.operations import IN_FORCE, describe
from app.queries import PageQuery, read_query
from app.wire.keys import KeyIn, KeyOut, key_checks, key_to_wire, values_of
from app.wire.tenants import (
    NewTenantOut,
    TenantIn,
    TenantList,
    TenantOut,
    TenantPatch,
    limit_of_wire,
    new_tenant_to_wire,
    tenant_to_wire,
    tenant_values_of,
)
from triggers.api_keys import Scope
from triggers.control_changes import OPERATOR
from triggers.errors import NotFound
from triggers.ids import is_tenant_id

TAG = "Tenants"
_LIST = "tenants"
_TAKES = "Takes the operator's key."
_NO_STORE = {"cache-control": "no-store"}


@post(
    "/tenants",
    opt=describe(
        tag=TAG,
        summary="Create a tenant",
        description="Answers with the tenant's first key, which has every scope of a tenant and is "
        f"shown in this answer only. {_TAKES}",
        scope=Scope.ADMIN,
        body=TenantIn,
        example={"name": "Acme", "tier": "pro"},
        answer=NewTenantOut,
        headers={"Location": "Where the tenant can be read"},
    ),
)
async def create_tenant(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> Response[NewTenantOut]:
    """Create a tenant with its first key."""
    body = await read_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    sent = decode_json(TenantIn, body)
    tenant, _, text = await domain.tenant_changes.create(
        sent.name,
        sent.tier,
        rate_limit=limit_of_wire(sent.rate_limit),
        actor=caller_of(request).actor,
    )
    headers = {"location": f"/v1/tenants/{tenant.tenant_id}", **_NO_STORE}
    return Response(new_tenant_to_wire(tenant, text), headers=headers)


@get(
    "/tenants",
    opt=describe(
        tag=TAG,
        summary="List the tenants",
        description=f"All tenants, oldest first. {_TAKES}",
        scope=Scope.ADMIN,
        query=PageQuery,
        answer=TenantList,
        problems=("invalid_cursor",),
    ),
)
async def list_tenants(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> TenantList:
    """List a page of the tenants."""
    query, cursors = read_query(request, PageQuery), domain.cursors
    after = None if query.cursor is None else cursors.read(OPERATOR, _LIST, query.cursor)
    page = await domain.directory.read_tenants(after=after, limit=query.limit)
    following = page.position and cursors.write(OPERATOR, _LIST, page.position)
    return TenantList(tenants=[tenant_to_wire(t) for t in page.tenants], next_cursor=following)


@get(
    "/tenants/{tenant_id:str}",
    opt=describe(
        tag=TAG,
        summary="Read a tenant",
        description=f"With the number of its keys and webhooks. {_TAKES}",
        scope=Scope.ADMIN,
        answer=TenantOut,
        shown=("keys", "webhooks"),
    ),
)
async def read_tenant(domain: NamedDependency[Domain], tenant_id: FromPath[str]) -> TenantOut:
    """Show one tenant."""
    view = await domain.views.view(known(tenant_id))
    if view.tenant is None:
        raise NotFound("tenant", tenant_id)
    return tenant_to_wire(view.tenant, view)


@patch(
    "/tenants/{tenant_id:str}",
    opt=describe(
        tag=TAG,
        summary="Change a tenant",
        description="What is left out stays as it is. A tier below enterprise ends a limit of the "
        f"tenant's own. {IN_FORCE} A larger tier takes twice as long. {_TAKES}",
        scope=Scope.ADMIN,
        body=TenantPatch,
        example={"tier": "enterprise", "rate_limit": {"per_second": 5_000, "burst": 10_000}},
        answer=TenantOut,
    ),
)
async def update_tenant(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], tenant_id: FromPath[str]
) -> TenantOut:
    """Change a tenant."""
    body = await read_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    values = tenant_values_of(decode_json(TenantPatch, body))
    tenant = await domain.tenant_changes.update(
        known(tenant_id), values, actor=caller_of(request).actor
    )
    return tenant_to_wire(tenant)


@delete(
    "/tenants/{tenant_id:str}",
    opt=describe(
        tag=TAG,
        summary="Delete a tenant",
        description="With its keys and webhooks: from then on no key of it is valid, and deliveries "
        "that are pending are cancelled. Its events cannot be reached any more and stay stored until "
        "their retention is over. When a call failed half-way, the same call again clears away the "
        f"rest. {IN_FORCE} {_TAKES}",
        scope=Scope.ADMIN,
    ),
)
async def delete_tenant(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], tenant_id: FromPath[str]
) -> None:
    """Delete a tenant."""
    await domain.tenant_changes.delete(known(tenant_id), actor=caller_of(request).actor)


@post(
    "/tenants/{tenant_id:str}/keys",
    opt=describe(
        tag=TAG,
        summary="Create a key of a tenant",
        description="For a tenant that lost its last key. The key is shown in this answer only. "
        f"{IN_FORCE} {_TAKES}",
        scope=Scope.ADMIN,
        body=KeyIn,
        example={"name": "rescue", "scopes": ["keys"]},
        answer=KeyOut,
        shown=("key",),
        problems=("limit_reached",),
    ),
)
async def create_key_of_tenant(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], tenant_id: FromPath[str]
) -> Response[KeyOut]:
    """Create a key of a tenant; its text is in this answer and nowhere else."""
    body = await read_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    sent = decode_json(KeyIn, body, key_checks(domain.clock()))
    key, text = await domain.key_changes.create(
        known(tenant_id), **values_of(sent, None), actor=caller_of(request).actor
    )
    shown = key_to_wire(key, now_ms=domain.clock(), text=text, signing_secret=key.signing_secret)
    return Response(shown, headers=_NO_STORE)


def known(tenant_id: str) -> str:
    """Return an id that has the form of a tenant's. Raises NotFound: what has not, is none."""
    if not is_tenant_id(tenant_id):
        raise NotFound("tenant", tenant_id)
    return tenant_id


ROUTES = (
    create_tenant,
    list_tenants,
    read_tenant,
    update_tenant,
    delete_tenant,
    create_key_of_tenant,
)
