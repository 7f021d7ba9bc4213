"""Finds due events without any hint: retries, lost hints, dead workers.

Workers avoid each other by leases on the shards of the due index; correctness never needs them.
"""

import asyncio
import logging
import random
from collections.abc import Callable

from triggers import telemetry
from triggers.errors import Unavailable
from triggers.ids import DUE_SHARDS
from triggers.ports import DueEvent, DueIndex, ShardLeases
from triggers.times import Clock
from worker.fair_queue import FairQueue, Work
from worker.health import Pulse

PAGE_MAX = 100
PAGES_MAX = 10  # of a shard in one round
FAILURES_MAX = 2  # in one round: one may be a throttled partition, two are the store
JITTER_SHARE = 0.25  # of the pause, either way, so that workers do not march in step

_logger = logging.getLogger(__name__)


class Sweeper:
    """The loop over the due index. `random` returns values in [0, 1)."""

    def __init__(
        self,
        index: DueIndex,
        leases: ShardLeases,
        queue: FairQueue,
        *,
        owner: str,
        clock: Clock,
        pulse: Pulse,
        sweep_seconds: float,
        lease_seconds: float,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._index = index
        self._leases = leases
        self._queue = queue
        self._owner = owner
        self._clock = clock
        self._pulse = pulse
        self._sweep_seconds = sweep_seconds
        self._lease_ms = int(lease_seconds * 1000)
        self._random = random
        self._first = 0
        self._mine: dict[str, int] = {}  # until when each shard is ours
        self._theirs: dict[str, int] = {}  # until when there is no use in asking
        self._of_no_use: set[str] = set()  # where the last page brought nothing
        self._read_to: dict[str, DueEvent] = {}  # where a long backlog is read on in the next round

    async def run(self) -> None:
        """Sweep, for ever; a failure is for the next round to mend."""
        while True:
            self._pulse.beat()
            try:
                await self.sweep()
            except Unavailable as error:
                telemetry.log(_logger, "sweep failed", level=logging.WARNING, reason=str(error))
            jitter = 1 + JITTER_SHARE * (2 * self._random() - 1)
            await asyncio.sleep(self._sweep_seconds * jitter)

    async def sweep(self) -> None:
        """Look once at every shard that is ours, or can be. Raises Unavailable."""
        self._queue.forget_ended(self._clock())
        await self._take_shards()
        failures = []
        for shard in self._turns():
            try:
                await self._sweep_shard(shard)
            except Unavailable as error:
                failures.append(error)
                if len(failures) == FAILURES_MAX:
                    break
        if failures:
            raise failures[0]

    async def release(self) -> None:
        """Give all shards back, so that the other workers need not wait for the leases to end."""
        shards, self._mine = list(self._mine), {}
        await asyncio.gather(
            *(self._leases.release(shard, self._owner) for shard in shards),
            return_exceptions=True,
        )

    def _turns(self) -> list[str]:
        """Return our shards, to be looked at one after the other, so that a look disturbs nobody.

        Each time another is the first, so that all have their turn when there is more than room.
        """
        self._first = (self._first + 1) % len(DUE_SHARDS)
        turns = DUE_SHARDS[self._first :] + DUE_SHARDS[: self._first]
        return [shard for shard in turns if shard in self._mine]

    async def _take_shards(self) -> None:
        """Ask for every shard that is nobody's by what we know, if there is room for what is in it.

        A lease is not renewed but runs out, and whoever asks first has the next. They are of unequal
        length, and so end one by one: that way the shards spread over the workers.
        """
        now_ms = self._clock()
        self._mine = {shard: until for shard, until in self._mine.items() if until > now_ms}
        self._of_no_use &= self._mine.keys()
        self._read_to = {shard: due for shard, due in self._read_to.items() if shard in self._mine}
        free = [
            shard
            for shard in DUE_SHARDS
            if shard not in self._mine and self._theirs.get(shard, 0) <= now_ms
        ]
        for shard in free if self._queue.has_room(is_swept=True) else ():
            self._pulse.beat()
            await self._take(shard)

    async def _take(self, shard: str) -> None:
        now_ms = self._clock()
        until_ms = now_ms + int(self._lease_ms * (1 + self._random()) / 2)
        try:
            theirs = await self._leases.take(shard, self._owner, now_ms=now_ms, until_ms=until_ms)
        except Unavailable as error:  # then it is swept without: the claim decides
            telemetry.log(_logger, "no shard lease", level=logging.WARNING, reason=str(error))
            theirs = None
        if theirs is None:
            self._mine[shard] = until_ms
        else:
            self._theirs[shard] = theirs

    async def _sweep_shard(self, shard: str) -> None:
        """Queue what is due, reading on while pages are full and there is room, and no faster.

        A backlog longer than a round may read is gone through over several rounds, from front to
        end: so whoever stands behind it comes to his turn. Where a page of it was of no use, since all
        in it were waiting or their tenants had enough waiting, the next round looks at the other end
        instead, for what has just become due.
        """
        if not self._queue.has_room(is_swept=True):
            return
        if shard in self._of_no_use:
            self._of_no_use.discard(shard)
            self._put(await self._read(shard, after=None, latest_first=True))
            return
        for _ in range(PAGES_MAX):
            if not self._queue.has_room(is_swept=True):
                return
            page = await self._read(shard, after=self._read_to.pop(shard, None))
            queued = self._put(page)
            if len(page) < PAGE_MAX:
                return
            self._read_to[shard] = page[-1]
            if not queued:
                self._of_no_use.add(shard)
                return

    async def _read(
        self, shard: str, *, after: DueEvent | None, latest_first: bool = False
    ) -> list[DueEvent]:
        self._pulse.beat()  # a slow store makes a long round, and no dead loop
        return await self._index.read_due(
            shard, now_ms=self._clock(), limit=PAGE_MAX, after=after, latest_first=latest_first
        )

    def _put(self, page: list[DueEvent]) -> int:
        """Queue a page; return how many of it found a place."""
        now_ms = self._clock()
        return sum(
            self._queue.put(Work(tenant_id=d.tenant_id, event_id=d.event_id, is_swept=True), now_ms)
            for d in page
        )
