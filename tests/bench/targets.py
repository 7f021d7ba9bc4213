"""What a load is driven through: the service with its tenants and webhooks, or the floor."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from infra.local.loopback import HOST, free_port
from tests.bench.seeds import Look, Seeded, Seeds, open_seeds, webhook_urls
from tests.deployment import UNMEASURED, Deployment, open_deployment
from tests.processes import PYTHON, Process, own_environment, running
from triggers.settings import read_settings

SECRETS_LOOKED_FOR_MAX = 10  # each is looked for in all that was printed


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where events go in, with the tenants' keys; and the processes whose cost counts.

    `liveness` are the addresses that can be asked for it, by part; `webhooks` get each event;
    `beside` is what else works for it, and is watched too.
    """

    url: str
    keys: list[str]
    webhooks: int
    parts: dict[str, list[Process]]
    liveness: dict[str, str]
    beside: dict[str, Process] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Service(Target):
    """The service, with what can be put into its store, and how long `app` took to be ready."""

    name_prefix: str
    seeds: Seeds
    tenants: list[Seeded]
    ready_seconds: float


@asynccontextmanager
async def open_service(
    endpoint: str,
    folder: Path,
    look: Look,
    *,
    tenants: int,
    workers: int = 1,
    own: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Service]:
    """Run the service with the defaults of its settings, before an emulator or a proxy; `own` are variables."""
    folder.mkdir()
    async with open_deployment(endpoint, folder, {**UNMEASURED, **own}) as deployment:
        with pytest.MonkeyPatch.context() as patch:
            await deployment.provision(patch)
            async with open_seeds(read_settings(deployment.environment)) as seeds:
                yield await _start(deployment, seeds, look, tenants, workers)
        deployment.assert_clean_logs()


async def _start(
    deployment: Deployment, seeds: Seeds, look: Look, tenants: int, workers: int
) -> Service:
    began = time.monotonic()
    app = await deployment.start_app()
    ready_seconds = time.monotonic() - began
    ports = [free_port() for _ in range(workers)]
    starts = (deployment.start_worker(TRIGGERS_WORKER_PORT=str(port)) for port in ports)
    started = await asyncio.gather(*starts)
    made = await seeds.make_tenants(look, tenants)
    for tenant in made[:SECRETS_LOOKED_FOR_MAX]:
        deployment.secret_texts |= {tenant.key, *(webhook.secret for webhook in tenant.webhooks)}
    return Service(
        url=app.url,
        keys=[tenant.key for tenant in made],
        webhooks=look.webhooks,
        parts={"app": [app.process], "worker": started},
        liveness={"app": app.url, "worker": f"http://{HOST}:{ports[0]}"},
        name_prefix=deployment.environment["TRIGGERS_NAME_PREFIX"],
        seeds=seeds,
        tenants=made,
        ready_seconds=ready_seconds,
    )


@asynccontextmanager
async def open_floor(folder: Path, look: Look) -> AsyncIterator[Target]:
    """Run the floor."""
    folder.mkdir()
    port, worker_port = free_port(), free_port()
    own = {
        "FLOOR_APP_PORT": str(port),
        "FLOOR_WORKER_PORT": str(worker_port),
        "FLOOR_URLS": ",".join(webhook_urls(look)),
    }
    with ExitStack() as stack:
        parts = {name: [launch(stack, folder, "floor", name, **own)] for name in ("app", "worker")}
        for [process] in parts.values():
            await process.says("ready")
        url = f"http://{HOST}:{port}"
        yield Target(url=url, keys=["none"], webhooks=look.webhooks, parts=parts, liveness={})


def launch(stack: ExitStack, folder: Path, module: str, *arguments: str, **own: str) -> Process:
    """Start a process of the bench, which ends with the stack."""
    command = (PYTHON, "-m", f"tests.bench.{module}", *arguments)
    log = folder / f"{module}-{Path(arguments[0]).stem}.log"
    return stack.enter_context(running(command, own_environment(UNMEASURED, own), log))
