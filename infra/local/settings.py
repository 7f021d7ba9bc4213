"""What a local run takes from its environment, and the environment that it gives to its parts."""

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from infra.local.endpoints import Endpoints
from infra.local.errors import LocalRunError
from infra.local.loopback import HOST, free_port, why_not_free

ROOT = Path(__file__).resolve().parents[2]
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
PORT_DEFAULTS = {"API_PORT": 8080, "RECEIVER_PORT": 9000, "EMULATOR_PORT": 4566}

# Settings whose defaults do not fit a single machine; the caller may give others.
DEFAULTS = {
    "TRIGGERS_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
    "TRIGGERS_SERVE_ON_SECONDS": "0",  # no balancer has to notice first
    "TRIGGERS_DRAIN_SECONDS": "3",  # Ctrl-C ends within a few seconds
    "TRIGGERS_CONTROL_AGE_MAX_SECONDS": "0.5",  # the webhook of the demo waits for this
}


class LocalSettings(Struct, frozen=True, kw_only=True):
    """Where everything is, and the secrets of this run."""

    api_port: int
    receiver_port: int
    emulator_port: int
    worker_port: int
    folder: Path
    emulator_python: Path
    operator_key: str
    cursor_key: str
    secrets_key: str
    webhook_secret: str

    @property
    def api(self) -> str:
        """The address of the API."""
        return f"http://{HOST}:{self.api_port}"

    @property
    def receiver(self) -> str:
        """The address of the example receiver."""
        return f"http://{HOST}:{self.receiver_port}"

    @property
    def endpoints(self) -> Endpoints:
        """Where users find it. All of it is on one machine, so that one address will do."""
        return Endpoints(
            api=self.api,
            receiver=self.receiver,
            hook=self.receiver,
            operator_key=self.operator_key,
            webhook_secret=self.webhook_secret,
        )

    @property
    def emulator(self) -> str:
        """The address of the AWS emulator."""
        return f"http://{HOST}:{self.emulator_port}"

    @property
    def worker(self) -> str:
        """The address of the worker's health checks."""
        return f"http://{HOST}:{self.worker_port}"


def read_local_settings(environ: Mapping[str, str]) -> LocalSettings:
    """Read the settings and make the secrets. Raises LocalRunError, before anything has started."""
    ports = read_ports(environ)
    python = environ.get("TRIGGERS_EMULATOR_PYTHON") or ROOT / ".venv-emulator/bin/python"
    if not Path(python).is_file():
        raise LocalRunError(f"the emulator's Python {python} is missing: `make run` installs it")
    return LocalSettings(
        api_port=ports["API_PORT"],
        receiver_port=ports["RECEIVER_PORT"],
        emulator_port=ports["EMULATOR_PORT"],
        worker_port=free_port(),
        folder=local_folder(environ),
        emulator_python=Path(python).absolute(),
        operator_key=environ.get("TRIGGERS_OPERATOR_KEY") or f"operator_{secrets.token_hex(24)}",
        cursor_key=environ.get("TRIGGERS_CURSOR_KEY") or secrets.token_hex(24),
        secrets_key=environ.get("TRIGGERS_SECRETS_KEY") or secrets.token_hex(24),
        webhook_secret="whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
    )


def local_folder(environ: Mapping[str, str]) -> Path:
    """Return where a local run tells of itself."""
    return Path(environ.get("TRIGGERS_LOCAL_DIR") or ROOT / ".local").absolute()


def read_ports(environ: Mapping[str, str]) -> dict[str, int]:
    """Read the ports and see that each is free. Raises LocalRunError, which names the variable."""
    ports = {name: _read_port(environ, name) for name in PORT_DEFAULTS}
    for name, port in ports.items():
        if list(ports.values()).count(port) > 1:
            raise LocalRunError(f"{name}={port} is the port of another part too: choose another")
        if problem := why_not_free(port):
            raise LocalRunError(
                f"port {port} {problem}: set {name} to a free one, as in {name}={free_port()} make run"
            )
    return ports


def parts_environment(environ: Mapping[str, str], settings: LocalSettings) -> dict[str, str]:
    """Return the environment of every part: the caller's own, and ours.

    Its AWS account is left out, and its proxies: no proxy finds the loopback of this machine.
    """
    inherited = {
        name: text
        for name, text in environ.items()
        if not name.startswith("AWS_") and name.lower() not in PROXIES
    }
    return DEFAULTS | inherited | _addresses(settings) | {"PYTHONUNBUFFERED": "1"}


def _read_port(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name) or str(PORT_DEFAULTS[name])
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise LocalRunError(f"{name}={text[:20]} is no port: a number from 1 to 65535 is")
    return int(text)


def _addresses(settings: LocalSettings) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": settings.emulator,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TRIGGERS_ENVIRONMENT": "development",
        "TRIGGERS_OPERATOR_KEY": settings.operator_key,
        "TRIGGERS_CURSOR_KEY": settings.cursor_key,
        "TRIGGERS_SECRETS_KEY": settings.secrets_key,
        "TRIGGERS_API_HOST": HOST,
        "TRIGGERS_API_PORT": str(settings.api_port),
        "TRIGGERS_WORKER_HOST": HOST,
        "TRIGGERS_WORKER_PORT": str(settings.worker_port),
        "RECEIVER_HOST": HOST,
        "RECEIVER_PORT": str(settings.receiver_port),
        "WEBHOOK_SECRET": settings.webhook_secret,
    }
