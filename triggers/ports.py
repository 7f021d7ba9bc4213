"""What the domain and the containers need from the outside, each port as small as its consumer.

`triggers.aws` implements them for DynamoDB and SQS; the tests' fakes do in memory; one contract
suite runs against both. Every method may raise StoreUnavailable. What belongs to a tenant is asked
for by its id, the first argument; only the due index, the shard leases, the queues and the
operator's directory serve all tenants at once, and name the tenant in what they return.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from triggers.attempts import Attempt, AttemptPage, AttemptPosition
from triggers.audit import AuditFilter, AuditPage
from triggers.control_changes import ControlChange
from triggers.deliveries import Delivery
from triggers.event_queries import EventQuery
from triggers.events import Event, EventRecord, EventState, EventStatus, Progress
from triggers.jobs import Job
from triggers.messages import DeadLetter, Hint
from triggers.rate_limits import Bucket
from triggers.sealing import DataKey
from triggers.tenants import Tenant, TenantView


class Standing(Struct, frozen=True, kw_only=True):
    """How an event stands, without its payload. `seen` is what a change of it rests on: opaque."""

    event_type: str
    traceparent: str | None = None
    state: EventState
    seen: Any = None


class Reopened(StrEnum):
    """What came of opening deliveries of an event again."""

    DONE = "done"
    CHANGED = "changed"  # it is not as it was read: read it again
    GONE = "gone"  # TTL has taken of its payload, so nothing can be sent any more


class DueEvent(Struct, frozen=True, kw_only=True):
    """An entry of the due index: somebody should look at this event, or job by its own id."""

    tenant_id: str
    event_id: str
    due_ms: int


class ClaimLost(Struct, frozen=True, kw_only=True):
    """A claim that was refused: the event is done, not ready, or another's until `lease_ms`."""

    lease_ms: int | None = None


class EventPage(Struct, frozen=True, kw_only=True):
    """Some of a list. `position` continues it; None at its end."""

    records: tuple[EventRecord, ...]
    position: str | None


class TenantPage(Struct, frozen=True, kw_only=True):
    """Some tenants, oldest first. `position` continues them; None at their end."""

    tenants: tuple[Tenant, ...]
    position: str | None


class ReceivedHint(Struct, frozen=True, kw_only=True):
    """A message of the queue. `hint` is None when it is malformed; `handle` deletes it."""

    hint: Hint | None
    handle: str


class KeyRecord(Struct, frozen=True, kw_only=True):
    """What is kept of an idempotency key. It is in force until `expires_s`, seconds since 1970."""

    event_id: str
    fingerprint: str
    expires_s: int
    deleted: bool = False


class EventInserts(Protocol):
    """Where accepted events go."""

    async def insert(self, tenant_id: str, event: Event, *, due_ms: int, expires_s: int) -> None:
        """Store a new event, its payload first when that is large. Committed when this returns.

        Raises Overloaded when too many are waiting.
        """


class EventReads(Protocol):
    """What consumers ask of events. Every read sees every earlier write."""

    async def get(
        self, tenant_id: str, event_id: str, *, with_payload: bool = True
    ) -> EventRecord | None:
        """Return an event. Without its payload, which is then `""`, the read is a small one."""

    async def read_events(self, tenant_id: str, query: EventQuery) -> EventPage:
        """Return a page of all events. It may be short and not the last."""

    async def read_inbox(self, tenant_id: str, query: EventQuery) -> EventPage:
        """Return a page of the inbox. It may be short and not the last, and may lag by a moment."""


class EventEndings(Protocol):
    """What a tenant does to its events. Both fence a worker off."""

    async def acknowledge(self, tenant_id: str, event_id: str, now_ms: int) -> EventStatus | None:
        """Acknowledge an event. Returns its status before; None: no event."""

    async def delete(self, tenant_id: str, event_id: str) -> bool:
        """Delete an event with its payload. False: there was none."""


class IdempotencyRecords(Protocol):
    """Which event an idempotency key stands for, by the key's digest."""

    async def reserve(
        self, tenant_id: str, key_digest: str, record: KeyRecord, *, now_s: int
    ) -> KeyRecord:
        """Put a record if there is none that is in force. Returns the one that stands.

        Raises Overloaded when too many are waiting.
        """

    async def read(self, tenant_id: str, key_digest: str) -> KeyRecord | None:
        """Return a record, whether in force or not."""

    async def mark_deleted(self, tenant_id: str, key_digest: str, event_id: str) -> None:
        """Mark that the event of a record was deleted; nothing if the key stands for another."""


