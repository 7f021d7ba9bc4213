"""The audit: every change of a tenant's keys and webhooks, and of the tenant itself."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from app.context import caller_of
from app.dependencies import Domain
from app.operations import describe
from app.queries import read_query
from app.wire.audit import AuditList, AuditQuery, entry_to_wire, filter_of, list_name_of
from triggers.api_keys import Scope


@get(
    "/audit",
    opt=describe(
        tag="Audit",
        summary="List the audit",
        description="Every change of keys, webhooks and the tenant, newest first: who did what, to "
        "what, and when. A filtered page reads a bounded amount: it may be short while "
        "`next_cursor` is set.",
        scope=Scope.KEYS,
        query=AuditQuery,
        answer=AuditList,
        problems=("invalid_cursor",),
    ),
)
async def list_audit(request: Request[Any, Any, Any], domain: NamedDependency[Domain]) -> AuditList:
    """List a page of the audit."""
    query, tenant_id = read_query(request, AuditQuery), caller_of(request).tenant.tenant_id
    wanted, cursors = filter_of(query), domain.cursors
    name, cursor = list_name_of(wanted), query.cursor
    after = None if cursor is None else cursors.read(tenant_id, name, cursor)
    page = await domain.audit.read_audit(tenant_id, wanted, after=after, limit=query.limit)
    following = page.position and cursors.write(tenant_id, name, page.position)
    return AuditList(entries=[entry_to_wire(e) for e in page.entries], next_cursor=following)


ROUTES = (list_audit,)
