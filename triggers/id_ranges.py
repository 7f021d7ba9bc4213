"""Ranges of event ids: ids sort by time, so a range of one is a range of the other. Pure."""

from msgspec import Struct
from msgspec.structs import replace

from triggers.ids import TIME_CHARACTERS, encode

_LEAST = "evt_"  # sorts before every id
_GREATEST = "~"  # sorts after everything that an id may hold


class IdRange(Struct, frozen=True, kw_only=True):
    """From `first` to `last`, both included. These are bounds, not ids."""

    first: str = _LEAST
    last: str = _LEAST + _GREATEST

    @property
    def is_empty(self) -> bool:
        """Tell whether no id is in the range; DynamoDB refuses such a condition."""
        return self.first > self.last

    def above(self, event_id: str) -> "IdRange":
        """Return the part behind an id."""
        return replace(self, first=max(self.first, event_id + "0"))

    def below(self, event_id: str) -> "IdRange":
        """Return the part before an id."""
        before = event_id[:-1] + chr(ord(event_id[-1]) - 1) + _GREATEST
        return replace(self, last=min(self.last, before))


def created_between(after_ms: int | None, before_ms: int | None) -> IdRange:
    """Return the ids of what was created after and before these milliseconds, neither included."""
    everything = IdRange()
    first, last = everything.first, everything.last
    if after_ms is not None:
        first += encode(max(after_ms + 1, 0), TIME_CHARACTERS)
    if before_ms is not None:
        last = _LEAST
        if before_ms > 0:
            last += encode(before_ms - 1, TIME_CHARACTERS) + _GREATEST
    return IdRange(first=first, last=last)
