"""What a load is driven through: the service with its tenants and webhooks, or the floor."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.loopback import HOST, free_port
from tests.bench.arguments import Arguments
from tests.deployment import UNMEASURED, App, Deployment, open_deployment
from tests.processes import PYTHON, Process, own_environment, running

TIMEOUT_SECONDS = 15  # of the webhooks


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where events go in, with the tenants' keys; and the processes whose cost counts.

    `liveness` are the addresses that can be asked for it, by part.
    """

    url: str
    keys: list[str]
    parts: dict[str, list[Process]]
    liveness: dict[str, str]
    name_prefix: str = ""


@asynccontextmanager
async def open_service(
    endpoint: str, folder: Path, receiver_url: str, arguments: Arguments
) -> AsyncIterator[Target]:
    """Run the service with the defaults of its settings, before an emulator or a proxy."""
    folder.mkdir()
    async with open_deployment(endpoint, folder, UNMEASURED) as deployment:
        with pytest.MonkeyPatch.context() as patch:
            await deployment.provision(patch)
        ports = [free_port() for _ in range(arguments.workers)]
        starts = (deployment.start_worker(TRIGGERS_WORKER_PORT=str(port)) for port in ports)
        app, workers = await asyncio.gather(deployment.start_app(), asyncio.gather(*starts))
        tenants = (
            _make_tenant(deployment, app, receiver_url, arguments.webhooks)
            for _ in range(arguments.tenants)
        )
        yield Target(
            url=app.url,
            keys=await asyncio.gather(*tenants),
            parts={"app": [app.process], "worker": workers},
            liveness={"app": app.url, "worker": f"http://{HOST}:{ports[0]}"},
            name_prefix=deployment.environment["TRIGGERS_NAME_PREFIX"],
        )
        deployment.assert_clean_logs()


async def _make_tenant(deployment: Deployment, app: App, receiver_url: str, webhooks: int) -> str:
    """Make a tenant whose limits do not bite, with so many webhooks; returns its key."""
    urls = webhook_urls(receiver_url, webhooks)
    content: dict[str, Any] = {"url": urls[0], "timeout_seconds": TIMEOUT_SECONDS}
    producer = await deployment.make_producer(app, tier="enterprise", **content)
    for url in urls[1:]:  # one after another: each changes the tenant
        await deployment.create(app, "/v1/webhooks", producer.key, content | {"url": url})
    return producer.key


def webhook_urls(receiver_url: str, webhooks: int) -> list[str]:
    """Return the address of each webhook of a tenant."""
    return [f"{receiver_url}/{number}" for number in range(webhooks)]


@asynccontextmanager
async def open_floor(
    folder: Path, receiver_url: str, arguments: Arguments
) -> AsyncIterator[Target]:
    """Run the floor."""
    folder.mkdir()
    port, worker_port = free_port(), free_port()
    own = {
        "FLOOR_APP_PORT": str(port),
        "FLOOR_WORKER_PORT": str(worker_port),
        "FLOOR_URLS": ",".join(webhook_urls(receiver_url, arguments.webhooks)),
    }
    with ExitStack() as stack:
        parts = {name: [launch(stack, folder, "floor", name, **own)] for name in ("app", "worker")}
        for [process] in parts.values():
            await process.says("ready")
        yield Target(url=f"http://{HOST}:{port}", keys=["none"], parts=parts, liveness={})


def launch(stack: ExitStack, folder: Path, module: str, *arguments: str, **own: str) -> Process:
    """Start a process of the bench, which ends with the stack."""
    command = (PYTHON, "-m", f"tests.bench.{module}", *arguments)
    log = folder / f"{module}-{Path(arguments[0]).stem}.log"
    return stack.enter_context(running(command, own_environment(UNMEASURED, own), log))
