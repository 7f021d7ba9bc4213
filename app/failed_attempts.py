"""Wrong keys by the address that they come from: who guesses on and on is told to wait.

Each address may fail 30 times at once, and once more every 2 seconds. The limits are of a process.
"""

from collections import OrderedDict
from ipaddress import IPv6Address

from app.addresses import Address

FAILURES_MAX = 30
RECOVERY_MS = 2_000
ADDRESSES_MAX = 10_000

_Source = tuple[int, int]  # the version of the protocol, and the part that names the source


class FailedAttempts:
    """The addresses that failed of late, each with the moment at which all is forgotten."""

    def __init__(self, *, addresses_max: int = ADDRESSES_MAX) -> None:
        self._addresses_max = addresses_max
        self._forgotten_ms: OrderedDict[_Source, int] = OrderedDict()

    def wait_ms(self, address: Address, now_ms: int) -> int:
        """Return how long an address has to wait until it may fail again; 0: it may now."""
        longest = (FAILURES_MAX - 1) * RECOVERY_MS
        return max(0, self._debt_ms(_source_of(address), now_ms) - longest)

    def count(self, address: Address, now_ms: int) -> None:
        """Count a failure; whose last one is the longest ago is forgotten when there are many."""
        source = _source_of(address)
        debt_ms = self._debt_ms(source, now_ms) + RECOVERY_MS
        self._forgotten_ms[source] = now_ms + debt_ms
        self._forgotten_ms.move_to_end(source)
        if len(self._forgotten_ms) > self._addresses_max:
            self._forgotten_ms.popitem(last=False)

    def _debt_ms(self, source: _Source, now_ms: int) -> int:
        """Return for how long failures are remembered; no clock that was set back makes it longer."""
        debt_ms = self._forgotten_ms.get(source, 0) - now_ms
        return min(max(0, debt_ms), FAILURES_MAX * RECOVERY_MS)


def _source_of(address: Address) -> _Source:
    """Return who an address stands for: of IPv6 the /64, all of which one host can have."""
    number = int(address)
    return (6, number >> 64) if isinstance(address, IPv6Address) else (4, number)
