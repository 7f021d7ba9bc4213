"""A steady load on a stack, and what came of it."""

import asyncio
import base64
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.containers.engine import Stack

CALL_SECONDS = 12.0  # the API's own deadline is 10
SETTLE_SECONDS_MAX = 120.0  # a lease of 45 s, then a sweep, on a slow emulator
POLL_SECONDS = 0.5
EVENT = json.dumps({"event_type": "order.created", "payload": {"order": 1, "total": "19.90"}})


@dataclass(kw_only=True)
class Outcome:
    """What became of a load. `refused` counts by status; 0 where there was no answer at all."""

    accepted: set[str] = field(default_factory=set)
    refused: Counter[int] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    seconds: float = 0

    @property
    def lost(self) -> set[str]:
        """What was accepted and did not arrive."""
        return self.accepted - self.received.keys()

    @property
    def repeated(self) -> int:
        """How many arrivals were not the first of their event."""
        return self.received.total() - len(self.received)

    def __str__(self) -> str:
        refused = ", ".join(f"{n} × {status or 'no answer'}" for status, n in self.refused.items())
        return (
            f"accepted={len(self.accepted)} lost={len(self.lost)} repeated={self.repeated}"
            f" refused={refused or 0}, all settled {self.seconds:.1f} s after the last was sent"
        )


class Producer:
    """A tenant whose one webhook goes to a path of the example receiver that is its own."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession, key: str, path: str) -> None:
        self._stack = stack
        self._session = session
        self.key = key
        self._path = path

    async def send(self, outcome: Outcome) -> None:
        """Send an event once, and note what was answered."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        url = f"{self._stack.api}/v1/events"
        try:
            async with self._session.post(url, data=EVENT, headers=headers) as answer:
                if answer.status == 202:
                    outcome.accepted.add((await answer.json())["event_id"])
                else:
                    outcome.refused[answer.status] += 1
        except (aiohttp.ClientError, TimeoutError):
            outcome.refused[0] += 1

    async def load(self, number: int, per_second: float) -> Outcome:
        """Send by a schedule that waits for no answer; return when all has settled, or time is up."""
        outcome, began = Outcome(), time.monotonic()
        async with asyncio.TaskGroup() as sending:
            for position in range(number):
                await asyncio.sleep(began + position / per_second - time.monotonic())
                sending.create_task(self.send(outcome))
        sent = time.monotonic()
        while not await self.has_settled() and time.monotonic() - sent < SETTLE_SECONDS_MAX:
            await asyncio.sleep(POLL_SECONDS)
        outcome.seconds = time.monotonic() - sent
        outcome.received = await self.received()
        return outcome

    async def has_settled(self) -> bool:
        """Tell whether nothing is left to deliver: then nothing will come a second time either."""
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self._stack.api}/v1/inbox?limit=1"
        async with self._session.get(url, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return not (await answer.json())["events"]

    async def received(self) -> Counter[str]:
        """Return how often each event came in."""
        async with self._session.get(f"{self._stack.receiver}/requests") as answer:
            requests: list[dict[str, Any]] = await answer.json()
        return Counter(
            request["headers"]["webhook-id"]
            for request in requests
            if request["path"] == self._path
        )


@asynccontextmanager
async def producing(stack: Stack, delay_seconds: float = 0) -> AsyncIterator[Producer]:
    """Have a fresh tenant, whose receiver takes so long to answer."""
    path = f"/hook?delay={delay_seconds}&producer={secrets.token_hex(4)}"
    timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def create(what: str, key: str, content: dict[str, Any]) -> Any:
            headers = {"Authorization": f"Bearer {key}"}
            url = f"{stack.api}/v1/{what}"
            async with session.post(url, json=content, headers=headers) as answer:
                assert answer.status == 201, await answer.text()
                return await answer.json()

        tenant = await create("tenants", stack.operator_key, {"name": "load", "tier": "free"})
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        await create("webhooks", tenant["key"], {"url": stack.hook + path, "secret": secret})
        yield Producer(stack, session, tenant["key"], path)
