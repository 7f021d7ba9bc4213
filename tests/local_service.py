"""The service as `make run` starts it, on free ports: what a reader of the README has before them."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.local_runs import free_ports
from tests.processes import POLL_SECONDS, PYTHON, WAIT_SECONDS, own_environment, running

# For tests that make many tenants, keys and webhooks and do not ask how long that takes: a change
# of them is in force a moment later, and what is due is found as soon.
PROMPT = {
    "TRIGGERS_CONTROL_AGE_MAX_SECONDS": "0.15",
    "TRIGGERS_CONTROL_MARGIN_SECONDS": "0.05",
    "TRIGGERS_SWEEP_SECONDS": "0.2",
}


@contextmanager
def run_local_service(folder: Path, **settings: str) -> Iterator[dict[str, Any]]:
    """Run it while the context is open; yields what `ready.json` says, and stops it as Ctrl-C does."""
    ready = folder / "local" / "ready.json"
    own = {"TRIGGERS_LOCAL_DIR": str(ready.parent)}
    environment = own_environment(free_ports(), own, settings)
    command = (PYTHON, "-m", "infra.local")
    with running(command, environment, folder / "local.log") as process:
        deadline = time.monotonic() + WAIT_SECONDS
        while not ready.exists():
            assert process.is_alive, process.printed
            assert time.monotonic() < deadline, process.printed
            time.sleep(POLL_SECONDS)
        yield json.loads(ready.read_text())
        asyncio.run(process.stop())
