"""What all fakes share."""

import asyncio
from collections import Counter

from triggers.errors import TriggersError


class Fake:
    """What all fakes share.

    `failing` is raised by every call, `failing_calls` by the calls it names; a cleared `gate` holds
    calls until it is set again; `calls` counts them by name.
    """

    def __init__(self) -> None:
        self.failing: TriggersError | None = None
        self.failing_calls: dict[str, TriggersError] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls: Counter[str] = Counter()

    async def _answer(self, call: str) -> None:
        """Take part in a call: what follows it, up to the next await, happens at once."""
        self.calls[call] += 1
        await asyncio.sleep(0)
        await self.gate.wait()
        error = self.failing or self.failing_calls.get(call)
        if error is not None:
            raise error
