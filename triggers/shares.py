"""A process's share of a bucket: calls in hand, leased by the block in the background.

Calls are taken from what is in hand, without waiting for the store. When it is used up a block is
leased, and meanwhile calls are let through on credit, a block at most. Only who finds the credit
used up as well waits for the lease. When the store does not answer, nobody is refused for it.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from triggers.ports import Buckets
from triggers.rate_limits import Bucket, RateLimit, Refusal, refusal_of, room, take
from triggers.telemetry import calls_unlimited, log

CONFLICTS_MAX = 8
WAIT_SECONDS = 0.25  # for a lease, by who finds the credit used up
PAUSE_SECONDS = 1.0  # until a store that failed is asked again

_logger = logging.getLogger(__name__)


class Share:
    """What this process knows and holds of a bucket, a tenant's or, with `key_id`, a key's.

    `in_hand` is below zero when calls were let through on credit that no lease has covered yet.
    """

    def __init__(
        self,
        store: Buckets,
        tenant_id: str,
        key_id: str | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.in_hand = 0
        self.bucket = Bucket()
        self.lease: asyncio.Task[None] | None = None
        self._store = store
        self._tenant_id = tenant_id
        self._key_id = key_id
        self._monotonic = monotonic
        self._waiting: list[int] = []
        self._ask_again_at: float | None = None  # set while the limit is not enforced

    async def take(self, calls: int, now_ms: int, limit: RateLimit) -> Refusal | None:
        """Take calls, 1 to the largest that the limit allows: all or none."""
        if self.in_hand < calls:
            return await self._take_on_lease(calls, now_ms, limit)
        self.in_hand -= calls
        return None

    def give_back(self, calls: int) -> None:
        """Take back calls that were not made after all."""
        self.in_hand += calls

    async def _take_on_lease(self, calls: int, now_ms: int, limit: RateLimit) -> Refusal | None:
        wait_until = asyncio.get_running_loop().time() + WAIT_SECONDS
        while self.in_hand < calls:
            refusal = self._refusal(calls, now_ms, limit)
            if refusal is not None:
                return refusal
            lease = self._lease_in_background(now_ms, limit)
            if lease is None or self._ask_again_at is not None:
                calls_unlimited.add(calls)
                return None
            if self.in_hand + limit.block >= calls:
                break
            await self._wait_for(lease, calls, wait_until)
        self.in_hand -= calls
        return None

    def _refusal(self, calls: int, now_ms: int, limit: RateLimit) -> Refusal | None:
        """Tell whether the bucket has too little as it is known: others only took more since."""
        refusal = refusal_of(self.bucket, calls - self.in_hand, now_ms, limit)
        if refusal is not None and self.in_hand < 0 and room(self.bucket, now_ms, limit):
            self._lease_in_background(now_ms, limit)  # a debt left as it is would never let it fill
        return refusal

    def _lease_in_background(self, now_ms: int, limit: RateLimit) -> "asyncio.Task[None] | None":
        """Return the lease under way, a new one if there was none; None: the store has a pause."""
        if self.lease is None and self._monotonic() >= (self._ask_again_at or 0):
            lease = self._lease(now_ms, limit)
            self.lease = asyncio.create_task(lease, name=f"lease of calls {self._tenant_id}")
        return self.lease

    async def _wait_for(self, lease: "asyncio.Task[None]", calls: int, until: float) -> None:
        self._waiting.append(calls)
        try:
            async with asyncio.timeout_at(until):
                await asyncio.shield(lease)
        except TimeoutError:
            self._stop_enforcing(f"no lease within {WAIT_SECONDS:g} s")
        finally:
            self._waiting.remove(calls)

    async def _lease(self, now_ms: int, limit: RateLimit) -> None:
        """Take a block, more if more is waited for, less if there is less."""
        try:
            for _ in range(CONFLICTS_MAX):
                calls = self._wanted(now_ms, limit)
                taken = take(self.bucket, calls, now_ms, limit)
                if isinstance(taken, Refusal):
                    return
                before = self.bucket.version
                found = await self._store.write(
                    self._tenant_id, self._key_id, taken, before_version=before
                )
                self._ask_again_at = None
                self.bucket = found or taken
                if found is None:
                    self.in_hand += calls
                    return
        except Exception as error:  # noqa: BLE001 whatever it is, it must not refuse a call
            self._stop_enforcing(f"{type(error).__name__}: {error}")
        finally:
            self.lease = None

    def _wanted(self, now_ms: int, limit: RateLimit) -> int:
        """Return how much to lease: what is owed, and in their order the waiting that fit in."""
        most = room(self.bucket, now_ms, limit)
        wanted = -self.in_hand
        for calls in self._waiting:
            if wanted + calls <= most:
                wanted += calls
        return max(min(max(wanted, limit.block), most), 1)

    def _stop_enforcing(self, reason: str) -> None:
        """Let all calls through until the store has answered; ask it again after a pause."""
        if self._ask_again_at is None:
            log(
                _logger,
                "a rate limit is not enforced",
                level=logging.WARNING,
                tenant_id=self._tenant_id,
                reason=reason,
            )
        self._ask_again_at = self._monotonic() + PAUSE_SECONDS
