"""What `make up` does once the containers run: a tenant that can send, `ready.json`, and the screen.

A tenant that an earlier `make up` made is kept while its key is good.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from infra.local.demo import Demo, make_demo
from infra.local.endpoints import Endpoints
from infra.local.errors import LocalRunError
from infra.local.loopback import HOST, call, wait_until_ready
from infra.local.ready import ready_path, screen, write_ready
from infra.local.settings import ROOT, local_folder
from infra.local.terminal import Terminal

COMPOSE = ("docker", "compose", "--profile", "receiver")
COMMAND_SECONDS_MAX = 60


def read_endpoints(configuration: Mapping[str, Any]) -> Endpoints:
    """Return where compose has put everything, from what `docker compose config` says in JSON.

    Raises LocalRunError when it does not say.
    """
    try:
        services = configuration["services"]
        return Endpoints(
            api=_address(services["proxy"]),
            receiver=_address(services["receiver"]),
            hook=f"http://receiver:{services['receiver']['environment']['RECEIVER_PORT']}",
            operator_key=services["app"]["environment"]["TRIGGERS_OPERATOR_KEY"],
            webhook_secret=services["receiver"]["environment"]["WEBHOOK_SECRET"],
        )
    except (KeyError, IndexError, TypeError) as error:
        raise LocalRunError(f"the compose file does not say: {error}") from None


def read_configuration() -> Any:
    """Return the compose file as compose understands it, with this environment. Raises LocalRunError."""
    command = (*COMPOSE, "config", "--format", "json")
    try:
        ran = subprocess.run(
            command, cwd=ROOT, capture_output=True, check=False, timeout=COMMAND_SECONDS_MAX
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalRunError(f"docker compose cannot be run: {error}") from None
    if ran.returncode:
        raise LocalRunError(f"docker compose config: {ran.stderr.decode(errors='replace')}")
    return json.loads(ran.stdout.replace(b"$$", b"$"))  # a dollar is told as compose would read it


async def have_demo(endpoints: Endpoints, environ: Mapping[str, str]) -> Demo:
    """Return the demo tenant of an earlier time if it is still there, else a new one.

    Raises LocalRunError when the API refuses, OSError when it does not answer.
    """
    await wait_until_ready(f"{endpoints.api}/readiness")
    demo = _read_demo(endpoints, environ)
    if demo is None:
        return await make_demo(endpoints)
    status, _ = await call("GET", f"{endpoints.api}/v1/webhooks/{demo.webhook_id}", key=demo.key)
    return demo if status == 200 else await make_demo(endpoints)


def _read_demo(endpoints: Endpoints, environ: Mapping[str, str]) -> Demo | None:
    """Return the demo that was made for just these endpoints: its key goes nowhere else."""
    try:
        written = ready_path(local_folder(environ)).read_bytes()
        if msgspec.json.decode(written, type=Endpoints) != endpoints:
            return None
        return msgspec.json.decode(written, type=Demo)
    except (OSError, msgspec.MsgspecError):
        return None


def _address(service: Mapping[str, Any]) -> str:
    return f"http://{HOST}:{service['ports'][0]['published']}"


def main() -> int:
    """Return the exit code: 0 when everything is ready, 1 when not."""
    folder, terminal = local_folder(os.environ), Terminal()
    try:
        endpoints = read_endpoints(read_configuration())
        demo = asyncio.run(have_demo(endpoints, os.environ))
    except (LocalRunError, OSError) as problem:
        print(f"make up: {problem}", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    write_ready(folder, endpoints, demo, {})
    terminal.show(screen(folder, endpoints, demo, stop="make down", has_colour=terminal.has_colour))
    return 0


if __name__ == "__main__":
    sys.exit(main())
