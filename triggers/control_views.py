"""A process's memory of what changes slowly: at most `age_max_seconds` old, or not used.

A view's age counts from before its version was read. A view past half its age is checked in the
background, so that the hot path seldom waits for it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from triggers.errors import StoreUnavailable
from triggers.ports import ControlReads
from triggers.tenants import TenantView

TENANTS_MAX = 10_000


class ControlViews:
    """The views of the tenants that were asked for lately."""

    def __init__(
        self,
        store: ControlReads,
        *,
        age_max_seconds: float,
        tenants_max: int = TENANTS_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._age_max = age_max_seconds
        self._tenants_max = tenants_max
        self._monotonic = monotonic
        self._views: OrderedDict[str, tuple[float, TenantView]] = OrderedDict()
        self._refreshes: dict[str, asyncio.Task[None]] = {}

    async def view(self, tenant_id: str) -> TenantView:
        """Return a view that is young enough to act on. Raises StoreUnavailable when there is none."""
        young = self._young(tenant_id)
        if young is not None:
            return young
        await asyncio.shield(self._refresh(tenant_id))
        young = self._young(tenant_id)
        if young is None:
            raise StoreUnavailable("control data too old to act on")
        return young

    async def close(self) -> None:
        """Wait for the refreshes that are still under way."""
        await asyncio.gather(*self._refreshes.values(), return_exceptions=True)

    def _young(self, tenant_id: str) -> TenantView | None:
        checked, view = self._views.get(tenant_id, (None, None))
        if checked is None or view is None:
            return None
        age = self._monotonic() - checked
        if age > self._age_max / 2:
            self._refresh(tenant_id)
        return view if age < self._age_max else None

    def _refresh(self, tenant_id: str) -> asyncio.Task[None]:
        """Check a view, or load it; all who ask meanwhile share the one that is under way."""
        task = self._refreshes.get(tenant_id)
        if task is None:
            task = asyncio.create_task(self._load(tenant_id), name=f"control view {tenant_id}")
            self._refreshes[tenant_id] = task
            task.add_done_callback(lambda done: self._refreshed(tenant_id, done))
        return task

    async def _load(self, tenant_id: str) -> None:
        started = self._monotonic()
        known = self._views.get(tenant_id)
        if known is None or await self._store.read_version(tenant_id) != known[1].version:
            view = await self._store.read_view(tenant_id)
        else:
            view = known[1]
        self._views[tenant_id] = (started, view)
        self._views.move_to_end(tenant_id)
        while len(self._views) > self._tenants_max:
            self._views.popitem(last=False)

    def _refreshed(self, tenant_id: str, task: asyncio.Task[None]) -> None:
        del self._refreshes[tenant_id]
        if not task.cancelled():
            task.exception()  # a waiter has it; in the background the next use tries again
