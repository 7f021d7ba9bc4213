"""The container engine, by its command line."""

import asyncio
import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from infra.local.loopback import HOST, free_port
from infra.local.settings import PORT_DEFAULTS, ROOT
from tests.processes import own_environment

COMMAND_SECONDS_MAX = 900
STOPPED = frozenset({"exited", "dead"})


def docker(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it prints. Raises AssertionError with what it said."""
    ran = subprocess.run(
        ("docker", *arguments),
        cwd=ROOT,
        env=own_environment(environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS_MAX,
    )
    assert ran.returncode == 0, f"docker {' '.join(arguments)}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def inspect(kind: str, name: str) -> Any:
    """Return what the engine knows of an image or a container."""
    return json.loads(docker(kind, "inspect", name))[0]


@dataclass(frozen=True, kw_only=True)
class Stop:
    """How a container ended."""

    exit_code: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The services of the compose file, under a name and on ports of their own."""

    name: str = field(default_factory=lambda: f"triggers-test-{secrets.token_hex(3)}")
    ports: dict[str, str] = field(
        default_factory=lambda: {variable: str(free_port()) for variable in PORT_DEFAULTS}
    )
    operator_key: str = field(default_factory=lambda: f"operator-{secrets.token_hex(24)}")

    @property
    def api(self) -> str:
        """Where the proxy listens."""
        return f"http://{HOST}:{self.ports['API_PORT']}"

    @property
    def receiver(self) -> str:
        """Where the example receiver listens for us."""
        return f"http://{HOST}:{self.ports['RECEIVER_PORT']}"

    @property
    def hook(self) -> str:
        """Where the example receiver listens for the worker."""
        return "http://receiver:9000"

    def compose(self, *arguments: str) -> str:
        """Run a command of compose; returns what it prints."""
        files = {"COMPOSE_FILE": os.environ.get("COMPOSE_FILE", "docker-compose.yml")}
        own = self.ports | files | {"TRIGGERS_OPERATOR_KEY": self.operator_key}
        command = ("compose", "--project-name", self.name, "--profile", "receiver")
        return docker(*command, *arguments, environment=own)

    def image(self, service: str) -> str:
        """Return the name of the image that is built for a service of ours."""
        return f"{self.name}-{service}"

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's containers, the stopped ones too."""
        return self.compose("ps", "--all", "--quiet", service).split()

    def container(self, service: str) -> str:
        """Return the id of a service's first container."""
        return self.containers(service)[0]

    async def kill(self, container: str) -> None:
        """End a container as a crash of its machine would."""
        await asyncio.to_thread(docker, "kill", "--signal", "KILL", container)

    async def start(self, container: str) -> None:
        """Start a container that has ended."""
        await asyncio.to_thread(docker, "start", container)

    async def stop(self, container: str, patience_seconds: int = 45) -> Stop:
        """Ask a container to stop, as a deployment does, and say how it ended."""
        began = time.monotonic()
        await asyncio.to_thread(docker, "stop", "--time", str(patience_seconds), container)
        seconds = time.monotonic() - began
        state = inspect("container", container)["State"]
        assert state["Status"] in STOPPED
        return Stop(exit_code=state["ExitCode"], seconds=seconds)

    def list_remains(self) -> str:
        """Return what the engine still has of it: containers, networks, volumes."""
        mark = f"label=com.docker.compose.project={self.name}"
        found = docker("ps", "--all", "--quiet", "--filter", mark)
        found += docker("network", "ls", "--quiet", "--filter", mark)
        return found + docker("volume", "ls", "--quiet", "--filter", mark)


@contextmanager
def running_stack(say: Callable[[object], None]) -> Iterator[Stack]:
    """Have everything built and running while the context is open; then nothing of it is left."""
    stack, began = Stack(), time.monotonic()
    try:
        stack.compose("build")
        built = time.monotonic()
        stack.compose("up", "--detach", "--wait")
        say(f"built in {built - began:.0f} s, healthy {time.monotonic() - built:.0f} s later")
        yield stack
    finally:
        stack.compose("down", "--volumes", "--rmi", "local")
    assert not stack.list_remains()
