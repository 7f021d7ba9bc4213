"""What a process opens once at its start and closes at its end."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from triggers.ports import (
    Attempts,
    AuditReads,
    Backlog,
    Buckets,
    ControlWrites,
    DeadLetters,
    DueIndex,
    EventClaims,
    EventEndings,
    EventInserts,
    EventReads,
    EventReopening,
    FailingWebhooks,
    HintReceiver,
    HintSender,
    IdempotencyRecords,
    Jobs,
    KeyUses,
    Reachable,
    ShardLeases,
    TenantDirectory,
    UsedSignatures,
)
from triggers.settings import Settings


class Events(
    EventInserts, EventReads, EventEndings, EventReopening, EventClaims, DueIndex, Protocol
):
    """The event store with all its sides."""


class Hints(HintSender, HintReceiver, Protocol):
    """The hint queue with both its ends."""


class Resources(Struct, frozen=True, kw_only=True):
    """The outside as the containers use it."""

    events: Events
    idempotency: IdempotencyRecords
    attempts: Attempts
    backlog: Backlog
    jobs: Jobs
    failing_webhooks: FailingWebhooks
    buckets: Buckets
    control: ControlWrites
    directory: TenantDirectory
    audit: AuditReads
    hints: Hints
    dead_letters: DeadLetters
    shard_leases: ShardLeases
    key_uses: KeyUses
    used_signatures: UsedSignatures
    reachable: Reachable


OpenResources = Callable[[Settings], AbstractAsyncContextManager[Resources]]
