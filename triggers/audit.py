"""Reading the audit: which entries are wanted, and a page of them."""

from msgspec import Struct

from triggers.control_changes import AuditEntry


class AuditFilter(Struct, frozen=True, kw_only=True):
    """What entries must be to be wanted; None: anything. `since_ms` is in, `until_ms` is out."""

    action: str | None = None
    subject: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def is_for_all_in_time(self) -> bool:
        """Tell whether the time alone decides, so that nothing has to be passed over."""
        return self.action is None and self.subject is None


class AuditPage(Struct, frozen=True, kw_only=True):
    """Some entries, newest first. `position` continues them; None at their end."""

    entries: tuple[AuditEntry, ...]
    position: str | None


def takes(wanted: AuditFilter, entry: AuditEntry) -> bool:
    """Tell whether a filter takes an entry."""
    return (
        wanted.action in (None, entry.action)
        and wanted.subject in (None, entry.subject)
        and (wanted.since_ms is None or entry.at_ms >= wanted.since_ms)
        and (wanted.until_ms is None or entry.at_ms < wanted.until_ms)
    )
