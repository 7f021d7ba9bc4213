"""What the tests of the local run share: settings on free ports."""

import sys
from pathlib import Path

from infra.local.demo import Demo
from infra.local.loopback import free_port
from infra.local.settings import PORT_DEFAULTS, LocalSettings, read_local_settings

DEMO = Demo(key="trg_k_s", webhook_id="wh_1")


def free_ports() -> dict[str, str]:
    return {name: str(free_port()) for name in PORT_DEFAULTS}


def local_settings(folder: Path, **environ: str) -> LocalSettings:
    own = {"TRIGGERS_LOCAL_DIR": str(folder), "TRIGGERS_EMULATOR_PYTHON": sys.executable}
    return read_local_settings(free_ports() | own | environ)
