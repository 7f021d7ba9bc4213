"""The keeper of data keys in memory."""

from tests.fakes.base import Fake
from triggers.errors import StoreRefused
from triggers.sealing import DATA_KEY_BYTES, DataKey


class FakeDataKeys(Fake):
    """Wraps by keeping: the wrapped key is a name for what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self._plain: dict[tuple[str, bytes], bytes] = {}

    async def generate(self, tenant_id: str) -> DataKey:
        await self._answer("generate")
        number = len(self._plain) + 1
        key = DataKey(b"wrapped %d" % number, number.to_bytes(DATA_KEY_BYTES, "big"))
        self._plain[tenant_id, key.wrapped] = key.plain
        return key

    async def unwrap(self, tenant_id: str, wrapped: bytes) -> bytes:
        await self._answer("unwrap")
        if (tenant_id, wrapped) not in self._plain:
            raise StoreRefused("a data key does not unwrap")
        return self._plain[tenant_id, wrapped]
