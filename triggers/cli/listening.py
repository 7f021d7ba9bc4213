"""What listens until it is told to stop: how often it asks, what it does when nobody answers."""

import time
from collections.abc import Callable
from typing import Protocol

from msgspec.structs import asdict

from triggers.cli.api import is_passing
from triggers.cli.arrivals import Arrivals
from triggers.cli.errors import CommandFailed
from triggers.cli.output import Column, Output, Row

PAUSE_SECONDS_MIN = 1.0
# A tenant of the smallest tier has 10,000 calls a day: this is less, and leaves some for others.
PAUSE_SECONDS_MAX = 10.0
CALM = 20  # so much longer has nothing come than is waited: a minute of calm makes 3 s
PAYLOAD_CHARACTERS_MAX = 80


class Source(Protocol):
    """What is listened to. `pause_seconds`: when it has to be asked again at the latest."""

    @property
    def summary(self) -> str: ...

    @property
    def pause_seconds(self) -> float | None: ...

    def go_on(self) -> bool: ...


def listen_to(source: Source, out: Output, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Ask again and again. The first answer must come; later ones may fail for a while. Raises Refused."""
    source.go_on()
    came = time.monotonic()
    while True:
        calm = (time.monotonic() - came) / CALM
        pause = min(max(calm, PAUSE_SECONDS_MIN), PAUSE_SECONDS_MAX)
        sleep(pause if source.pause_seconds is None else min(pause, source.pause_seconds))
        try:
            if source.go_on():
                came = time.monotonic()
        except CommandFailed as error:
            if not is_passing(error):
                raise
            out.note(f"{error.message}; still trying")
            sleep(PAUSE_SECONDS_MAX)


def _payload(row: Row) -> str:
    text = bytes(row["payload"]).decode(errors="replace")
    return text if len(text) <= PAYLOAD_CHARACTERS_MAX else f"{text[:PAYLOAD_CHARACTERS_MAX]}…"


ARRIVED: tuple[Column, ...] = (
    ("ACCEPTED", "created_at"),
    ("EVENT", "event_id"),
    ("STATUS", "status"),
    ("TYPE", "event_type"),
    ("SOURCE", "source"),
    ("PAYLOAD", _payload),
)
WIDTHS = (20, 30, 12, 20, 10)


class Showing:
    """Shows each event that arrives, once."""

    pause_seconds = None

    def __init__(self, out: Output, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._show = out.stream(ARRIVED, WIDTHS)
        self._shown = 0

    @property
    def summary(self) -> str:
        """What came of it, in words."""
        return f"{self._shown} came"

    def go_on(self) -> bool:
        """Show what came since; tell whether anything did. Raises Refused, NoAnswer."""
        before = self._shown
        for page in self._arrivals.fresh():
            for arrived, document in page:
                self._show(document, asdict(arrived))
                self._shown += 1
        return self._shown > before
