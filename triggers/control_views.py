"""A process's memory of what changes slowly: at most `age_max_seconds` old, or not used.

Tenants are in groups, and each change of a tenant raises the version of its group as well: as long
as that stands still, one read of it tells that all views of the group are as young as that read.
Only when it has moved, each of them is checked by its tenant's own version. A view's age counts
from before a version was read. Past half its age a view is checked in the background, so that the
hot path seldom waits for it.

Of a tenant that is not there any more nothing is remembered: what may be left of its keys and
webhooks until they are cleared away counts for nobody.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from triggers.errors import StoreUnavailable
from triggers.ids import TENANT_GROUPS, group_of
from triggers.ports import ControlReads
from triggers.tenants import TenantView

TENANTS_MAX = 10_000
NOBODIES_MAX = 1_000  # who makes up keys of tenants that do not exist crowds out only such


@dataclass(slots=True)
class _Group:
    """What was read of a group's version: the last one, and when each of the last two was last read.

    `is_used` since then.
    """

    number: int
    version: int = -1
    read_at: dict[int, float] = field(default_factory=dict)
    is_used: bool = False

    @property
    def checked_at(self) -> float:
        """When the version was read last."""
        return self.read_at.get(self.version, -math.inf)

    def keep(self, version: int, at: float) -> None:
        """Take note of what was read, and when that began."""
        if version != self.version:
            # Of views from before no more is known than that they were good until then.
            self.read_at = {k: v for k, v in self.read_at.items() if k == self.version}
            self.version = version
        self.read_at[version] = at
        self.is_used = False


@dataclass(slots=True)
class _Known:
    """A view, when it was checked by itself, and the version of its group from before that."""

    view: TenantView
    group: _Group
    group_version: int
    checked_at: float

    @property
    def good_at(self) -> float:
        """When it was known last to be the newest."""
        return max(self.checked_at, self.group.read_at.get(self.group_version, self.checked_at))


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
        self._groups = [_Group(number) for number in range(TENANT_GROUPS)]
        self._views: OrderedDict[str, _Known] = OrderedDict()
        self._nobodies: OrderedDict[str, _Known] = OrderedDict()
        self._reads: dict[Hashable, asyncio.Task[Any]] = {}

    async def view(self, tenant_id: str) -> TenantView:
        """Return a view young enough to act on. Raises StoreUnavailable when there is none."""
        known = self._known(tenant_id)
        if known is not None:
            known.group.is_used = True
            age = self._monotonic() - known.good_at
            if age > self._age_max / 2:
                self._refresh(tenant_id)
            if age < self._age_max:
                return known.view
        known = await asyncio.shield(self._refresh(tenant_id))
        if self._monotonic() - known.good_at >= self._age_max:
            raise StoreUnavailable("control data too old to act on")
        return known.view

    def knows(self, tenant_id: str) -> bool:
        """Tell whether there was such a tenant when it was looked up last."""
        return tenant_id in self._views

    async def close(self) -> None:
        """Wait for the reads that are still under way."""
        await asyncio.gather(*self._reads.values(), return_exceptions=True)

    def _known(self, tenant_id: str) -> _Known | None:
        """Return what is remembered, which is then the last to be forgotten."""
        for kept in (self._views, self._nobodies):
            known = kept.get(tenant_id)
            if known is not None:
                kept.move_to_end(tenant_id)
                return known
        return None

    def _refresh(self, tenant_id: str) -> asyncio.Task[_Known]:
        return self._shared(tenant_id, lambda: self._load(tenant_id))

    def _shared(self, what: Hashable, read: Callable[[], Any]) -> asyncio.Task[Any]:
        """Read something; all who ask for it meanwhile share the read that is under way."""
        task = self._reads.get(what)
        if task is None:
            task = asyncio.create_task(read(), name=f"control view {what}")
            self._reads[what] = task
            task.add_done_callback(lambda done: self._has_read(what, done))
        return task

    def _check(self, group: _Group) -> asyncio.Task[None]:
        """Read the version of a group, and in one call with it what would be read soon after."""
        for other in self._groups:
            if other.is_used and self._is_past(other, self._age_max / 4):
                self._read_group(other)
        return self._read_group(group)

    def _is_past(self, group: _Group, seconds: float) -> bool:
        return self._monotonic() - group.checked_at > seconds

    def _read_group(self, group: _Group) -> asyncio.Task[None]:
        return self._shared(group.number, lambda: self._read_version(group))

    async def _read_version(self, group: _Group) -> None:
        started = self._monotonic()
        group.keep(await self._store.read_group_version(group.number), started)

    async def _load(self, tenant_id: str) -> _Known:
        """Bring a view up to date, by as few reads as will do."""
        group = self._groups[group_of(tenant_id)]
        if self._is_past(group, self._age_max / 2):
            await asyncio.shield(self._check(group))
        known = self._known(tenant_id)
        if known is not None and known.group_version == group.version:
            return known
        # From before the view is read, or it might hide a change that comes between.
        group_version, started = group.version, self._monotonic()
        if known is None or await self._store.read_version(tenant_id) != known.view.version:
            view = await self._store.read_view(tenant_id)
            if view.tenant is None:
                view = TenantView(tenant_id=tenant_id, version=view.version)
        else:
            view = known.view
        return self._keep(_Known(view, group, group_version, started))

    def _keep(self, known: _Known) -> _Known:
        tenant_id = known.view.tenant_id
        self._views.pop(tenant_id, None)
        self._nobodies.pop(tenant_id, None)
        kept, most = self._views, self._tenants_max
        if known.view.tenant is None:
            kept, most = self._nobodies, NOBODIES_MAX
        kept[tenant_id] = known
        while len(kept) > most:
            kept.popitem(last=False)
        return known

    def _has_read(self, what: Hashable, task: asyncio.Task[Any]) -> None:
        del self._reads[what]
        if not task.cancelled():
            task.exception()  # a waiter has it; in the background the next use tries again
