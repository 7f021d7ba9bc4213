"""The buckets of rate limits in memory."""

from tests.fakes.base import Fake
from triggers.rate_limits import Bucket


class FakeBuckets(Fake):
    """The buckets by (tenant, key). `conflicts` of the next writes find a version that moved."""

    def __init__(self) -> None:
        super().__init__()
        self.buckets: dict[tuple[str, str | None], Bucket] = {}
        self.conflicts = 0

    async def write(
        self, tenant_id: str, key_id: str | None, bucket: Bucket, *, before_version: int
    ) -> Bucket | None:
        await self._answer("write")
        held = self.buckets.get((tenant_id, key_id), Bucket())
        if self.conflicts or held.version != before_version:
            self.conflicts = max(self.conflicts - 1, 0)
            return held
        self.buckets[tenant_id, key_id] = bucket
        return None
