"""A page of a list of events, from the cursor that came in to the one that goes out."""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from app.wire.events import EventList, event_to_wire
from triggers.cursors import Cursors
from triggers.event_queries import EventQuery
from triggers.ports import EventPage

Read = Callable[[str, EventQuery], Awaitable[EventPage]]


async def page_of(
    read: Read,
    tenant_id: str,
    query: EventQuery,
    *,
    name: str,
    cursor: str | None,
    cursors: Cursors,
) -> EventList:
    """Read a page of the list of this name. Its cursor is bound to list, order and filters.

    Raises InvalidCursor.
    """
    bound = f"{name} {query.text}"
    after = None if cursor is None else cursors.read(tenant_id, bound, cursor)
    page = await read(tenant_id, replace(query, after=after))
    following = page.position and cursors.write(tenant_id, bound, page.position)
    return EventList(events=[event_to_wire(r) for r in page.records], next_cursor=following)
