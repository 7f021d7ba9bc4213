"""Two `app` and two `worker`: a change by one `app` is in force in every process when its call returns."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from tests.deployment import OPERATOR_KEY, App, Deployment, Producer
from tests.processes import Process
from tests.receiver import Received
from triggers.ids import tenant_of_key

EVENTS_MAX = 100  # of each look: either worker has taken some long before


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A tenant that changes things over one `app`, and uses them at once over the other."""

    deployment: Deployment
    changing: App
    using: App
    workers: tuple[Process, Process]
    producer: Producer

    async def change(self, method: str, path: str, **content: Any) -> Any:
        """Change something; returns the answer."""
        body = json.dumps(content) if content else None
        key = self.producer.key
        status, answer = await self.deployment.call(self.changing, method, path, key, body)
        assert 200 <= status <= 299, answer
        return answer

    async def use(self, key: str) -> int:
        """Read the inbox with a key; returns the status."""
        status, _ = await self.deployment.call(self.using, "GET", "/v1/inbox", key)
        return status

    async def receive(self) -> dict[str, list[Received]]:
        """Send events until both workers have delivered some; return what came of them by path.

        Whatever path has got one must have got each, once.
        """
        sent: set[str] = set()
        while not all(self._events_of(worker) & sent for worker in self.workers):
            assert len(sent) < EVENTS_MAX, "one worker takes all"
            event_id = await self.deployment.send(self.using, self.producer)
            sent.add(event_id)
            while not await self._is_settled(event_id):
                await asyncio.sleep(0.02)
        received: dict[str, list[Received]] = {}
        for request in self.deployment.receiver.requests:
            if request.event_id in sent:
                received.setdefault(request.path, []).append(request)
        for requests in received.values():
            assert sorted(request.event_id for request in requests) == sorted(sent)
        return received

    def _events_of(self, worker: Process) -> set[str]:
        return {line["event_id"] for line in worker.said("attempt")}

    async def _is_settled(self, event_id: str) -> bool:
        event = await self.deployment.event(self.using, self.producer, event_id)
        statuses = {delivery["status"] for delivery in event["deliveries"]}
        return bool(statuses) and "pending" not in statuses


async def change_webhooks(pair: Pair) -> None:
    """Change webhooks in every way, and see where the events after it arrive."""

    async def paths() -> set[str]:
        return set(await pair.receive())

    url = pair.deployment.receiver.url
    assert await paths() == {"/one"}
    made = await pair.change("POST", "/v1/webhooks", url=url("/two"))
    path = f"/v1/webhooks/{made['webhook_id']}"
    assert await paths() == {"/one", "/two"}
    await pair.change("PATCH", path, url=url("/three"))
    assert await paths() == {"/one", "/three"}
    await pair.change("PATCH", path, enabled=False)
    assert await paths() == {"/one"}
    await pair.change("PATCH", path, enabled=True)
    assert await paths() == {"/one", "/three"}
    rotated = await pair.change("POST", path + "/rotate-secret")
    for request in (await pair.receive())["/three"]:
        request.verify(rotated["secret"])
    await pair.change("DELETE", path)
    assert await paths() == {"/one"}


async def change_keys(pair: Pair) -> None:
    """Change a key in every way, at last by deleting its tenant, and see what it opens."""
    own, deployment = pair.producer.key, pair.deployment
    made = await pair.change("POST", "/v1/keys", name="x", scopes=["inbox"])
    path, key = f"/v1/keys/{made['key_id']}", made["key"]
    assert await pair.use(key) == 200
    await pair.change("PATCH", path, scopes=["events:read"])
    assert await pair.use(key) == 403
    await pair.change("PATCH", path, scopes=["inbox"])
    assert await pair.use(key) == 200
    await pair.change("PATCH", path, allowed_cidrs=["192.0.2.0/24"])
    assert await pair.use(key) == 403
    await pair.change("PATCH", path, allowed_cidrs=None)
    rotated = await pair.change("POST", path + "/rotate", overlap_seconds=0)
    assert [await pair.use(key), await pair.use(rotated["key"])] == [401, 200]
    await pair.change("DELETE", path)
    assert [await pair.use(rotated["key"]), await pair.use(own)] == [401, 200]
    path = f"/v1/tenants/{tenant_of_key(own.split('_')[1])}"
    status, _ = await deployment.call(pair.changing, "DELETE", path, OPERATOR_KEY)
    assert [status, await pair.use(own)] == [204, 401]


async def test_every_change_is_in_force_in_both_apps_and_workers_when_its_call_returns(
    deployment: Deployment,
) -> None:
    changing, using, first, second = await asyncio.gather(
        deployment.start_app(),
        deployment.start_app(),
        deployment.start_worker(),
        deployment.start_worker(),
    )
    pairs = [
        Pair(
            deployment=deployment,
            changing=changing,
            using=using,
            workers=(first, second),
            producer=await deployment.make_producer(changing, "/one"),
        )
        for _ in range(2)
    ]
    await asyncio.gather(change_webhooks(pairs[0]), change_keys(pairs[1]))
