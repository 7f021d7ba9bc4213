"""The inbox: what is neither delivered nor acknowledged, oldest first."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from app.context import caller_of
from app.dependencies import Domain
from app.operations import describe
from app.queries import PageQuery, read_query
from app.wire.events import EventList, event_to_wire
from triggers.api_keys import Scope

_LIST = "inbox"


@get(
    "/inbox",
    opt=describe(
        tag="Inbox",
        summary="List the inbox",
        description="Events that are neither delivered nor acknowledged, oldest first, with their "
        "payloads. A page holds at most 1 MiB of these, then it is shorter than `limit`. A fresh "
        "event may take a moment to appear; what was acknowledged before the call never does.",
        scope=Scope.INBOX,
        query=PageQuery,
        answer=EventList,
        shown=("payload",),
        problems=("invalid_cursor",),
    ),
)
async def list_inbox(request: Request[Any, Any, Any], domain: NamedDependency[Domain]) -> EventList:
    """List a page of the inbox."""
    query, tenant = read_query(request, PageQuery), caller_of(request).tenant
    cursor, cursors = query.cursor, domain.cursors
    after = None if cursor is None else cursors.read(tenant.tenant_id, _LIST, cursor)
    page = await domain.events.read_inbox(
        tenant.tenant_id, shards=tenant.shards_to_read, after=after, limit=query.limit
    )
    position, records = page.position, page.records
    following = position and cursors.write(tenant.tenant_id, _LIST, position)
    return EventList(events=[event_to_wire(record) for record in records], next_cursor=following)


ROUTES = (list_inbox,)
