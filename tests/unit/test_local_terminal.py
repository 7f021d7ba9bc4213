"""Lines told apart by name and colour, and a terminal's Ctrl-C that reaches the run alone."""

import io
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.local.settings import ROOT
from infra.local.terminal import Terminal
from tests.processes import WAIT_SECONDS

CTRL_C, CTRL_Z, ENTER = b"\x03", b"\x1a", b"\n"
TOLD, ENDED = 7, 8
# It waits in select, which a signal wakes even when it comes just before: a read would sleep on.
RUN = f"""
import os, select, signal, sys
from infra.local.terminal import ctrl_c_for_us_alone, has_ended
signal.signal(signal.SIGINT, lambda *_: sys.exit({TOLD}))
woken, wake = os.pipe()
os.set_blocking(wake, False)
signal.set_wakeup_fd(wake)
with ctrl_c_for_us_alone() as terminal:
    sys.stdout.write("up\\n")  # in one piece: the terminal may be closed as soon as this is read
    sys.stdout.flush()
    while True:
        ready, _, _ = select.select([terminal, woken], [], [])
        if terminal in ready and has_ended(terminal):
            sys.exit({ENDED})
"""
# Leads the terminal's session as make does under a shell, and would die of a Ctrl-C.
MAKE = f"""
import fcntl, os, signal, subprocess, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_IGN)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
environment = os.environ | {{"MAKELEVEL": "1"}}
sys.exit(subprocess.run([sys.executable, "-c", {RUN!r}], env=environment).returncode)
"""


@contextmanager
def on_a_terminal() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run it under a make of our own; yield the keyboard's end of the terminal, and that make."""
    keyboard, terminal = pty.openpty()
    command = [sys.executable, "-c", MAKE]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=ROOT, start_new_session=True
    ) as make:
        os.close(terminal)
        printed = b""
        while b"up" not in printed and select.select([keyboard], [], [], WAIT_SECONDS)[0]:
            printed += os.read(keyboard, 4096)
        try:
            yield keyboard, make
        finally:
            make.kill()  # else a test that failed would wait for it for ever


def test_ctrl_c_reaches_the_run_and_not_the_make_that_started_it() -> None:
    with on_a_terminal() as (keyboard, make):
        os.write(keyboard, CTRL_C)
        assert make.wait(WAIT_SECONDS) == TOLD
        os.close(keyboard)


def test_other_keys_do_nothing() -> None:
    with on_a_terminal() as (keyboard, make):
        os.write(keyboard, ENTER + CTRL_Z + ENTER + CTRL_C)
        assert make.wait(WAIT_SECONDS) == TOLD
        os.close(keyboard)


def test_a_terminal_that_is_closed_ends_the_run() -> None:
    with on_a_terminal() as (keyboard, make):
        os.close(keyboard)
        assert make.wait(WAIT_SECONDS) == ENDED


# As an interactive shell does with `make run &`: a job of its own, while the shell keeps the keys.
SHELL = """
import fcntl, os, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
code = "import os; from infra.local.terminal import ctrl_c_for_us_alone\\n"
code += "with ctrl_c_for_us_alone() as t: print('left' if t is None else 'taken', flush=True)"
make = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', sys.argv[1]]).returncode)"
job = [sys.executable, "-c", make, code]
environment = os.environ | {"MAKELEVEL": "1"}
ended = subprocess.run(job, env=environment, process_group=0).returncode
print("kept" if os.tcgetpgrp(0) == os.getpgrp() else "lost", ended, flush=True)
"""


def test_a_run_in_the_background_leaves_the_shell_its_terminal() -> None:
    keyboard, terminal = pty.openpty()
    command = [sys.executable, "-c", SHELL]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=ROOT, start_new_session=True
    ) as shell:
        os.close(terminal)
        try:
            assert shell.wait(WAIT_SECONDS) == 0
        finally:
            shell.kill()
        assert os.read(keyboard, 4096).split() == [b"left", b"kept", b"0"]
        os.close(keyboard)


def test_lines_have_colour_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    screen, file = Screen(), io.StringIO()
    for stream in (screen, file):
        Terminal(stream).say("app", "hello")
    assert "\x1b[" in screen.getvalue()
    assert file.getvalue() == "app      | hello\n"
