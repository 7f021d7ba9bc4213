"""The API does what its own document says: schemathesis makes requests of it, good and bad.

All of its checks, in all of its phases, over real `app` and `worker` processes. What it may know
beyond the document, and what it may not hold against the API, stands in schemathesis_hooks.py, each
with its reason.
"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deployment import OPERATOR_KEY, SHORT_TIMES, UNMEASURED, App, Deployment
from tests.processes import PYTHON, Process, own_environment, running

SCHEMATHESIS = Path(PYTHON).with_name("schemathesis")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SECONDS_MAX = 180.0  # on a busy machine; alone they take less than a minute
EXAMPLES_MAX = 4  # for each operation, on top of its examples and its coverage of the schema
QUICK_CHANGES = SHORT_TIMES | {
    "TRIGGERS_CONTROL_AGE_MAX_SECONDS": "0.15",
    "TRIGGERS_CONTROL_MARGIN_SECONDS": "0.01",
}
# A walk for each, and each of a tenant of its own, so that they can go side by side.
OF_TENANTS = (("Events", "Inbox"), ("Webhooks", "Jobs"), ("Keys", "Audit"))
OF_OPERATOR = ("Tenants",)
OPEN = ("Service", "Documentation")


def walk(deployment: Deployment, app: App, *options: str, key: str | None = None) -> Process:
    """Start schemathesis with a key, or without."""
    name = f"schemathesis-{len(list(deployment.folder.iterdir()))}"
    command = (str(SCHEMATHESIS), "--config-file", str(CONFIGURATION), "--no-color", "run")
    arguments = (f"{app.url}/openapi.json", "--checks", "all", *options)
    environment = {"PYTHONPATH": str(Path.cwd())} | UNMEASURED
    if key is not None:
        arguments += ("--header", f"Authorization: Bearer {key}")
        environment["OWN_KEY_ID"] = key.split("_")[1] if key.startswith("trg_") else ""
    process = running(
        (*command, *arguments), own_environment(environment), deployment.folder / f"{name}.log"
    )
    return deployment.stack.enter_context(process)


def tags(option: str, names: tuple[str, ...]) -> list[str]:
    return [part for name in names for part in (option, name)]


def requests_of(process: Process) -> int:
    """Return how many requests a walk made."""
    match = re.search(r"(\d+) generated", process.printed)
    assert match is not None, process.printed
    return int(match[1])


async def tenant_key(deployment: Deployment, app: App) -> str:
    made = await deployment.create(
        app, "/v1/tenants", OPERATOR_KEY, {"name": "Acme", "tier": "enterprise"}
    )
    key: str = made["key"]
    return key


@pytest.mark.parametrize("deployment", [QUICK_CHANGES], indirect=True)
async def test_the_api_keeps_the_promises_of_its_document(
    deployment: Deployment, say: Callable[[object], None]
) -> None:
    app = await deployment.start_app()
    await deployment.start_worker()
    fuzzed = ("--max-examples", str(EXAMPLES_MAX))
    walks: dict[tuple[str, ...], Process] = {
        names: walk(
            deployment,
            app,
            *fuzzed,
            *tags("--include-tag", names),
            key=await tenant_key(deployment, app),
        )
        for names in OF_TENANTS
    }
    # Nothing there leads on to anything else.
    unlinked = (*fuzzed, "--phases", "examples,coverage,fuzzing")
    operator = tags("--include-tag", OF_OPERATOR)
    walks[OF_OPERATOR] = walk(deployment, app, *fuzzed, *operator, key=OPERATOR_KEY)
    walks[OPEN] = walk(deployment, app, *unlinked, *tags("--include-tag", OPEN))
    # Everything behind a key, without one: nothing but refusals, and that is what they warn of.
    refused = ("--phases", "examples", "--warnings", "off", *tags("--exclude-tag", OPEN))
    walks["without a key",] = walk(deployment, app, *refused)
    codes = await asyncio.gather(*(process.end(SECONDS_MAX) for process in walks.values()))
    for code, process in zip(codes, walks.values(), strict=True):
        assert code == 0, process.printed
    say({" ".join(names): requests_of(process) for names, process in walks.items()})
