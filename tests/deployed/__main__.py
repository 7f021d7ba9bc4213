"""`make e2e`: run the suite against the deployment that the environment names."""

import os
import sys
from pathlib import Path

import msgspec

from infra.local.errors import LocalRunError
from tests.deployed.place import GIVEN, expect_answers, find_place, read_seconds

WAITS_MAX = 10  # that one test may have, one after the other


def main() -> None:
    """Become pytest, which ends with 0 when all is well; end with 2 when the suite cannot begin."""
    try:
        place, seconds = find_place(os.environ), read_seconds(os.environ)
        expect_answers(place)
    except LocalRunError as problem:
        sys.stderr.write(f"make e2e: {problem}\n")
        sys.exit(2)
    # Short tracebacks: longer ones show arguments, and the key would be among them.
    options = ("-v", "--no-header", "--tb=short", "-p", "no:cacheprovider")
    limit = f"--timeout={WAITS_MAX * seconds:g}"
    folder = str(Path(__file__).parent)
    command = (sys.executable, "-m", "pytest", folder, *options, limit, *sys.argv[1:])
    environment = os.environ | {GIVEN: msgspec.json.encode(place).decode()}
    os.execve(sys.executable, command, environment)


if __name__ == "__main__":
    main()
