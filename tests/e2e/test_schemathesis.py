"""The API does what its own document says: schemathesis makes requests of it, good and bad.

All of its checks, in all of its phases, over real `app` and `worker` processes. What it may know
beyond the document, and what it may not hold against the API, stands in schemathesis_hooks.py, each
with its reason.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.local.settings import ROOT
from tests.deployment import OPERATOR_KEY, SHORT_TIMES, UNMEASURED, App, Deployment
from tests.processes import PYTHON, Process, own_environment, running

SCHEMATHESIS = (
    *(str(Path(PYTHON).with_name("schemathesis")), "--no-color"),
    *("--config-file", str(Path(__file__).with_name("schemathesis.toml"))),
    *("run", "--checks", "all"),
)
SECONDS_MAX = 180.0  # on a busy machine; alone they take less than a minute
EXAMPLES_MAX = 4  # for each operation, on top of its examples and its coverage of the schema
ENVIRONMENT = SHORT_TIMES | {
    "TRIGGERS_CONTROL_AGE_MAX_SECONDS": "0.15",
    "TRIGGERS_CONTROL_MARGIN_SECONDS": "0.01",
    "TRIGGERS_TRUSTED_PROXIES": "127.0.0.0/8",
}
# A walk for each, and each of a tenant of its own, so that they can go side by side.
OF_TENANTS = (("Events", "Inbox"), ("Webhooks",), ("Keys", "Audit"))
OF_OPERATOR = ("Tenants",)
OPEN = ("Service", "Documentation")


@dataclass(frozen=True, kw_only=True)
class Walks:
    """Runs of schemathesis side by side. None changes or deletes what is `spared`."""

    deployment: Deployment
    app: App
    spared: str
    processes: dict[str, Process] = field(default_factory=dict)

    def start(self, name: str, *options: str, key: str | None = None) -> None:
        """Start one, with a key or without."""
        with_key = () if key is None else ("--header", f"Authorization: Bearer {key}")
        command = (*SCHEMATHESIS, f"{self.app.url}/openapi.json", *options, *with_key)
        own = {"PYTHONPATH": str(ROOT), "SPARED": self.spared} | UNMEASURED
        log = self.deployment.folder / f"schemathesis-{len(self.processes)}.log"
        process = running(command, own_environment(own), log)
        self.processes[name] = self.deployment.stack.enter_context(process)

    async def end(self) -> dict[str, int]:
        """Wait for all, and return how many requests each made. What one found fails the test."""
        codes = await asyncio.gather(*(p.end(SECONDS_MAX) for p in self.processes.values()))
        for code, process in zip(codes, self.processes.values(), strict=True):
            assert code == 0, process.printed
        return {name: _requests_of(process) for name, process in self.processes.items()}


def _requests_of(process: Process) -> int:
    match = re.search(r"(\d+) generated", process.printed)
    assert match is not None, process.printed
    return int(match[1])


def tags(option: str, names: tuple[str, ...]) -> list[str]:
    return [part for name in names for part in (option, name)]


@pytest.mark.parametrize("deployment", [ENVIRONMENT], indirect=True)
async def test_the_api_keeps_the_promises_of_its_document(
    deployment: Deployment, say: Callable[[object], None]
) -> None:
    app = await deployment.start_app()
    await deployment.start_worker()
    tenant = {"name": "Acme", "tier": "enterprise"}
    tenants = [
        await deployment.create(app, "/v1/tenants", OPERATOR_KEY, tenant) for _ in OF_TENANTS
    ]
    for made in tenants:  # somebody to replay events to
        webhook = {"url": deployment.receiver.url("/")}
        await deployment.create(app, "/v1/webhooks", made["key"], webhook)
    spared = [part for t in tenants for part in (t["tenant_id"], t["key"].split("_")[1])]
    walks = Walks(deployment=deployment, app=app, spared=",".join(spared))
    fuzzed = ("--max-examples", str(EXAMPLES_MAX))
    for names, made in zip(OF_TENANTS, tenants, strict=True):
        walks.start(" ".join(names), *fuzzed, *tags("--include-tag", names), key=made["key"])
    walks.start("operator", *fuzzed, *tags("--include-tag", OF_OPERATOR), key=OPERATOR_KEY)
    # Nothing there leads on to anything else.
    unlinked = ("--phases", "examples,coverage,fuzzing")
    walks.start("open", *fuzzed, *unlinked, *tags("--include-tag", OPEN))
    # Everything behind a key, without one: nothing but refusals, and that is what they warn of.
    refused = ("--phases", "examples", "--warnings", "off")
    walks.start("refused", *refused, *tags("--exclude-tag", OPEN))
    say(await walks.end())
