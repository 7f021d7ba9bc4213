"""What is written about the use of keys, in memory."""

from collections.abc import Sequence

from tests.fakes.base import Fake


class FakeKeyUses(Fake):
    """When keys were used last, by (tenant, key)."""

    def __init__(self) -> None:
        super().__init__()
        self.used: dict[tuple[str, str], int] = {}

    async def record(self, tenant_id: str, key_id: str, used_ms: int) -> None:
        await self._answer("record")
        self.used[tenant_id, key_id] = used_ms

    async def read(self, tenant_id: str, key_ids: Sequence[str]) -> dict[str, int]:
        await self._answer("read")
        return {k: self.used[tenant_id, k] for k in key_ids if (tenant_id, k) in self.used}


class FakeUsedSignatures(Fake):
    """The signatures that were accepted, by (tenant, digest), each with its token and its end."""

    def __init__(self) -> None:
        super().__init__()
        self.used: dict[tuple[str, str], tuple[str, int]] = {}

    async def use(self, tenant_id: str, digest: str, token: str, *, expires_s: int) -> bool:
        await self._answer("use")
        return self.used.setdefault((tenant_id, digest), (token, expires_s))[0] == token
