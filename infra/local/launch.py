"""Become a part whose life ends with the supervisor's: `launch.py SUPERVISOR_PID PROGRAM ARGUMENTS…`.

Run as a file and with a bare interpreter, so that it costs a few milliseconds and keeps the process id.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # from linux/prctl.h


def main() -> None:
    """Ask Linux for our death with our parent's, then turn into the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the supervisor is gone")  # it died before we could ask
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 no shell is wanted


if __name__ == "__main__":
    main()
