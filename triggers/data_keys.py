"""A process's memory of data keys, so that a secret read or written costs no call once warm.

A tenant's secrets are written under a key that is known already, if there is one: so a tenant comes
to have one data key, and to load all its secrets takes one unwrapping.
"""

import asyncio
from collections import OrderedDict

from triggers.ports import DataKeys
from triggers.sealing import DataKey

KEPT_MAX = 20_000  # two entries for each tenant whose view a process remembers

_Name = tuple[str, bytes]  # a tenant and a wrapped key
_FOR_WRITING = b""  # in the place of the wrapped key: the one that is written with


class DataKeyring:
    """The data keys that were used lately, in the clear."""

    def __init__(self, data_keys: DataKeys, *, kept_max: int = KEPT_MAX) -> None:
        self._data_keys = data_keys
        self._kept_max = kept_max
        self._kept: OrderedDict[_Name, DataKey] = OrderedDict()
        self._under_way: dict[_Name, asyncio.Task[DataKey]] = {}

    async def for_writing(self, tenant_id: str) -> DataKey:
        """Return the key to encrypt a tenant's secrets with. Raises StoreUnavailable."""
        return await self._get((tenant_id, _FOR_WRITING))

    async def unwrapped(self, tenant_id: str, wrapped: bytes) -> DataKey:
        """Return the key that is wrapped so. Raises StoreUnavailable, StoreRefused."""
        return await self._get((tenant_id, wrapped))

    async def close(self) -> None:
        """Wait for the calls that are still under way."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _get(self, name: _Name) -> DataKey:
        kept = self._kept.get(name)
        if kept is None:
            return await asyncio.shield(self._obtain(name))
        self._kept.move_to_end(name)
        return kept

    def _obtain(self, name: _Name) -> asyncio.Task[DataKey]:
        """Have a key made or unwrapped; all who ask meanwhile share the call that is under way."""
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.create_task(self._call(*name), name=f"data key of {name[0]}")
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._obtained(name, done))
        return task

    async def _call(self, tenant_id: str, wrapped: bytes) -> DataKey:
        if wrapped == _FOR_WRITING:
            key = await self._data_keys.generate(tenant_id)
        else:
            key = DataKey(wrapped, await self._data_keys.unwrap(tenant_id, wrapped))
        self._keep((tenant_id, key.wrapped), key)
        if (tenant_id, _FOR_WRITING) not in self._kept:
            self._keep((tenant_id, _FOR_WRITING), key)
        return key

    def _keep(self, name: _Name, key: DataKey) -> None:
        self._kept[name] = key
        while len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)

    def _obtained(self, name: _Name, task: asyncio.Task[DataKey]) -> None:
        del self._under_way[name]
        if not task.cancelled():
            task.exception()  # who asked has it
