"""A bounded number of places in one process, of which no tenant gets more than its share."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Places:
    """What is taken now, by tenant."""

    def __init__(self, *, most: int, of_tenant_most: int) -> None:
        self._most = most
        self._of_tenant_most = of_tenant_most
        self._taken: Counter[str] = Counter()

    @property
    def is_full(self) -> bool:
        """Tell whether nobody may take one more."""
        return self._taken.total() >= self._most

    def has_its_share(self, tenant_id: str) -> bool:
        """Tell whether a tenant may take no more, though others may."""
        return self._taken[tenant_id] >= self._of_tenant_most

    @contextmanager
    def take(self, tenant_id: str) -> Iterator[None]:
        """Take a place while the context is open."""
        self._taken[tenant_id] += 1
        try:
            yield
        finally:
            self._taken[tenant_id] -= 1
            if not self._taken[tenant_id]:
                del self._taken[tenant_id]
