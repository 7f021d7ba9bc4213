"""The outside in memory: every port of `triggers.ports` with its true semantics.

The contract suite holds these fakes to the same behaviour as the real adapters. Each can be made
to fail or to hang, and counts its calls.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace

from triggers.api_keys import ApiKey
from triggers.attempts import Attempt
from triggers.control_changes import AuditEntry, ControlChange
from triggers.deliveries import Delivery
from triggers.errors import TriggersError
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
from triggers.messages import DeadLetter, Hint, MalformedMessage, decode_hint, encode_message
from triggers.ports import ClaimLost, DueEvent, InboxPage, ReceivedHint
from triggers.resources import OpenResources, Resources
from triggers.settings import Settings
from triggers.tenants import Tenant, TenantView
from triggers.times import Clock, system_clock
from triggers.webhooks import Webhook

PAGE_PAYLOAD_BYTES_MAX = 1024 * 1024
IN_INBOX = (EventStatus.PENDING, EventStatus.FAILED)


class Fake:
    """What all fakes share.

    `failing` is raised by every call, `failing_calls` by the calls it names; a cleared `gate` holds
    calls until it is set again; `calls` counts them by name.
    """

    def __init__(self) -> None:
        self.failing: TriggersError | None = None
        self.failing_calls: dict[str, TriggersError] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls: Counter[str] = Counter()

    async def _answer(self, call: str) -> None:
        """Take part in a call: what follows it, up to the next await, happens at once."""
        self.calls[call] += 1
        await asyncio.sleep(0)
        await self.gate.wait()
        error = self.failing or self.failing_calls.get(call)
        if error is not None:
            raise error


class FakeEvents(Fake):
    """The event store. The inbox and the due index are views of `records`, so they never lag."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[tuple[str, str], EventRecord] = {}
        self.expires_s: dict[tuple[str, str], int] = {}

    async def insert(self, tenant_id: str, event: Event, *, due_ms: int, expires_s: int) -> None:
        await self._answer("insert")
        fresh = EventRecord(event=event, state=EventState(due_ms=due_ms))
        self.records.setdefault((tenant_id, event.event_id), fresh)
        self.expires_s.setdefault((tenant_id, event.event_id), expires_s)

    async def get(self, tenant_id: str, event_id: str) -> EventRecord | None:
        await self._answer("get")
        return self.records.get((tenant_id, event_id))

    async def read_inbox(
        self, tenant_id: str, *, shards: int, after: str | None, limit: int
    ) -> InboxPage:
        await self._answer("read_inbox")
        rest = sorted(
            event_id
            for (owner, event_id), record in self.records.items()
            if owner == tenant_id
            and shard_of(event_id) < shards
            and record.state.status in IN_INBOX
            and event_id > (after or "")
        )
        records = [self.records[tenant_id, event_id] for event_id in rest[:limit]]
        room = PAGE_PAYLOAD_BYTES_MAX
        for count, record in enumerate(records):
            room -= len(record.event.payload.encode())
            if room < 0 and count > 0:
                records = records[:count]
                break
        return InboxPage(
            records=tuple(records),
            position=records[-1].event.event_id if len(records) < len(rest) else None,
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
        self, due_shard: str, *, now_ms: int, limit: int, after: DueEvent | None
    ) -> list[DueEvent]:
        await self._answer("read_due")
        due = sorted(
            (record.state.due_ms, event_id, tenant_id)
            for (tenant_id, event_id), record in self.records.items()
            if record.state.due_ms is not None
            and record.state.due_ms <= now_ms
            and due_shard_of(event_id) == due_shard
        )
        start = (after.due_ms, after.event_id, after.tenant_id) if after else (AT_ONCE_MS, "", "")
        return [
            DueEvent(tenant_id=tenant_id, event_id=event_id, due_ms=due_ms)
            for due_ms, event_id, tenant_id in due
            if (due_ms, event_id, tenant_id) > start
        ][:limit]

    def _owned(self, tenant_id: str, event_id: str, fence: int) -> EventRecord | None:
        record = self.records.get((tenant_id, event_id))
        return record if record is not None and record.state.fence == fence else None

    def _write(self, tenant_id: str, event_id: str, state: EventState) -> EventRecord:
        written = replace(self.records[tenant_id, event_id], state=state)
        self.records[tenant_id, event_id] = written
        return written


class FakeAttempts(Fake):
    """The kept attempts."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[tuple[str, str, str, int], Attempt] = {}

    async def record(self, tenant_id: str, attempt: Attempt, *, expires_s: int) -> None:
        await self._answer("record")
        self.rows[tenant_id, attempt.event_id, attempt.webhook_id, attempt.number] = attempt

    async def read(self, tenant_id: str, event_id: str) -> list[Attempt]:
        await self._answer("read")
        found = [row for key, row in self.rows.items() if key[:2] == (tenant_id, event_id)]
        return sorted(found, key=lambda attempt: attempt.started_ms, reverse=True)


class FakeBacklog(Fake):
    """The markers by (tenant, webhook, event), each with the status that it was left for."""

    def __init__(self) -> None:
        super().__init__()
        self.markers: dict[tuple[str, str, str], str] = {}

    async def mark(
        self, tenant_id: str, webhook_id: str, event_id: str, status: str, *, expires_s: int
    ) -> None:
        await self._answer("mark")
        self.markers[tenant_id, webhook_id, event_id] = status


class FakeDeadLetters(Fake):
    """The dead letters in the order of their sending."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[DeadLetter] = []

    async def send(self, letter: DeadLetter) -> None:
        await self._answer("send")
        self.letters.append(letter)


