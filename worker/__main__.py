"""`python -m worker`: reads the settings and runs the delivery worker until SIGTERM."""

import asyncio
import logging
import os
import sys

import uvloop

from triggers import telemetry
from triggers.settings import SettingsError, describe, read_settings, require_secrets_key
from worker.main import run_worker, stop_on_signals

_logger = logging.getLogger("worker")


def main() -> int:
    """Run the worker; 0 after a drain, 1 when a part of it died, 2 for a wrong setting."""
    try:
        settings = read_settings(os.environ)
        require_secrets_key(settings)
    except SettingsError as error:
        sys.stderr.write(f"worker: {error}\n")
        return 2
    telemetry.configure_logging("worker", settings.log_level)
    telemetry.log(_logger, "starting", settings=describe(settings))

    async def run() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await run_worker(settings, stop=stop)

    try:
        uvloop.run(run())
    except Exception:
        _logger.exception("a part of the worker died")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
