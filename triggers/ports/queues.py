"""The ports of the queues: hints, and the announcements of exhausted deliveries."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from triggers.messages import DeadLetter, Hint


class ReceivedHint(Struct, frozen=True, kw_only=True):
    """A message of the queue. `hint` is None when it is malformed; `handle` deletes it."""

    hint: Hint | None
    handle: str


class HintSender(Protocol):
    """The way of a hint to the workers."""

    def send(self, tenant_id: str, event_id: str, traceparent: str | None) -> None:
        """Hint that an event may be due. Neither waits nor raises: a lost hint is only a metric."""


class HintReceiver(Protocol):
    """The workers' end of it."""

    async def receive(self) -> Sequence[ReceivedHint]:
        """Wait for hints, up to 20 s; empty when there are none."""

    def delete(self, handle: str) -> None:
        """Delete a message that has been dealt with. Neither waits nor raises: if lost, it comes again."""


class DeadLetters(Protocol):
    """Where exhausted deliveries are announced."""

    async def send(self, letter: DeadLetter) -> None:
        """Announce one."""
