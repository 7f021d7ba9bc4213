"""How many calls a tenant or a key may make: a rate with a burst, and quotas by day and month."""

from msgspec import Struct

BURST_SECONDS = 2  # of a key's own limit, as of the tiers'


class RateLimit(Struct, frozen=True, kw_only=True):
    """Calls a second and at once, at least 1 each; calls in a UTC day and month, None: no quota."""

    per_second: int
    burst: int
    per_day: int | None = None
    per_month: int | None = None


def limit_of_key(per_second: int) -> RateLimit:
    """Return the limit of a key that may make so many calls a second."""
    return RateLimit(per_second=per_second, burst=BURST_SECONDS * per_second)
