"""Large bodies together take a bounded part of the memory, and no tenant all of it (F19)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.body_budget import LARGE_BYTES, BodyBudget, BodyHold
from app.dependencies import domain_of
from tests.unit.app.api import Api, running_api, with_key
from triggers.errors import Overloaded

PIECE = b'{"event_type": "a", "payload": "' + b"x" * 100_000
REST = b'"}'
ROOM: dict[str, Any] = {
    "bodies_bytes_max": 1_000_000,
    "bulk_bytes_max": 250_000,
    "payload_bytes_max": 200_000,
}


def test_a_tenant_gets_a_quarter_and_all_together_the_whole() -> None:
    budget = BodyBudget(LARGE_BYTES * 8)
    holds = [BodyHold(budget, f"ten_{number}") for number in range(5)]
    for hold in holds[:4]:
        hold.grow_to(LARGE_BYTES)
        hold.grow_to(LARGE_BYTES + 1)
        hold.grow_to(LARGE_BYTES * 2)
        with pytest.raises(Overloaded):
            hold.grow_to(LARGE_BYTES * 2 + 1)
    with pytest.raises(Overloaded):
        holds[4].grow_to(LARGE_BYTES + 1)
    holds[4].grow_to(LARGE_BYTES)  # a small one is not counted
    for hold in holds:
        hold.release()
        hold.release()
    assert budget.held_bytes == 0


async def test_F19_slow_large_bodies_are_shed_for_their_tenant_alone_until_there_is_room() -> None:
    async with running_api(**ROOM) as api:
        _, other = api.add_tenant()
        inner: Any = api.app._inner
        budget = domain_of(inner.state).body_budget
        go_on = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            slow = [group.create_task(_upload(api, go_on, api.key)) for _ in range(2)]
            while budget.held_bytes < 2 * len(PIECE):
                await asyncio.sleep(0)
            go_on_at_once = asyncio.Event()
            go_on_at_once.set()
            shed = await _upload(api, go_on_at_once, api.key)
            assert (shed.status_code, shed.json()["code"]) == (503, "unavailable")
            assert shed.headers["retry-after"] == "1"
            assert (await _upload(api, go_on_at_once, other)).status_code == 202
            await api.accept()  # a small one passes
            go_on.set()
        assert [task.result().status_code for task in slow] == [202, 202]
        assert budget.held_bytes == 0
        assert (await _upload(api, go_on, api.key)).status_code == 202


async def _upload(api: Api, go_on: asyncio.Event, key: str) -> httpx.Response:
    async def body() -> AsyncIterator[bytes]:
        yield PIECE
        await go_on.wait()
        yield REST

    headers = {"content-type": "application/json"} | with_key(key)
    return await api.client.post("/v1/events", content=body(), headers=headers)
