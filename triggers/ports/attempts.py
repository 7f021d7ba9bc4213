"""The port of attempts."""

from typing import Protocol

from triggers.attempts import Attempt, AttemptPage, AttemptPosition


class Attempts(Protocol):
    """The attempts that are kept."""

    async def record(self, tenant_id: str, attempt: Attempt, *, expires_s: int) -> None:
        """Keep an attempt; the same number again overwrites."""

    async def read(self, tenant_id: str, event_id: str) -> list[Attempt]:
        """Return the kept attempts of an event, newest first."""

    async def read_of_webhook(
        self, tenant_id: str, webhook_id: str, *, after: AttemptPosition | None, limit: int
    ) -> AttemptPage:
        """Return a page of the kept attempts of a webhook, newest first.

        It reads an index, which may lag, and may be short and not the last.
        """

    async def delete(self, tenant_id: str, event_id: str) -> None:
        """Delete the kept attempts of an event, as far as a bounded number of calls goes."""
