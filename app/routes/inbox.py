"""The inbox: what is neither delivered nor acknowledged, oldest first."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from app.context import caller_of
from app.dependencies import Domain
from app.operations import describe
from app.pages import page_of
from app.queries import read_query
from app.wire.events import EventList
from app.wire.lists import InboxQuery, inbox_query_of
from triggers.api_keys import Scope


@get(
    "/inbox",
    opt=describe(
        tag="Inbox",
        summary="List the inbox",
        description="Events that are neither delivered nor acknowledged, oldest first, with their "
        "payloads. A page holds at most 1 MiB of these, then it is shorter than `limit`. A fresh "
        "event may take a moment to appear; what was acknowledged before the call never does. With "
        "filters a page may be short, or empty, though `next_cursor` continues the list.",
        scope=Scope.INBOX,
        query=InboxQuery,
        answer=EventList,
        shown=("payload",),
        problems=("invalid_cursor",),
    ),
)
async def list_inbox(request: Request[Any, Any, Any], domain: NamedDependency[Domain]) -> EventList:
    """List a page of the inbox."""
    sent, tenant = read_query(request, InboxQuery), caller_of(request).tenant
    return await page_of(
        domain.events.read_inbox,
        tenant.tenant_id,
        inbox_query_of(sent, tenant),
        name="inbox",
        cursor=sent.cursor,
        cursors=domain.cursors,
    )


ROUTES = (list_inbox,)
