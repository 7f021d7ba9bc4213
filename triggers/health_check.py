"""`python -m triggers.health_check app` (or `worker`): is the container that it runs in ready?

What an engine runs as the image's health check. The exit code is 0 for ready, 1 for not, 2 for a
wrong call.
"""

import http.client
import os
import sys
from typing import Literal

from triggers.settings import SettingsError, read_settings

SECONDS_MAX = 2.0


def check(part: Literal["app", "worker"]) -> str | None:
    """Ask the part for its readiness, at the port of its settings; return why not, None if it is.

    Raises SettingsError.
    """
    settings = read_settings(os.environ)
    port = settings.api_port if part == "app" else settings.worker_port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    try:
        connection.request("GET", "/readiness")
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{part} does not answer at port {port}: {error}"
    finally:
        connection.close()
    return None if answer.status == 200 else f"{part} answers {answer.status}: {said}"


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    match arguments:
        case ["app" | "worker" as part]:
            pass
        case _:
            sys.stderr.write("usage: python -m triggers.health_check app|worker\n")
            return 2
    try:
        problem = check(part)
    except SettingsError as error:
        problem = str(error)
    sys.stdout.write(f"{'ready' if problem is None else problem}\n")
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
