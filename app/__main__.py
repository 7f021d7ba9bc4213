"""`python -m app`: read the settings, serve until told to stop."""

import logging
import os
import sys

from app.main import create_app
from app.server import serve
from triggers.settings import SettingsError, describe, read_settings, require_secrets_key
from triggers.telemetry import configure_logging, log


def main() -> int:
    """Run the API. Returns the exit code: 0 after a drain, 2 for settings that are wrong."""
    try:
        settings = read_settings(os.environ)
        app = create_app(settings)
        require_secrets_key(settings)
    except SettingsError as error:
        sys.stderr.write(f"app: {error}\n")
        return 2
    configure_logging("app", settings.log_level)
    log(logging.getLogger("app"), "starting", settings=describe(settings))
    serve(app, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
