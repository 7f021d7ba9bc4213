"""The port of health."""

from typing import Protocol


class Reachable(Protocol):
    """Something that can be asked whether it is there."""

    async def check(self) -> None:
        """Return when all tables answer. Raises StoreUnavailable that says what does not."""

    async def check_queues(self) -> None:
        """Do the same for the queue of hints, without which the service goes on, only later."""
