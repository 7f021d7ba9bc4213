"""The outside in memory: every port of `triggers.ports` with its true semantics.

The contract suite holds these fakes to the same behaviour as the real adapters. Each can be made
to fail or to hang, and counts its calls.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.base import Fake
from tests.fakes.buckets import FakeBuckets
from tests.fakes.control import FakeControl
from tests.fakes.data_keys import FakeDataKeys
from tests.fakes.deliveries import FakeAttempts, FakeDeadLetters
from tests.fakes.events import FakeEvents
from tests.fakes.idempotency import FakeIdempotency
from tests.fakes.keys import FakeKeyUses, FakeUsedSignatures
from tests.fakes.queues import FakeHints, FakeShardLeases
from tests.fakes.recovery import FakeBacklog, FakeFailingWebhooks, FakeJobs
from triggers.resources import OpenResources, Resources
from triggers.settings import Settings
from triggers.times import Clock, system_clock

__all__ = [
    "Fake",
    "FakeAttempts",
    "FakeBacklog",
    "FakeBuckets",
    "FakeControl",
    "FakeDataKeys",
    "FakeDeadLetters",
    "FakeEvents",
    "FakeFailingWebhooks",
    "FakeHints",
    "FakeIdempotency",
    "FakeJobs",
    "FakeKeyUses",
    "FakeReachable",
    "FakeResources",
    "FakeShardLeases",
    "FakeUsedSignatures",
    "fake_resources",
    "open_fake_resources",
]


class FakeReachable(Fake):
    """Answers, unless it fails."""

    async def check(self) -> None:
        await self._answer("check")

    async def check_queues(self) -> None:
        await self._answer("check_queues")


class FakeResources(Resources, frozen=True, kw_only=True):
    """Resources whose parts a test can look into and make fail."""

    events: FakeEvents
    idempotency: FakeIdempotency
    attempts: FakeAttempts
    backlog: FakeBacklog
    jobs: FakeJobs
    failing_webhooks: FakeFailingWebhooks
    buckets: FakeBuckets
    control: FakeControl
    directory: FakeControl
    audit: FakeControl
    hints: FakeHints
    dead_letters: FakeDeadLetters
    shard_leases: FakeShardLeases
    key_uses: FakeKeyUses
    used_signatures: FakeUsedSignatures
    reachable: FakeReachable


def fake_resources(clock: Clock = system_clock) -> FakeResources:
    """Return a fresh outside, empty and in order."""
    control = FakeControl()
    jobs = FakeJobs()
    return FakeResources(
        events=FakeEvents(jobs),
        idempotency=FakeIdempotency(),
        attempts=FakeAttempts(),
        backlog=FakeBacklog(),
        jobs=jobs,
        failing_webhooks=FakeFailingWebhooks(),
        buckets=FakeBuckets(),
        control=control,
        directory=control,
        audit=control,
        hints=FakeHints(clock),
        dead_letters=FakeDeadLetters(),
        shard_leases=FakeShardLeases(),
        key_uses=FakeKeyUses(),
        used_signatures=FakeUsedSignatures(),
        reachable=FakeReachable(),
    )


def open_fake_resources(resources: Resources) -> OpenResources:
    """Return what opens these resources, whatever the settings: for `open_resources=`."""

    @asynccontextmanager
    async def open_resources(_settings: Settings) -> AsyncIterator[Resources]:
        yield resources

    return open_resources
