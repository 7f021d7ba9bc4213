"""How much memory the large bodies of one process may take together.

Each is within its limit, but slow clients could fill the memory with many: a hundred of 8 MiB do.
"""

from collections import Counter

from triggers.errors import Overloaded

LARGE_BYTES = 64 * 1024  # a body up to this size is not worth the counting
TENANT_SHARE = 4  # a tenant gets a quarter at most, so that it leaves room for others


class BodyBudget:
    """The bytes of large bodies that are in memory now, by tenant."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held: Counter[str] = Counter()

    @property
    def held_bytes(self) -> int:
        """How many bytes are held now."""
        return self._held.total()

    def take(self, tenant_id: str, size: int) -> None:
        """Hold so many more bytes. Raises Overloaded when there is no room for them."""
        of_tenant = self._held[tenant_id] + size
        is_full = self.held_bytes + size > self._bytes_max
        if is_full or of_tenant * TENANT_SHARE > self._bytes_max:
            raise Overloaded
        self._held[tenant_id] = of_tenant

    def give_back(self, tenant_id: str, size: int) -> None:
        """Hold so many fewer."""
        self._held[tenant_id] -= size
        if not self._held[tenant_id]:
            del self._held[tenant_id]


class BodyHold:
    """What the body of one request holds of the budget, until the request has ended."""

    __slots__ = ("_budget", "_size", "_tenant_id")

    def __init__(self, budget: BodyBudget, tenant_id: str) -> None:
        self._budget = budget
        self._tenant_id = tenant_id
        self._size = 0

    def grow_to(self, size: int) -> None:
        """Hold what a body of this size takes, nothing for a small one. Raises Overloaded."""
        if size > LARGE_BYTES:
            self._budget.take(self._tenant_id, size - self._size)
            self._size = size

    def release(self) -> None:
        """Hold nothing any more."""
        if self._size:
            self._budget.give_back(self._tenant_id, self._size)
            self._size = 0
