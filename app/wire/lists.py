"""What lists of events are asked for, on the wire."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, field

from app.queries import PageQuery
from triggers.event_queries import EventFilter, EventQuery
from triggers.events import EventStatus, Priority
from triggers.id_ranges import created_between
from triggers.tenants import Tenant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EventTypePattern = Annotated[
    str,
    Meta(
        max_length=128,
        # The lookahead is there because `$` also matches before a newline at the end.
        pattern=r"^(?:\*|[A-Za-z0-9_-][A-Za-z0-9._-]*(?:(?<!\.)\.\*)?)$(?!\n)",
        description="A name, `order.*` for all below it, or `*`",
        examples=["order.*"],
    ),
]
Time = Annotated[
    datetime,
    Meta(tz=True, description="A time as RFC 3339 writes it, with its zone: 2026-11-22T05:29:00Z"),
]


class InboxQuery(PageQuery, frozen=True, kw_only=True):
    """Which events of the inbox are wanted: those of which all that is given holds."""

    event_type: Annotated[
        list[EventTypePattern],
        Meta(
            max_length=20,
            description="A name, `order.*` for all below it, or `*`; up to 20 times, one must match",
            examples=[["order.*"]],
        ),
    ] = field(default_factory=list)
    source: Annotated[
        Annotated[str, Meta(min_length=1, max_length=128)] | None,
        Meta(description="Where it comes from, exactly; 1–128 characters", examples=["shop"]),
    ] = None
    created_after: Annotated[
        Time | None,
        Meta(
            description="Accepted after this time; RFC 3339 with its zone, a + in it written %2B",
            examples=["2026-11-22T05:29:00Z"],
        ),
    ] = None
    created_before: Annotated[
        Time | None,
        Meta(
            description="Accepted before this time; RFC 3339 with its zone, a + in it written %2B",
            examples=["2027-01-01T00:00:00+01:00"],
        ),
    ] = None
    priority: Annotated[
        Priority | None,
        Meta(description="Its `metadata.priority`; without one it is normal", examples=["normal"]),
    ] = None
    metadata: Annotated[
        dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]],
        Meta(
            max_length=8,
            description="`metadata.<key>=<value>`, whatever the key: this entry of its metadata, "
            "exactly. Up to 8 entries; keys up to 64 characters, values up to 512",
            examples=[{"region": "eu"}],
        ),
    ] = field(default_factory=dict)


class EventsQuery(InboxQuery, frozen=True, kw_only=True):
    """Which events are wanted, in which order, and whether with their payloads."""

    status: Annotated[
        EventStatus | None, Meta(description="Where it stands", examples=["failed"])
    ] = None
    order: Annotated[
        Literal["asc", "desc"],
        Meta(description="`desc`: newest first; `asc`: oldest first", examples=["asc"]),
    ] = "desc"
    include: Annotated[
        Literal["payload"] | None,
        Meta(description="`payload`: show the payloads too", examples=["payload"]),
    ] = None


def inbox_query_of(sent: InboxQuery, tenant: Tenant) -> EventQuery:
    """Read what a list of the inbox is asked for, but for its cursor."""
    return EventQuery(shards=tenant.shards_to_read, limit=sent.limit, filter=_filter_of(sent))


def events_query_of(sent: EventsQuery, tenant: Tenant) -> EventQuery:
    """Read what a list of events is asked for, but for its cursor."""
    return EventQuery(
        shards=tenant.shards_to_read,
        limit=sent.limit,
        filter=_filter_of(sent, sent.status),
        newest_first=sent.order == "desc",
        with_payload=sent.include is not None,
    )


def _filter_of(sent: InboxQuery, status: EventStatus | None = None) -> EventFilter:
    after, before = sent.created_after, sent.created_before
    return EventFilter(
        event_types=tuple(sent.event_type),
        source=sent.source,
        status=status,
        priority=sent.priority,
        metadata=sent.metadata,
        # An event's own time has whole milliseconds: 0.5 ms is after 0 and before 1.
        created=created_between(
            None if after is None else _microseconds(after) // 1000,
            None if before is None else -(-_microseconds(before) // 1000),
        ),
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
