"""Ctrl-C and SIGTERM: what must not be left half done is done first."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
WORDS = b"ending with this one; Ctrl-C ends now\n"


class Interruption:
    """Raises KeyboardInterrupt when we are told to stop: at once, or at the end of what must be finished.

    Told a second time, it waits no longer.
    """

    def __init__(self) -> None:
        self._finishing = False
        self._told = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Take the signals while the context is open."""
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """Finish what is in the context first."""
        self._finishing = True
        try:
            yield
        finally:
            self._finishing = False
        if self._told:
            raise KeyboardInterrupt

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self._finishing or self._told:
            raise KeyboardInterrupt
        self._told = True
        # Not printed: whom the signal broke in upon may be in the middle of that.
        with suppress(OSError):
            os.write(sys.stderr.fileno(), WORDS)
