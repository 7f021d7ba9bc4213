"""The event store in memory."""

from msgspec.structs import replace

from tests.fakes.base import Fake
from tests.fakes.recovery import FakeJobs
from triggers.deliveries import Delivery
from triggers.event_queries import EventQuery
from triggers.events import (
    AT_ONCE_MS,
    Event,
    EventOutcome,
    EventRecord,
    EventState,
    EventStatus,
    Progress,
    statuses_before,
)
from triggers.ids import due_shard_of, shard_of
from triggers.ports import ClaimLost, DueEvent, EventPage, Reopened, Standing

PAGE_PAYLOAD_BYTES_MAX = 1024 * 1024
IN_INBOX = (EventStatus.PENDING, EventStatus.FAILED)


def without_payload(record: EventRecord) -> EventRecord:
    """Return a record as it is read without its payload."""
    return replace(record, event=replace(record.event, payload=""))


def _fitting(records: list[EventRecord]) -> list[EventRecord]:
    """Return as many as a page has room for the payloads of."""
    room = PAGE_PAYLOAD_BYTES_MAX
    for count, record in enumerate(records):
        room -= len(record.event.payload.encode())
        if room < 0 and count > 0:
            return records[:count]
    return records


class FakeEvents(Fake):
    """The event store. The inbox and the due index are views of `records`, so they never lag."""

    def __init__(self, jobs: FakeJobs | None = None) -> None:
        super().__init__()
        self._jobs = jobs or FakeJobs()
        self.records: dict[tuple[str, str], EventRecord] = {}
        self.expires_s: dict[tuple[str, str], int] = {}
        self.without_payload: set[tuple[str, str]] = set()  # TTL has taken it

    async def insert(self, tenant_id: str, event: Event, *, due_ms: int, expires_s: int) -> None:
        await self._answer("insert")
        fresh = EventRecord(event=event, state=EventState(due_ms=due_ms))
        self.records.setdefault((tenant_id, event.event_id), fresh)
        self.expires_s.setdefault((tenant_id, event.event_id), expires_s)

    async def get(
        self, tenant_id: str, event_id: str, *, with_payload: bool = True
    ) -> EventRecord | None:
        await self._answer("get")
        record = self.records.get((tenant_id, event_id))
        return record if record is None or with_payload else without_payload(record)

    async def read_events(self, tenant_id: str, query: EventQuery) -> EventPage:
        await self._answer("read_events")
        return self._page(tenant_id, query, tuple(EventStatus))

    async def read_inbox(self, tenant_id: str, query: EventQuery) -> EventPage:
        await self._answer("read_inbox")
        return self._page(tenant_id, query, IN_INBOX)

    def _page(
        self, tenant_id: str, query: EventQuery, statuses: tuple[EventStatus, ...]
    ) -> EventPage:
        within = query.within
        rest = sorted(
            (
                record
                for (owner, event_id), record in self.records.items()
                if owner == tenant_id
                and shard_of(event_id) < query.shards
                and within.first <= event_id <= within.last
                and record.state.status in statuses
                and query.filter.takes(record)
            ),
            key=lambda record: record.event.event_id,
            reverse=query.newest_first,
        )
        shown = rest[: query.limit]
        if query.with_payload:
            shown = _fitting(shown)
        return EventPage(
            records=tuple(shown if query.with_payload else map(without_payload, shown)),
            position=shown[-1].event.event_id if len(shown) < len(rest) else None,
        )

    async def acknowledge(self, tenant_id: str, event_id: str, now_ms: int) -> EventStatus | None:
        await self._answer("acknowledge")
        record = self.records.get((tenant_id, event_id))
        if record is None:
            return None
        state = record.state
        if state.status in statuses_before(EventOutcome.ACKNOWLEDGED):
            acknowledged = replace(
                state,
                status=EventStatus.ACKNOWLEDGED,
                acknowledged_ms=now_ms,
                due_ms=None,
                fence=state.fence + 1,
            )
            self._write(tenant_id, event_id, acknowledged)
        return state.status

    async def delete(self, tenant_id: str, event_id: str) -> bool:
        await self._answer("delete")
        return self.records.pop((tenant_id, event_id), None) is not None

    async def stand(self, tenant_id: str, event_id: str) -> Standing | None:
        await self._answer("stand")
        record = self.records.get((tenant_id, event_id))
        if record is None:
            return None
        event, state = record.event, record.state
        return Standing(
            event_type=event.event_type,
            traceparent=event.traceparent,
            state=state,
            seen=_what_must_not_change(state),
        )

    async def reopen(
        self,
        tenant_id: str,
        event_id: str,
        standing: Standing,
        after: EventState,
        *,
        expires_s: int,
    ) -> Reopened:
        await self._answer("reopen")
        record = self.records.get((tenant_id, event_id))
        if record is not None and (tenant_id, event_id) in self.without_payload:
            return Reopened.GONE
        if record is None or _what_must_not_change(record.state) != standing.seen:
            return Reopened.CHANGED
        self._write(tenant_id, event_id, after)
        self.expires_s[tenant_id, event_id] = expires_s
        return Reopened.DONE

    async def claim(
        self, tenant_id: str, event_id: str, *, now_ms: int, lease_ms: int
    ) -> EventRecord | ClaimLost:
        await self._answer("claim")
        record = self.records.get((tenant_id, event_id))
        if record is None:
            return ClaimLost()
        state = record.state
        pending = state.status is EventStatus.PENDING
        if not pending or state.ready_ms > now_ms or state.lease_ms >= now_ms:
            return ClaimLost(lease_ms=state.lease_ms)
        claimed = replace(state, fence=state.fence + 1, claims=state.claims + 1, lease_ms=lease_ms)
        return self._write(tenant_id, event_id, claimed)

    async def save(
        self, tenant_id: str, event_id: str, fence: int, deliveries: tuple[Delivery, ...]
    ) -> bool:
        await self._answer("save")
        record = self._owned(tenant_id, event_id, fence)
        if record is not None and not record.state.lease_ms:
            record = None
        if record is not None:
            saved = replace(record.state, deliveries=deliveries, claims=0)
            self._write(tenant_id, event_id, saved)
        return record is not None

    async def finish(self, tenant_id: str, event_id: str, fence: int, progress: Progress) -> bool:
        await self._answer("finish")
        record = self._owned(tenant_id, event_id, fence)
        if record is not None:
            finished = replace(
                record.state,
                status=progress.status,
                deliveries=progress.deliveries,
                ready_ms=progress.ready_ms,
                due_ms=progress.due_ms if progress.in_inbox else None,
                claims=progress.claims,
                lease_ms=0,
                delivered_ms=progress.delivered_ms,
            )
            self._write(tenant_id, event_id, finished)
        return record is not None

    async def read_due(
        self,
        due_shard: str,
        *,
        now_ms: int,
        limit: int,
        after: DueEvent | None,
        latest_first: bool = False,
    ) -> list[DueEvent]:
        await self._answer("read_due")
        events = ((key, record.state.due_ms) for key, record in self.records.items())
        jobs = ((key, kept.due_ms) for key, kept in self._jobs.kept.items())
        due = sorted(
            (due_ms, identifier, tenant_id)
            for (tenant_id, identifier), due_ms in (*events, *jobs)
            if due_ms is not None and due_ms <= now_ms and due_shard_of(identifier) == due_shard
        )
        start = (after.due_ms, after.event_id, after.tenant_id) if after else (AT_ONCE_MS, "", "")
        found = [
            DueEvent(tenant_id=tenant_id, event_id=event_id, due_ms=due_ms)
            for due_ms, event_id, tenant_id in due
            if (due_ms, event_id, tenant_id) > start
        ]
        return (found[::-1] if latest_first else found)[:limit]

    def _owned(self, tenant_id: str, event_id: str, fence: int) -> EventRecord | None:
        record = self.records.get((tenant_id, event_id))
        return record if record is not None and record.state.fence == fence else None

    def _write(self, tenant_id: str, event_id: str, state: EventState) -> EventRecord:
        written = replace(self.records[tenant_id, event_id], state=state)
        self.records[tenant_id, event_id] = written
        return written


def _what_must_not_change(state: EventState) -> tuple[object, ...]:
    return state.fence, state.lease_ms, state.status, state.deliveries
