"""The terminal: lines told apart by name and colour, and Ctrl-C for us alone."""

import contextlib
import os
import signal
import sys
import termios
from collections.abc import Iterator
from typing import TextIO

NAME_WIDTH = 8
BOLD, RESET = "\x1b[1m", "\x1b[0m"
COLOURS = {
    "emulator": "\x1b[35m",
    "app": "\x1b[36m",
    "worker": "\x1b[33m",
    "receiver": "\x1b[32m",
    "local": BOLD,
}


class Terminal:
    """Prints whole lines, each under the name of the part that said it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.has_colour = self.stream.isatty() and "NO_COLOR" not in os.environ

    def say(self, name: str, line: str) -> None:
        """Print a line of a part."""
        label = f"{name:<{NAME_WIDTH}} |"
        if self.has_colour:
            label = f"{COLOURS.get(name, '')}{label}{RESET}"
        self.show(f"{label} {line}")

    def show(self, text: str) -> None:
        """Print as it is. A reader that went away is no reason to stop."""
        with contextlib.suppress(OSError):
            print(text, file=self.stream, flush=True)


@contextlib.contextmanager
def ctrl_c_for_us_alone() -> Iterator[int | None]:
    """Take the terminal's foreground from the `make` that started us, until we end.

    Ctrl-C would reach make too, which then calls the run a failure; this way it ends with our 0.
    Ctrl-Z means nothing here: a shell that waits for make could not bring us back.
    Yields the terminal, whose end nobody else will tell us of; None when we left it as it was.
    """
    if "MAKELEVEL" not in os.environ or os.getpgrp() == os.getpid() or not _in_foreground():
        yield None
        return
    terminal, group = sys.stdin.fileno(), os.tcgetpgrp(sys.stdin.fileno())
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpid())
    try:
        yield terminal
    finally:
        with contextlib.suppress(OSError):  # the terminal was closed
            os.tcsetpgrp(terminal, group)


def _in_foreground() -> bool:
    """Tell whether keys come to us: not to a job that a shell has put in the background."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:  # it is no terminal, or not ours
        return False


def has_ended(terminal: int) -> bool:
    """Tell whether a terminal was closed; call it when there is something to read, which is dropped.

    It never waits, as a read would whose keys a Ctrl-C has just dropped.
    """
    try:
        termios.tcflush(terminal, termios.TCIFLUSH)
    except termios.error:
        return True
    return False
