"""Whether a call is let in: it must be within the limit of its key and within that of its tenant."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from msgspec import Struct

from triggers.api_keys import ApiKey
from triggers.errors import RateLimited
from triggers.ports import Buckets
from triggers.rate_limits import (
    RateLimit,
    Refusal,
    Span,
    Standing,
    largest_call,
    limit_of_key,
    standing,
)
from triggers.shares import Share
from triggers.tenants import Tenant, limit_of

SHARES_MAX = 10_000  # of what is forgotten, a share's calls in hand are lost, a block at most


class Admission(Struct, frozen=True, kw_only=True):
    """How the caller stands after a call, and why it was refused if it was."""

    standing: Standing
    refused: RateLimited | None = None


class _Part(Struct, frozen=True):
    """One of the limits that a call must be within; `whose` in words."""

    whose: str
    share: Share
    limit: RateLimit


class RateLimits:
    """The limits of the tenants and keys that called this process lately."""

    def __init__(
        self,
        store: Buckets,
        *,
        shares_max: int = SHARES_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._shares_max = shares_max
        self._monotonic = monotonic
        self._shares: OrderedDict[str, Share] = OrderedDict()

    async def admit(
        self, tenant: Tenant, key: ApiKey, calls: int, now_ms: int, *, counted: int = 0
    ) -> Admission:
        """Take so many calls, 1 at least, from the key and from its tenant: all or none.

        `counted` were taken for the same request before.
        """
        parts = self._parts(tenant, key)
        refused = None
        if not _take_in_hand(parts, calls):
            refused = _too_large(parts, calls + counted) or await _take(parts, calls, now_ms)
        return Admission(standing=_standing(parts, now_ms), refused=refused)

    def standing(self, tenant: Tenant, key: ApiKey, now_ms: int) -> Standing:
        """Tell how a caller stands without a call."""
        return _standing(self._parts(tenant, key), now_ms)

    async def close(self) -> None:
        """Wait for the leases that are still under way."""
        leases = [share.lease for share in self._shares.values() if share.lease is not None]
        await asyncio.gather(*leases, return_exceptions=True)

    def _parts(self, tenant: Tenant, key: ApiKey) -> list[_Part]:
        tenant_id = tenant.tenant_id
        parts = [_Part("tenant", self._share(tenant_id, None), limit_of(tenant))]
        if key.rate_limit is not None:
            share = self._share(tenant_id, key.key_id)
            parts.append(_Part("key", share, limit_of_key(key.rate_limit)))
        return parts

    def _share(self, tenant_id: str, key_id: str | None) -> Share:
        name = key_id or tenant_id
        share = self._shares.get(name)
        if share is None:
            share = Share(self._store, tenant_id, key_id, monotonic=self._monotonic)
            self._shares[name] = share
            if len(self._shares) > self._shares_max:
                self._shares.popitem(last=False)
        else:
            self._shares.move_to_end(name)
        return share


def _take_in_hand(parts: Sequence[_Part], calls: int) -> bool:
    """Take calls from every part if all have them in hand, as they nearly always do."""
    for part in parts:
        if part.share.in_hand < calls:
            return False
    for part in parts:
        part.share.in_hand -= calls
    return True


async def _take(parts: Sequence[_Part], calls: int, now_ms: int) -> RateLimited | None:
    """Take calls from every part, or from none and say why."""
    for number, part in enumerate(parts):
        refusal = await part.share.take(calls, now_ms, part.limit)
        if refusal is not None:
            for earlier in parts[:number]:
                earlier.share.give_back(calls)
            return _used_up(part, refusal)
    return None


def _standing(parts: Sequence[_Part], now_ms: int) -> Standing:
    """Tell how a caller stands who must be within every part."""
    first = parts[0]
    if len(parts) == 1:
        most = first.limit.per_second
        return standing(first.share.bucket, first.share.in_hand, now_ms, first.limit, most)
    most = min(part.limit.per_second for part in parts)
    told = [standing(p.share.bucket, p.share.in_hand, now_ms, p.limit, most) for p in parts]
    return Standing(
        limit=most,
        remaining=min(one.remaining for one in told),
        reset_seconds=max(one.reset_seconds for one in told),
    )


def _too_large(parts: Sequence[_Part], calls: int) -> RateLimited | None:
    """Refuse what no waiting would let through."""
    for part in parts:
        most = largest_call(part.limit)
        if calls > most:
            return RateLimited(
                f"The call counts as {calls:,} and the {part.whose} may make {most:,} at once, so "
                "it will never be let through: send fewer items in one call",
                retry_after_seconds=1,
            )
    return None


def _used_up(part: _Part, refusal: Refusal) -> RateLimited:
    seconds = max(1, -(-refusal.retry_ms // 1000))
    limit = part.limit
    if refusal.span is Span.SECOND:
        used = f"{limit.per_second:,} calls a second, {limit.burst:,} at once"
        cure = f"wait for {seconds} s, then call more slowly"
    elif refusal.span is Span.DAY:
        used, cure = f"{limit.per_day:,} calls a day", "they begin anew at midnight UTC"
    else:
        used, cure = f"{limit.per_month:,} calls a month", "they begin anew with the next, in UTC"
    return RateLimited(f"The {part.whose} may make {used}; {cure}", seconds)
