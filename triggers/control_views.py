"""A process's memory of what changes slowly: at most `age_max_seconds` old, or not used.

Of a tenant that is not there any more nothing is remembered: what may be left of its keys and
webhooks until they are cleared away counts for nobody. A view's age counts from before its version was read. A view past half its age is checked in the
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
NOBODIES_MAX = 1_000  # who makes up keys of tenants that do not exist crowds out only such


_Checked = tuple[float, TenantView]  # a view, and when its age began
_Views = OrderedDict[str, _Checked]


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
        self._views: _Views = OrderedDict()
        self._nobodies: _Views = OrderedDict()
        self._refreshes: dict[str, asyncio.Task[_Checked]] = {}

    async def view(self, tenant_id: str) -> TenantView:
        """Return a view young enough to act on. Raises StoreUnavailable when there is none."""
        known = self._known(tenant_id)
        if known is not None:
            age = self._monotonic() - known[0]
            if age > self._age_max / 2:
                self._refresh(tenant_id)
            if age < self._age_max:
                return known[1]
        checked, view = await asyncio.shield(self._refresh(tenant_id))
        if self._monotonic() - checked >= self._age_max:
            raise StoreUnavailable("control data too old to act on")
        return view

    def knows(self, tenant_id: str) -> bool:
        """Tell whether there was such a tenant when it was looked up last."""
        return tenant_id in self._views

    async def close(self) -> None:
        """Wait for the refreshes that are still under way."""
        await asyncio.gather(*self._refreshes.values(), return_exceptions=True)

    def _known(self, tenant_id: str) -> _Checked | None:
        return self._views.get(tenant_id) or self._nobodies.get(tenant_id)

    def _refresh(self, tenant_id: str) -> asyncio.Task[_Checked]:
        """Check a view, or load it; all who ask meanwhile share the one that is under way."""
        task = self._refreshes.get(tenant_id)
        if task is None:
            task = asyncio.create_task(self._load(tenant_id), name=f"control view {tenant_id}")
            self._refreshes[tenant_id] = task
            task.add_done_callback(lambda done: self._refreshed(tenant_id, done))
        return task

    async def _load(self, tenant_id: str) -> _Checked:
        started = self._monotonic()
        known = self._known(tenant_id)
        if known is None or await self._store.read_version(tenant_id) != known[1].version:
            view = await self._store.read_view(tenant_id)
            if view.tenant is None:
                view = TenantView(tenant_id=tenant_id, version=view.version)
        else:
            view = known[1]
        self._keep(started, view)
        return started, view

    def _keep(self, checked: float, view: TenantView) -> None:
        self._views.pop(view.tenant_id, None)
        self._nobodies.pop(view.tenant_id, None)
        kept, most = self._views, self._tenants_max
        if view.tenant is None:
            kept, most = self._nobodies, NOBODIES_MAX
        kept[view.tenant_id] = (checked, view)
        while len(kept) > most:
            kept.popitem(last=False)

    def _refreshed(self, tenant_id: str, task: asyncio.Task[_Checked]) -> None:
        del self._refreshes[tenant_id]
        if not task.cancelled():
            task.exception()  # a waiter has it; in the background the next use tries again