class FakeControl(Fake):
    """The control data. `conflicts` of the next writes find that the version has moved."""

    def __init__(self) -> None:
        super().__init__()
        self.views: dict[str, TenantView] = {}
        self.audit: list[AuditEntry] = []
        self.conflicts = 0

    def keep(self, view: TenantView) -> None:
        """Have a tenant as it is in this view."""
        self.views[view.tenant_id] = view

    async def read_version(self, tenant_id: str) -> int:
        await self._answer("read_version")
        return self._view(tenant_id).version

    async def read_view(self, tenant_id: str) -> TenantView:
        await self._answer("read_view")
        return self._view(tenant_id)

    async def write(self, tenant_id: str, change: ControlChange) -> bool:
        await self._answer("write")
        if self.conflicts:
            self.conflicts -= 1
            return False
        view = self._view(tenant_id)
        if view.version != change.from_version:
            return False
        self.views[tenant_id] = _changed(view, change)
        self.audit.append(change.audit)
        return True

    def _view(self, tenant_id: str) -> TenantView:
        return self.views.get(tenant_id, TenantView(tenant_id=tenant_id, version=0))


def _changed(view: TenantView, change: ControlChange) -> TenantView:
    tenant, keys, webhooks = view.tenant, dict(view.keys), dict(view.webhooks)
    for controlled in change.deletes:
        match controlled:
            case Tenant():
                tenant = None
            case ApiKey():
                keys.pop(controlled.key_id, None)
            case Webhook():
                webhooks.pop(controlled.webhook_id, None)
    for controlled in change.puts:
        match controlled:
            case Tenant():
                tenant = controlled
            case ApiKey():
                keys[controlled.key_id] = controlled
            case Webhook():
                webhooks[controlled.webhook_id] = controlled
    return TenantView(
        tenant_id=view.tenant_id,
        version=view.version + 1,
        tenant=tenant,
        keys=keys,
        webhooks=webhooks,
    )


class FakeHints(Fake):
    """The hint queue. What was received and not deleted comes again after `show_again`."""

    def __init__(self, clock: Clock = system_clock, *, wait_seconds: float = 20) -> None:
        super().__init__()
        self.wait_seconds = wait_seconds
        self.visible: deque[tuple[str, str]] = deque()
        self.in_flight: dict[str, str] = {}
        self.lost = 0
        self._clock = clock
        self._arrived = asyncio.Event()
        self._handles = 0

    def send(self, tenant_id: str, event_id: str, traceparent: str | None) -> None:
        self.calls["send"] += 1
        if self.failing or "send" in self.failing_calls:
            self.lost += 1
            return
        hint = Hint(
            tenant_id=tenant_id,
            event_ids=(event_id,),
            sent_ms=self._clock(),
            traceparents={event_id: traceparent} if traceparent else {},
        )
        self.put(encode_message(hint))

    def put(self, text: str) -> None:
        """Put a message of any text into the queue."""
        self._handles += 1
        self.visible.append((f"handle-{self._handles}", text))
        self._arrived.set()

    def show_again(self) -> None:
        """Let the visibility time of all that is in flight be over."""
        self.visible.extend(self.in_flight.items())
        self.in_flight.clear()
        self._arrived.set()

    def purge(self) -> None:
        """Lose everything, as a queue may."""
        self.visible.clear()
        self.in_flight.clear()

    async def receive(self) -> Sequence[ReceivedHint]:
        await self._answer("receive")
        if not self.visible:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), self.wait_seconds)
        messages = [self.visible.popleft() for _ in range(min(10, len(self.visible)))]
        self.in_flight.update(messages)
        return [ReceivedHint(hint=_hint(text), handle=handle) for handle, text in messages]

    async def delete(self, handle: str) -> None:
        await self._answer("delete")
        self.in_flight.pop(handle, None)


def _hint(text: str) -> Hint | None:
    try:
        return decode_hint(text)
    except MalformedMessage:
        return None


class FakeShardLeases(Fake):
    """The shard leases: who holds which shard, and until when."""

    def __init__(self) -> None:
        super().__init__()
        self.holders: dict[str, tuple[str, int]] = {}

    async def take(self, due_shard: str, owner: str, *, now_ms: int, until_ms: int) -> int | None:
        await self._answer("take")
        holder, ends_ms = self.holders.get(due_shard, (owner, 0))
        if holder != owner and ends_ms >= now_ms:
            return ends_ms
        self.holders[due_shard] = (owner, until_ms)
        return None

    async def release(self, due_shard: str, owner: str) -> None:
        await self._answer("release")
        if self.holders.get(due_shard, ("", 0))[0] == owner:
            del self.holders[due_shard]


class FakeReachable(Fake):
    """Answers, unless it fails."""

    async def check(self) -> None:
        await self._answer("check")

    async def check_queues(self) -> None:
        await self._answer("check_queues")


class FakeResources(Resources, frozen=True, kw_only=True):
    """Resources whose parts a test can look into and make fail."""

    events: FakeEvents
    attempts: FakeAttempts
    backlog: FakeBacklog
    control: FakeControl
    hints: FakeHints
    dead_letters: FakeDeadLetters
    shard_leases: FakeShardLeases
    reachable: FakeReachable


def fake_resources(clock: Clock = system_clock) -> FakeResources:
    """Return a fresh outside, empty and in order."""
    return FakeResources(
        events=FakeEvents(),
        attempts=FakeAttempts(),
        backlog=FakeBacklog(),
        control=FakeControl(),
        hints=FakeHints(clock),
        dead_letters=FakeDeadLetters(),
        shard_leases=FakeShardLeases(),
        reachable=FakeReachable(),
    )


def open_fake_resources(resources: Resources) -> OpenResources:
    """Return what opens these resources, whatever the settings: for `open_resources=`."""

    @asynccontextmanager
    async def open_resources(_settings: Settings) -> AsyncIterator[Resources]:
        yield resources

    return open_resources
