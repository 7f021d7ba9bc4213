"""The example of every problem: curl sends it word for word, and gets the document that is shown."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from uvicorn.server import ServerState

from app.problems.kinds import example_answer
from app.problems.table import PROBLEMS
from app.protocol import Protocol
from app.server import config_of
from tests.factories import make_key, make_webhook
from tests.unit.app.api import Api, running_api, with_key
from triggers.api_keys import Scope
from triggers.errors import StoreRefused, StoreUnavailable
from triggers.replays import REPLAYS_MAX
from triggers.webhooks import WEBHOOKS_MAX

BODY_SECONDS = 0.7
_ID = re.compile(r"\b(evt|job|wh)_[0-9A-Z]+")

State = Callable[[Api], Awaitable[str | None]]
"""Brings about what an example says is given; returns the id that its own stands for, if any."""


async def with_webhook(api: Api) -> str:
    return next(iter(api.resources.control.views[api.tenant.tenant_id].webhooks))


def keep(api: Api, **values: object) -> None:
    """Change what the tenant has."""
    view = api.resources.control.views[api.tenant.tenant_id]
    api.resources.control.keep(replace(view, version=view.version + 1, **values))


async def change_key(api: Api, **values: object) -> None:
    key, api.key = make_key(api.tenant.tenant_id, **values)
    keep(api, keys={key.key_id: key})


async def send_with_key(api: Api) -> str:
    body = '{"event_type": "order.created", "payload": {"order": 1}}'
    answer = await api.post("/v1/events", body, **{"idempotency-key": "order-1-created"})
    return str(answer.json()["event_id"])


async def delete_the_event_of_a_key(api: Api) -> None:
    await api.client.delete(f"/v1/events/{await send_with_key(api)}")


async def acknowledge(api: Api) -> str:
    event_id = await api.accept()
    await api.client.post(f"/v1/events/{event_id}/ack")
    return event_id


async def fill_up_webhooks(api: Api) -> None:
    webhooks = [make_webhook() for _ in range(WEBHOOKS_MAX)]
    keep(api, webhooks={webhook.webhook_id: webhook for webhook in webhooks})


async def send_without_webhooks(api: Api) -> str:
    keep(api, webhooks={})
    return await api.accept()


async def recover(api: Api) -> str:
    webhook_id = await with_webhook(api)
    await api.post(f"/v1/webhooks/{webhook_id}/recover", '{"since": "2026-11-21T00:00:00Z"}')
    return webhook_id


async def replay_often(api: Api) -> str:
    event_id = await api.accept()
    for _ in range(REPLAYS_MAX):
        await api.client.post(f"/v1/events/{event_id}/replay")
    return event_id


async def disable(api: Api) -> str:
    webhook_id = await with_webhook(api)
    await api.client.patch(f"/v1/webhooks/{webhook_id}", json={"enabled": False})
    return webhook_id


async def call_often(api: Api) -> None:
    while (await api.client.get("/v1/keys")).status_code != 429:
        pass


async def fail(api: Api) -> None:
    api.resources.events.failing = StoreRefused("PutItem")


async def fail_in_passing(api: Api) -> None:
    api.resources.events.failing = StoreUnavailable("PutItem")


STATES: dict[str, State] = {
    "signature_invalid": lambda api: change_key(api, require_signature=True),
    "forbidden": lambda api: change_key(api, scopes=(Scope.EVENTS_WRITE,)),
    "conflict": delete_the_event_of_a_key,
    "already_acknowledged": acknowledge,
    "limit_reached": fill_up_webhooks,
    "no_webhook": send_without_webhooks,
    "recovery_running": recover,
    "replay_limit_reached": replay_often,
    "webhook_disabled": disable,
    "precondition_failed": with_webhook,
    "idempotency_mismatch": send_with_key,
    "rate_limited": call_often,
    "internal_error": fail,
    "unavailable": fail_in_passing,
}


@asynccontextmanager
async def served(api: Api) -> AsyncIterator[str]:
    """Serve the API on a socket; returns its address."""
    config = config_of(api.app, api.settings)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def run(command: str, folder: Path, **variables: str) -> bytes:
    """Run a command of the shell; returns what it prints."""
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", command.replace("curl", "curl --silent --max-time 20", 1)),
        cwd=folder,
        env=os.environ | variables,
        stdout=asyncio.subprocess.PIPE,
    )
    return (await process.communicate())[0]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there to send the examples")
@pytest.mark.parametrize("code", PROBLEMS)
async def test_the_example_of_a_problem_gets_the_answer_that_is_shown(
    code: str, tmp_path: Path
) -> None:
    event = {"event_type": "order.created", "payload": "x" * (500_000 - 2)}
    tmp_path.joinpath("large.json").write_text(json.dumps(event))
    tmp_path.joinpath("headers.txt").write_text("X-Note: " + "x" * (40_000 - 8))
    problem = PROBLEMS[code]
    async with running_api(body_seconds=BODY_SECONDS) as api, served(api) as address:
        state = STATES.get(code)
        name = None if state is None else await state(api)
        api.client.headers.update(with_key(api.key))
        curl = problem.example.curl if name is None else _ID.sub(name, problem.example.curl)
        answered = json.loads(await run(curl, tmp_path, API=address, KEY=api.key))
    told = json.loads(msgspec.json.encode(example_answer(code, problem)))
    told["detail"] = told["detail"].replace("15 seconds", f"{BODY_SECONDS} seconds")
    for document in (told, answered):
        del document["request_id"], document["correlation_id"]
        document["detail"] = _ID.sub(r"\1_…", document["detail"])
    assert answered == told
