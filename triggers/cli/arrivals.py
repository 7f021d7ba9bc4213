"""What arrives in a list of events: each event once, though some come late.

An event's id holds the moment of its acceptance, by the clock of the process that took it; it can be read once
it is stored. So an event may appear behind one that was accepted after it, and what lies a little back is
read again each time. Our own clock counts for nothing.
"""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Raw, Struct

from triggers.cli.api import Api, Query, path_of
from triggers.ids import created_ms_of
from triggers.times import rfc3339
from triggers.webhooks import matches_type

EVENTS = path_of("events")
_NAME = "events"  # under which the inbox lists them too
# Two clocks may be 5 s off each, and an acceptance has 10 s to be stored.
LATE_MS = 20_000


class Delivery(Struct, frozen=True):
    """What is read of a delivery."""

    status: str


class Arrived(Struct, frozen=True, kw_only=True):
    """What is read of an event. Its payload is kept as it came, where the list shows it."""

    event_id: str
    event_type: str
    source: str | None
    metadata: dict[str, str]
    status: str
    created_at: str
    correlation_id: str
    deliveries: list[Delivery]
    payload: Raw = Raw()

    @property
    def is_delivered(self) -> bool:
        """Whether it is a webhook's, as far as a worker has seen to it: for good or still on its way."""
        return any(delivery.status != "cancelled" for delivery in self.deliveries)


Arrival = tuple[Arrived, bytes]
"""An event, and its document as it came."""


def read_arrival(document: bytes) -> Arrival:
    """Read an event."""
    return msgspec.json.decode(document, type=Arrived), document


class Arrivals:
    """The events of a list, as they come; of them only the types that are wanted: all when none is named.

    It remembers those that were accepted in the last 20 seconds before the newest.
    """

    def __init__(
        self, api: Api, path: str, *, types: tuple[str, ...], query: Mapping[str, str]
    ) -> None:
        self._api = api
        self._path = path
        self._types = types
        self._query = query
        self._newest_ms = 0
        self._seen: set[str] = set()

    def begin_now(self, *, is_all_fresh: bool = False) -> None:
        """Count what has been accepted so far as seen, unless all is to be fresh.

        Raises Refused, also for a type that is none.
        """
        if is_all_fresh:
            self._api.get(EVENTS, {"event_type": list(self._types), "limit": "1"})
            return
        newest = self._api.get(EVENTS, {"limit": "1"}).content[_NAME]
        last = newest[0]["event_id"] if newest else ""
        self._newest_ms = created_ms_of(last) if last else 0
        query: Query = {"event_type": list(self._types), "order": "asc", **self._since()}
        for page in self._api.pages(EVENTS, _NAME, query, None):
            ids = (read_arrival(document)[0].event_id for document in page)
            self._seen.update(one for one in ids if one <= last)

    def fresh(self) -> Iterator[list[Arrival]]:
        """Yield the events that were not yielded before, oldest first, page by page.

        A page counts as seen when the next is asked for. Raises Refused, NoAnswer.
        """
        self._forget()
        for page in self._api.pages(self._path, _NAME, {**self._query, **self._since()}, None):
            arrivals = [read_arrival(document) for document in page]
            fresh = [one for one in arrivals if self._is_new(one[0])]
            if fresh:
                yield fresh
            self._seen.update(arrived.event_id for arrived, _ in fresh)
            moments = (created_ms_of(arrived.event_id) for arrived, _ in arrivals)
            # Never back: what was acknowledged leaves the inbox, and what is behind it was forgotten.
            self._newest_ms = max(self._newest_ms, *moments, 0)

    def _is_new(self, arrived: Arrived) -> bool:
        """Tell whether an event is wanted and was not seen."""
        # The API is not asked for the types: a list without all that comes would never get further.
        types = self._types
        is_wanted = not types or any(matches_type(one, arrived.event_type) for one in types)
        return is_wanted and arrived.event_id not in self._seen

    def _since(self) -> dict[str, str]:
        if not self._newest_ms:
            return {}
        return {"created_after": rfc3339(self._newest_ms - LATE_MS)}

    def _forget(self) -> None:
        oldest_ms = self._newest_ms - LATE_MS
        self._seen = {one for one in self._seen if created_ms_of(one) > oldest_ms}
