"""What the domain and the containers need from the outside, each port as small as its consumer.

`triggers.aws` implements them for DynamoDB and SQS; the tests' fakes do in memory; one contract
suite runs against both. Every method may raise StoreUnavailable. What belongs to a tenant is asked
for by its id, the first argument; only the due index, the shard leases, the queues and the
operator's directory serve all tenants at once, and name the tenant in what they return.
"""

from triggers.ports.attempts import Attempts
from triggers.ports.callers import Buckets, KeyUses, UsedSignatures
from triggers.ports.claims import ClaimLost, DueEvent, DueIndex, EventClaims, ShardLeases
from triggers.ports.control import (
    AuditReads,
    ControlReads,
    ControlWrites,
    DataKeys,
    TenantDirectory,
    TenantPage,
)
from triggers.ports.events import (
    EventEndings,
    EventInserts,
    EventPage,
    EventReads,
    EventReopening,
    Reopened,
    Standing,
)
from triggers.ports.idempotency import IdempotencyRecords, KeyRecord
from triggers.ports.queues import DeadLetters, HintReceiver, HintSender, ReceivedHint
from triggers.ports.reachable import Reachable
from triggers.ports.recovery import Backlog, ClaimedJob, FailingWebhooks, Jobs, Marker

__all__ = [
    "Attempts",
    "AuditReads",
    "Backlog",
    "Buckets",
    "ClaimLost",
    "ClaimedJob",
    "ControlReads",
    "ControlWrites",
    "DataKeys",
    "DeadLetters",
    "DueEvent",
    "DueIndex",
    "EventClaims",
    "EventEndings",
    "EventInserts",
    "EventPage",
    "EventReads",
    "EventReopening",
    "FailingWebhooks",
    "HintReceiver",
    "HintSender",
    "IdempotencyRecords",
    "Jobs",
    "KeyRecord",
    "KeyUses",
    "Marker",
    "Reachable",
    "ReceivedHint",
    "Reopened",
    "ShardLeases",
    "Standing",
    "TenantDirectory",
    "TenantPage",
    "UsedSignatures",
]
