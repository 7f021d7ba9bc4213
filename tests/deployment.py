"""The service as it is deployed: `python -m app` and `python -m worker` as processes, used over HTTP alone."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from infra.local.loopback import HOST, free_port
from tests.emulator import aws_environment
from tests.processes import POLL_SECONDS, PYTHON, WAIT_SECONDS, Process, own_environment, running
from tests.receiver import Receiver, run_receiver
from tests.testbed import own_prefix
from triggers.aws.provision import provision
from triggers.settings import read_settings

OPERATOR_KEY = "operator-key-of-the-tests-0123456789"
CALL_SECONDS = 12.0  # the API's own deadline is 10
# Processes that are timed, or killed before they could say what they ran, are not measured.
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}
SHORT_TIMES = {
    "TRIGGERS_ATTEMPT_SECONDS": "2",
    "TRIGGERS_FINISH_SECONDS": "1",
    "TRIGGERS_CLOCK_SKEW_SECONDS": "0.25",
    "TRIGGERS_LEASE_SECONDS": "4",
    "TRIGGERS_HINT_GRACE_SECONDS": "1",
    "TRIGGERS_SWEEP_SECONDS": "0.2",
    "TRIGGERS_SHARD_LEASE_SECONDS": "1",
    "TRIGGERS_CONTROL_AGE_MAX_SECONDS": "0.6",
    "TRIGGERS_CONTROL_MARGIN_SECONDS": "0.1",
    "TRIGGERS_SERVE_ON_SECONDS": "0",
    "TRIGGERS_DRAIN_SECONDS": "3",
}


@dataclass(frozen=True, kw_only=True)
class App:
    """A running `app`."""

    process: Process
    url: str


@dataclass(frozen=True, kw_only=True)
class Producer:
    """A tenant with its key, and the webhook that gets its events."""

    key: str
    path: str
    secret: str


@dataclass(kw_only=True)
class Tally:
    """What came of a run: the oracle of the catalogue of faults."""

    accepted: set[str]
    delivered: set[str]
    duplicates: int
    recovered_seconds: float

    @property
    def lost(self) -> set[str]:
        return self.accepted - self.delivered

    def __str__(self) -> str:
        return (
            f"accepted={len(self.accepted)} delivered={len(self.delivered)} lost={len(self.lost)}"
            f" duplicates={self.duplicates} recovered={self.recovered_seconds:.1f}s"
        )


@dataclass(kw_only=True)
class Deployment:
    """Tables and queues of its own, and whatever processes a test starts."""

    environment: dict[str, str]
    receiver: Receiver
    session: aiohttp.ClientSession
    folder: Path
    stack: ExitStack
    processes: list[Process] = field(default_factory=list)
    secret_texts: set[str] = field(default_factory=set)

    async def provision(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the tables and queues."""
        for name, text in self.environment.items():
            monkeypatch.setenv(name, text)
        await provision(read_settings(self.environment))

    def launch(self, module: str, **changes: str) -> Process:
        """Start a process and do not wait for anything."""
        log = self.folder / f"{module}-{len(self.processes)}.log"
        command = (PYTHON, "-m", module)
        environment = own_environment(self.environment, changes)
        process = self.stack.enter_context(running(command, environment, log))
        self.processes.append(process)
        return process

    def launch_app(self, **changes: str) -> App:
        """Start an `app` on a port of its own."""
        port = str(free_port())
        process = self.launch("app", TRIGGERS_API_PORT=port, **changes)
        return App(process=process, url=f"http://{HOST}:{port}")

    async def start_app(self, **changes: str) -> App:
        """Start an `app` and wait until it is ready."""
        app = self.launch_app(**changes)
        await app.process.says("ready")
        return app

    async def start_worker(self, **changes: str) -> Process:
        """Start a worker and wait until it is ready."""
        worker = self.launch("worker", **changes)
        await worker.says("ready")
        return worker

    async def make_producer(
        self, app: App, path: str = "/", *, tier: str = "free", **webhook: Any
    ) -> Producer:
        """Make a tenant with a webhook to a path of the receiver."""
        wanted = {"name": "Acme", "tier": tier}
        tenant = await self.create(app, "/v1/tenants", OPERATOR_KEY, wanted)
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        content = {"url": self.receiver.url(path), "secret": secret, "timeout_seconds": 2}
        await self.create(app, "/v1/webhooks", tenant["key"], content | webhook)
        self.secret_texts |= {tenant["key"], secret}
        return Producer(key=tenant["key"], path=path, secret=secret)

    async def create(self, app: App, path: str, key: str, content: dict[str, Any]) -> Any:
        """Create something; returns the answer."""
        status, answer = await self.call(app, "POST", path, key, json.dumps(content))
        assert status == 201, answer
        return answer

    async def call(
        self, app: App, method: str, path: str, key: str, body: str | None = None
    ) -> tuple[int, Any]:
        """Call the API; returns the status and the decoded answer."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        async with self.session.request(
            method, app.url + path, data=body, headers=headers
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def send(self, app: App, producer: Producer, payload: str = '{"order": 1}') -> str:
        """Send an event; returns its id once it has been accepted."""
        body = f'{{"event_type": "order.created", "payload": {payload}}}'
        status, answer = await self.call(app, "POST", "/v1/events", producer.key, body)
        assert status == 202, (status, answer)
        event_id: str = answer["event_id"]
        return event_id

    async def send_many(self, app: App, producer: Producer, number: int) -> set[str]:
        """Send so many events at once."""
        return set(await asyncio.gather(*(self.send(app, producer) for _ in range(number))))

    async def event(self, app: App, producer: Producer, event_id: str) -> Any:
        """Return an event as the API shows it."""
        status, answer = await self.call(app, "GET", f"/v1/events/{event_id}", producer.key)
        assert status == 200, answer
        return answer

    async def settled(self, app: App, producer: Producer, event_ids: Iterable[str]) -> None:
        """Wait until the API shows these events as delivered."""
        async with asyncio.timeout(WAIT_SECONDS):
            for event_id in event_ids:
                while (await self.event(app, producer, event_id))["status"] != "delivered":
                    await asyncio.sleep(5 * POLL_SECONDS)

    async def tally(self, accepted: Iterable[str], since: float) -> Tally:
        """Wait until the receiver has taken all accepted events, and count."""
        accepted = set(accepted)
        with suppress(TimeoutError):  # then the count says what is lost
            await self.receiver.has(*accepted)
        counts = self.receiver.counts()
        return Tally(
            accepted=accepted,
            delivered=set(self.receiver.taken),
            duplicates=counts.total() - len(counts),
            recovered_seconds=time.monotonic() - since,
        )

    def assert_clean_logs(self) -> None:
        """No process may have logged an exception, or a secret."""
        for process in self.processes:
            failures = [line for line in process.log_lines if "exception" in line]
            assert not failures, failures[0]
            assert "Traceback" not in process.printed
            for text in self.secret_texts:
                assert text not in process.printed


@asynccontextmanager
async def open_deployment(
    endpoint: str, folder: Path, environment: dict[str, str]
) -> AsyncIterator[Deployment]:
    """Have a deployment without any process yet; at the end all that are left are killed."""
    own = {
        "TRIGGERS_ENVIRONMENT": "development",
        "TRIGGERS_NAME_PREFIX": own_prefix(),
        "TRIGGERS_OPERATOR_KEY": OPERATOR_KEY,
        "TRIGGERS_CURSOR_KEY": "cursor-key-of-the-tests-0123456789ab",
        "TRIGGERS_SECRETS_KEY": "secrets-key-of-the-tests-0123456789a",
        "TRIGGERS_API_HOST": HOST,
        "TRIGGERS_WORKER_HOST": HOST,
        "TRIGGERS_WORKER_PORT": "0",
        "TRIGGERS_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    with ExitStack() as stack:
        async with (
            run_receiver() as receiver,
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
        ):
            yield Deployment(
                environment=aws_environment(endpoint) | environment | own,
                receiver=receiver,
                session=session,
                folder=folder,
                stack=stack,
                secret_texts={OPERATOR_KEY},
            )