class EventReopening(Protocol):
    """The way back of deliveries that have ended."""

    async def stand(self, tenant_id: str, event_id: str) -> Standing | None:
        """Return how an event stands now. None: there is none."""

    async def reopen(
        self,
        tenant_id: str,
        event_id: str,
        standing: Standing,
        after: EventState,
        *,
        expires_s: int,
    ) -> Reopened:
        """Write an event as reopened if it stands as it was read; it is kept until `expires_s`.

        It is in the inbox and on the due index again. Its payload is kept as long, from before.
        """


class EventClaims(Protocol):
    """The worker's right to work on events."""

    async def claim(
        self, tenant_id: str, event_id: str, *, now_ms: int, lease_ms: int
    ) -> EventRecord | ClaimLost:
        """Claim an event until `lease_ms` if it is pending, ready and nobody's.

        When it raises because a payload cannot be read now, the claim has been given back.
        """

    async def save(
        self, tenant_id: str, event_id: str, fence: int, deliveries: tuple[Delivery, ...]
    ) -> bool:
        """Write deliveries before the claim ends; it no longer counts. False: fenced off."""

    async def finish(self, tenant_id: str, event_id: str, fence: int, progress: Progress) -> bool:
        """End a claim with what came of it. False: fenced off, nothing was written."""


class DueIndex(Protocol):
    """The sweeper's view: which events are due."""

    async def read_due(
        self, due_shard: str, *, now_ms: int, limit: int, after: DueEvent | None
    ) -> list[DueEvent]:
        """Return events due by now, in order, after an entry. It may lag; the claim decides."""


class ShardLeases(Protocol):
    """By which workers keep out of each other's way. Nothing is wrong if two hold one."""

    async def take(self, due_shard: str, owner: str, *, now_ms: int, until_ms: int) -> int | None:
        """Take a shard if it is free or ours. Returns None: it is ours; else when theirs ends."""

    async def release(self, due_shard: str, owner: str) -> None:
        """Give a shard back early."""


class HintSender(Protocol):
    """The way of a hint to the workers."""

    def send(self, tenant_id: str, event_id: str, traceparent: str | None) -> None:
        """Hint that an event may be due. Neither waits nor raises: a lost hint is only a metric."""


class HintReceiver(Protocol):
    """The workers' end of it."""

    async def receive(self) -> Sequence[ReceivedHint]:
        """Wait for hints, up to 20 s; empty when there are none."""

    async def delete(self, handle: str) -> None:
        """Delete a message that has been dealt with."""


class DeadLetters(Protocol):
    """Where exhausted deliveries are announced."""

    async def send(self, letter: DeadLetter) -> None:
        """Announce one."""


class Attempts(Protocol):
    """The attempts that are kept."""

    async def record(self, tenant_id: str, attempt: Attempt, *, expires_s: int) -> None:
        """Keep an attempt; the same number again overwrites."""

    async def read(self, tenant_id: str, event_id: str) -> list[Attempt]:
        """Return the kept attempts of an event, newest first."""

    async def read_of_webhook(
        self, tenant_id: str, webhook_id: str, *, after: AttemptPosition | None, limit: int
    ) -> AttemptPage:
        """Return a page of the kept attempts of a webhook, newest first.

        It reads an index, which may lag, and may be short and not the last.
        """

    async def delete(self, tenant_id: str, event_id: str) -> None:
        """Delete the kept attempts of an event, as far as a bounded number of calls goes."""


class Marker(Struct, frozen=True, kw_only=True):
    """A marker of a failed or held delivery, as it was read. Each writing has its own `token`."""

    event_id: str
    token: str | None = None


class Backlog(Protocol):
    """Markers of failed and held deliveries by webhook, for recovery."""

    async def mark(
        self, tenant_id: str, webhook_id: str, event_id: str, status: str, *, expires_s: int
    ) -> None:
        """Leave a marker, before the finish that makes the delivery so."""

    async def read(
        self,
        tenant_id: str,
        webhook_id: str,
        *,
        after: str | None,
        since_ms: int | None,
        until_ms: int | None,
        limit: int,
    ) -> list[Marker]:
        """Return markers behind an event, of events created in a span of time, oldest first."""

    async def drop(self, tenant_id: str, webhook_id: str, marker: Marker) -> None:
        """Delete a marker if it has not been written anew since it was read."""


