"""The audit on the wire: who changed what, and when."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from app.queries import PageQuery
from app.wire.events import NextCursor
from app.wire.moments import Moment
from triggers.audit import AuditFilter
from triggers.control_changes import AuditEntry
from triggers.times import rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Action = Annotated[
    str,
    Meta(
        max_length=64,
        description="What was done, 1–64 characters: kind and verb, as key.created",
        examples=["key.created"],
    ),
]
Subject = Annotated[
    str,
    Meta(
        max_length=64,
        description="The id of what was changed: a key, a webhook or the tenant",
        examples=["wh_7Z0M3S5B7C9KAN72XQV8"],
    ),
]
Bound = Annotated[
    datetime,
    Meta(
        tz=True,
        description="RFC 3339 with its zone, a + in it written %2B; `since` is in the list, `until` "
        "is not",
        examples=["2026-11-22T05:29:00.123Z"],
    ),
]


class AuditQuery(PageQuery, frozen=True, kw_only=True):
    """Which part of the audit is wanted."""

    action: Action | None = None
    subject: Subject | None = None
    since: Bound | None = None
    until: Bound | None = None


class AuditEntryOut(Struct, frozen=True, kw_only=True):
    """A change of a key, a webhook or the tenant."""

    at: Moment
    actor: Annotated[
        str,
        Meta(
            description="Who did it: a key id, `operator`, or `service` for the service itself",
            examples=["XQV8YJ4T6Z0M3S5B7C9KAN72AB"],
        ),
    ]
    action: Action
    subject: Subject
    fields: Annotated[
        list[Annotated[str, Meta(description="The name of a field", examples=["event_types"])]],
        Meta(
            description="The names of what was changed, never values; empty where the action says all",
            examples=[["event_types"]],
        ),
    ]


class AuditList(Struct, frozen=True, kw_only=True):
    """A page of the audit, newest first."""

    entries: Annotated[list[AuditEntryOut], Meta(description="At most `limit` entries")]
    next_cursor: NextCursor


def filter_of(query: AuditQuery) -> AuditFilter:
    """Return which entries a query wants."""
    return AuditFilter(
        action=query.action,
        subject=query.subject,
        since_ms=_milliseconds(query.since),
        until_ms=_milliseconds(query.until),
    )


def list_name_of(wanted: AuditFilter) -> str:
    """Return the name of a filtered list, which its cursors are bound to."""
    parts = (wanted.action, wanted.subject, wanted.since_ms, wanted.until_ms)
    return f"audit {parts}"


def entry_to_wire(entry: AuditEntry) -> AuditEntryOut:
    """Show an entry."""
    return AuditEntryOut(
        at=rfc3339(entry.at_ms),
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        fields=list(entry.fields),
    )


def _milliseconds(moment: datetime | None) -> int | None:
    """Return a moment in milliseconds since 1970, before which nothing was changed."""
    return None if moment is None else max(0, (moment - _EPOCH) // timedelta(milliseconds=1))
