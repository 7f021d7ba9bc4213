"""The ports of what is known of callers: what they may do yet, and what they did last."""

from collections.abc import Sequence
from typing import Protocol

from triggers.rate_limits import Bucket


class Buckets(Protocol):
    """The buckets of rate limits that all processes share."""

    async def write(
        self, tenant_id: str, key_id: str | None, bucket: Bucket, *, before_version: int
    ) -> Bucket | None:
        """Write a tenant's bucket, or a key's, if its version is still that one; 0: there is none.

        Returns None: written; else the bucket as it is.
        """


class KeyUses(Protocol):
    """When keys were used last, as well as is known: it lags, and is lost without harm."""

    async def record(self, tenant_id: str, key_id: str, used_ms: int) -> None:
        """Keep when a key was used."""

    async def read(self, tenant_id: str, key_ids: Sequence[str]) -> dict[str, int]:
        """Return when each of the keys was used last, in milliseconds; without those that never."""


class UsedSignatures(Protocol):
    """The signatures of requests that were accepted, so that none is a second time."""

    async def use(self, tenant_id: str, digest: str, token: str, *, expires_s: int) -> bool:
        """Use a signature up, by its digest. False: it was used before.

        `token` is new for each use: by it a use knows itself when its answer was lost.
        """
