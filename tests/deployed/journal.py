"""What a run has done: said line by line as it happens, and summed up at the end."""

import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Journal:
    """One run. Whatever a tenant sees of it bears its name, so that several may go on at once."""

    write: Callable[[object], None]
    name: str = field(default_factory=lambda: f"e2e.{secrets.token_hex(4)}")
    sent: set[str] = field(default_factory=set)
    verified: set[tuple[str, int]] = field(default_factory=set)
    told_to_wait: Counter[int] = field(default_factory=Counter)
    _began: float = field(default_factory=time.monotonic)

    def say(self, line: str) -> None:
        """Tell what has just been done."""
        self.write(f"{time.monotonic() - self._began:5.1f} s  {line}")

    def sum_up(self, api: str) -> None:
        """Tell what came of it all."""
        waits = ", ".join(f"{times}× {status}" for status, times in self.told_to_wait.items())
        self.say(
            f"{self.name} at {api}: {len(self.sent)} events accepted,"
            f" {len(self.verified)} attempts came in, the signature of each verified;"
            f" told to wait: {waits or 'never'}"
        )
