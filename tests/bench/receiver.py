"""`python -m tests.bench.receiver PORT`: answers 200 to every webhook, and keeps when each event came first.

What comes to a path below `/hang` gets no answer at all.
`GET /count` tells how many (event, path) pairs have come, `GET /taken` hands them over and forgets them.
"""

import sys
import time
from functools import partial

import msgspec
import uvloop
from msgspec import Struct

from tests.bench.wire import OK, Messages, header, serve

HANGING = "/hang"
_TAKEN = OK % (0, b"")


class Taken(Struct, kw_only=True):
    """What has come: when each event came first on each path, and how many requests came again."""

    first_ns: dict[str, int] = {}
    repeated: int = 0

    def note(self, name: str, at_ns: int) -> None:
        if name in self.first_ns:
            self.repeated += 1
        else:
            self.first_ns[name] = at_ns


class Receiver:
    """What all connections share."""

    def __init__(self) -> None:
        self.taken = Taken()

    def tell(self, path: bytes) -> bytes:
        """Answer a question of the bench."""
        if path == b"/count":
            return str(len(self.taken.first_ns)).encode()
        taken, self.taken = self.taken, Taken()
        return msgspec.json.encode(taken)


class Intake(Messages):
    """One connection of a worker, or of the bench."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self._receiver = receiver

    def take(self, head: bytes, body: bytes) -> None:
        """Note an event, or answer a question."""
        method, path, _ = head.split(b" ", 2)
        if method == b"POST":
            name = header(head, b"webhook-id") + path
            self._receiver.taken.note(name.decode(), time.monotonic_ns())
            if not path.startswith(HANGING.encode()):
                self.transport.write(_TAKEN)
        else:
            body = self._receiver.tell(path)
            self.transport.write(OK % (len(body), body))


if __name__ == "__main__":
    uvloop.run(serve(partial(Intake, Receiver()), int(sys.argv[1])))
