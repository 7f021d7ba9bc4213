"""What a list of events is asked for. Pure."""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from triggers.events import PRIORITY_KEY, EventRecord, EventStatus, Priority
from triggers.id_ranges import IdRange
from triggers.webhooks import matches_type


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events are wanted: those of which all that is given here holds.

    Of `event_types`, each `*`, a name, or `order.*`, one must match. An event without a priority
    has the normal one.
    """

    event_types: tuple[str, ...] = ()
    source: str | None = None
    status: EventStatus | None = None
    priority: Priority | None = None
    metadata: dict[str, str] = {}
    created: IdRange = IdRange()

    def takes(self, record: EventRecord) -> bool:
        """Tell whether an event is wanted, but for its creation: its id tells that."""
        event = record.event
        if self.event_types and not any(
            matches_type(pattern, event.event_type) for pattern in self.event_types
        ):
            return False
        priority = event.metadata.get(PRIORITY_KEY, Priority.NORMAL)
        return (
            self.source in (None, event.source)
            and self.status in (None, record.state.status)
            and self.priority in (None, priority)
            and self.metadata.items() <= event.metadata.items()
        )


class EventQuery(Struct, frozen=True, kw_only=True):
    """A page of a list: at most `limit` events from after a position, which is an event id."""

    shards: int
    limit: int
    after: str | None = None
    filter: EventFilter = EventFilter()
    newest_first: bool = False
    with_payload: bool = True

    @property
    def within(self) -> IdRange:
        """The ids among which the page is."""
        created = self.filter.created
        if self.after is None:
            return created
        return created.below(self.after) if self.newest_first else created.above(self.after)

    @property
    def text(self) -> str:
        """The order and the filters in one spelling: a cursor is bound to them."""
        event_types = tuple(sorted(set(self.filter.event_types)))
        spelled = replace(self.filter, event_types=event_types)
        return _ENCODER.encode((self.newest_first, spelled)).decode()


_ENCODER = msgspec.json.Encoder(order="deterministic")
