"""A process's memory of what changes slowly: at most `age_max_seconds` old, or not used.

Tenants are in groups, and each change of a tenant raises the version of its group as well: as long
as that stands still, one read of it tells that all views of the group are as young as that read.
When it has moved, each of them is checked by its tenant's own version. A view's age counts from
before a version was read. Past half its age a view is checked in the background, so that the hot
path seldom waits for it.

A transaction's items do not become visible in one moment (DynamoDB: a read of several items is
read-committed towards it). So for `VISIBLE_SECONDS` after a version was seen first it tells nothing
about other items: a view rests on a group only when it was checked later than that, and is read
whole at every check until then.

Of a tenant that is not there any more nothing is remembered: what may be left of its keys and
webhooks until they are cleared away counts for nobody.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from triggers.errors import StoreUnavailable
from triggers.ids import TENANT_GROUPS, group_of
from triggers.ports import ControlReads
from triggers.tenants import TenantView

TENANTS_MAX = 10_000
NOBODIES_MAX = 1_000  # who makes up keys of tenants that do not exist crowds out only such
VISIBLE_SECONDS = 2.0  # many times what a transaction takes
# Whatever its versions tell, a view is read whole so often: so what no rule here knows of passes.
WHOLE_SECONDS = 60.0

Key = TypeVar("Key")
Read = TypeVar("Read")


@dataclass(slots=True)
class _Group:
    """What was read of a group's version: the last one, and since when it is known.

    `read_at` has when each of the last two was last read, `is_used` whether a view of the group was
    asked for after that.
    """

    number: int
    version: int = -1
    known_since: float = math.inf
    read_at: dict[int, float] = field(default_factory=dict)
    is_used: bool = False

    @property
    def checked_at(self) -> float:
        """When the version was read last."""
        return self.read_at.get(self.version, -math.inf)

    def keep(self, version: int, started: float, ended: float) -> None:
        """Take note of what was read from when to when."""
        if version != self.version:
            # Of views from before no more is known than that they were good until then.
            self.read_at = {k: v for k, v in self.read_at.items() if k == self.version}
            self.version, self.known_since = version, ended
        self.read_at[version] = started
        self.is_used = False

    def vouching(self, checked_at: float) -> int | None:
        """Return the version by which a view that is checked now can be checked from then on."""
        return self.version if checked_at >= self.known_since + VISIBLE_SECONDS else None


@dataclass(slots=True)
class _Known:
    """A view: since when its version is known, when it was last read whole, when last checked by itself.

    `group_version` is that by which the group can vouch for it; None: not yet.
    """

    view: TenantView
    group: _Group
    group_version: int | None
    checked_at: float
    known_since: float
    whole_at: float

    @property
    def good_at(self) -> float:
        """When it was known last to be the newest."""
        if self.group_version is None:
            return self.checked_at
        read_at = self.group.read_at.get(self.group_version, self.checked_at)
        return max(self.checked_at, min(read_at, self.whole_at + WHOLE_SECONDS))

    def is_whole(self, now: float) -> bool:
        """Tell whether its version alone may say that it is the newest."""
        is_visible = self.whole_at >= self.known_since + VISIBLE_SECONDS
        return is_visible and now - self.whole_at < WHOLE_SECONDS


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
        self._checks: dict[int, asyncio.Task[None]] = {}
        self._loads: dict[str, asyncio.Task[_Known]] = {}

    async def view(self, tenant_id: str) -> TenantView:
        """Return a view young enough to act on. Raises StoreUnavailable when there is none."""
        known = self._known(tenant_id)
        if known is not None:
            known.group.is_used = True
            age = self._age(known)
            if age > self._age_max / 2:
                self._refresh(tenant_id)
            if age < self._age_max:
                return known.view
        known = await asyncio.shield(self._refresh(tenant_id))
        if self._age(known) >= self._age_max:
            raise StoreUnavailable("control data too old to act on")
        return known.view

    def knows(self, tenant_id: str) -> bool:
        """Tell whether there was such a tenant when it was looked up last."""
        return tenant_id in self._views

    async def close(self) -> None:
        """Wait for the reads that are still under way."""
        while self._loads or self._checks:
            reads = (*self._loads.values(), *self._checks.values())
            await asyncio.gather(*reads, return_exceptions=True)

    def _known(self, tenant_id: str) -> _Known | None:
        """Return what is remembered, which is then the last to be forgotten."""
        for kept in (self._views, self._nobodies):
            known = kept.get(tenant_id)
            if known is not None:
                kept.move_to_end(tenant_id)
                return known
        return None

    def _age(self, known: _Known) -> float:
        return self._monotonic() - known.good_at

    def _refresh(self, tenant_id: str) -> asyncio.Task[_Known]:
        return _shared(self._loads, tenant_id, lambda: self._load(tenant_id))

    async def _load(self, tenant_id: str) -> _Known:
        """Bring a view up to date, by as few reads as will do."""
        group = self._groups[group_of(tenant_id)]
        if self._is_past(group, self._age_max / 2):
            await asyncio.shield(self._check(group))
        known = self._known(tenant_id)
        if known is not None and self._age(known) <= self._age_max / 2:
            return known
        # From before the view is read, or it might hide a change that comes between.
        started = self._monotonic()
        group_version = group.vouching(started)
        if known is not None and known.is_whole(started):
            version = await self._store.read_version(tenant_id)
            if version == known.view.version:
                known = replace(known, group_version=group_version, checked_at=started)
                return self._keep(known)
        view = await self._store.read_view(tenant_id)
        if view.tenant is None:
            view = TenantView(tenant_id=tenant_id, version=view.version)
        is_same = known is not None and known.view.version == view.version
        return self._keep(
            _Known(
                view=view,
                group=group,
                group_version=group_version,
                checked_at=started,
                known_since=known.known_since if known and is_same else self._monotonic(),
                whole_at=started,
            )
        )

    def _check(self, group: _Group) -> asyncio.Task[None]:
        """Read the version of a group, and in one call with it what would be read soon after."""
        for other in self._groups:
            if other.is_used and self._is_past(other, self._age_max / 4):
                self._read_group(other)
        return self._read_group(group)

    def _is_past(self, group: _Group, seconds: float) -> bool:
        return self._monotonic() - group.checked_at > seconds

    def _read_group(self, group: _Group) -> asyncio.Task[None]:
        return _shared(self._checks, group.number, lambda: self._read_version(group))

    async def _read_version(self, group: _Group) -> None:
        # On this read wait all tenants of the group: a call that got stuck must not hold them up.
        for seconds in (self._age_max / 2, None):
            started = self._monotonic()
            try:
                async with asyncio.timeout(seconds):
                    version = await self._store.read_group_version(group.number)
            except TimeoutError:
                continue
            group.keep(version, started, self._monotonic())
            return

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


def _shared(
    reads: dict[Key, asyncio.Task[Read]],
    what: Key,
    read: Callable[[], Coroutine[Any, Any, Read]],
) -> asyncio.Task[Read]:
    """Read something; all who ask for it meanwhile share the read that is under way."""

    def has_read(task: asyncio.Task[Read]) -> None:
        del reads[what]
        if not task.cancelled():
            task.exception()  # a waiter has it; in the background the next use tries again

    task = reads.get(what)
    if task is None:
        task = reads[what] = asyncio.create_task(read(), name=f"control view {what}")
        task.add_done_callback(has_read)
    return task