class ClaimedJob(Struct, frozen=True, kw_only=True):
    """A job that is a worker's until its lease ends."""

    job: Job
    fence: int
    claims: int


class Jobs(Protocol):
    """Jobs, on the due index as events are."""

    async def start(self, tenant_id: str, job: Job) -> Job:
        """Start a job that is due at once.

        Unless one of the same webhook, kind and time of being enabled runs: then return that.
        """

    async def get(self, tenant_id: str, job_id: str) -> Job | None:
        """Return a job as it stands."""

    async def claim(
        self, tenant_id: str, job_id: str, *, now_ms: int, lease_ms: int
    ) -> ClaimedJob | ClaimLost:
        """Claim a job until `lease_ms` if it runs, is ready and nobody's."""

    async def finish(self, tenant_id: str, fence: int, job: Job, *, due_ms: int | None) -> bool:
        """End a claim with how far the job has come. False: fenced off, nothing was written."""


class FailingWebhooks(Protocol):
    """Since when webhooks have known nothing but failures."""

    async def note(self, tenant_id: str, webhook_id: str, now_ms: int) -> int:
        """Note a failure; returns since when there is nothing else, in milliseconds."""

    async def since(self, tenant_id: str, webhook_ids: Iterable[str]) -> dict[str, int]:
        """Return since when those among them fail that do."""

    async def clear(self, tenant_id: str, webhook_id: str) -> None:
        """Forget the failures of a webhook."""


class Buckets(Protocol):
    """The buckets of rate limits that all processes share."""

    async def write(
        self, tenant_id: str, key_id: str | None, bucket: Bucket, *, before_version: int
    ) -> Bucket | None:
        """Write a tenant's bucket, or a key's, if its version is still that one; 0: there is none.

        Returns None: written; else the bucket as it is.
        """


class ControlReads(Protocol):
    """What changes slowly, strongly consistent."""

    async def read_version(self, tenant_id: str) -> int:
        """Return the version of a tenant's control data; 0: there is none."""

    async def read_view(self, tenant_id: str) -> TenantView:
        """Return all of it. The version is read first, so it is never newer than the rest."""


class ControlWrites(ControlReads, Protocol):
    """The same, to be changed."""

    async def write(self, tenant_id: str, change: ControlChange) -> bool:
        """Apply a change and raise the version in one transaction. False: the version had moved."""


class AuditReads(Protocol):
    """Who changed what of a tenant."""

    async def read_audit(
        self, tenant_id: str, wanted: AuditFilter, *, after: str | None, limit: int
    ) -> AuditPage:
        """Return a page of the audit from after a position. It may be short and not the last."""


class TenantDirectory(Protocol):
    """All tenants, for the operator alone."""

    async def read_tenants(self, *, after: str | None, limit: int) -> TenantPage:
        """Return a page of the tenants from after a position."""


class DataKeys(Protocol):
    """Who wraps the keys that encrypt a tenant's secrets, and holds the key to do so."""

    async def generate(self, tenant_id: str) -> DataKey:
        """Make a data key of a tenant."""

    async def unwrap(self, tenant_id: str, wrapped: bytes) -> bytes:
        """Return a data key in the clear.

        Raises StoreRefused for one that was not wrapped here for this tenant.
        """


class KeyUses(Protocol):
    """When keys were used last, as well as is known: it lags, and is lost without harm."""

    async def record(self, tenant_id: str, key_id: str, used_ms: int) -> None:
        """Keep when a key was used."""

    async def read(self, tenant_id: str, key_ids: Sequence[str]) -> dict[str, int]:
        """Return when each of the keys was used last, in milliseconds; without those that never."""


class UsedSignatures(Protocol):
    """The signatures of requests that were accepted, so that none is a second time."""

    async def use(self, tenant_id: str, digest: str, token: str, *, expires_s: int) -> bool:
        """Use a signature up, by its digest. False: it was used before.

        `token` is new for each use: by it a use knows itself when its answer was lost.
        """


class Reachable(Protocol):
    """Something that can be asked whether it is there."""

    async def check(self) -> None:
        """Return when all tables answer. Raises StoreUnavailable that says what does not."""

    async def check_queues(self) -> None:
        """Do the same for the queue of hints, without which the service goes on, only later."""
