"""A recovery as it is deployed: a worker is killed in the middle of it, and another one finishes it."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.deployment import SHORT_TIMES, UNMEASURED, App, Deployment, Producer
from tests.processes import WAIT_SECONDS, until
from tests.receiver import Received
from triggers.aws import keys
from triggers.aws.clients import open_clients
from triggers.settings import read_settings

EVENTS = 200
AT_ONCE = 50
PER_SECOND = 60
RATE = {"TRIGGERS_RECOVER_PER_SECOND": str(PER_SECOND)}


async def refuse(received: Received) -> int:
    return 500


async def all_failed(
    deployment: Deployment, app: App, producer: Producer, event_ids: set[str]
) -> None:
    """Wait until the retries of all these events are exhausted."""
    async with asyncio.timeout(2 * WAIT_SECONDS):
        for event_id in event_ids:
            while (await deployment.event(app, producer, event_id))["status"] != "failed":
                await asyncio.sleep(0.1)


async def job_of(deployment: Deployment, app: App, producer: Producer, job_id: str) -> Any:
    status, job = await deployment.call(app, "GET", f"/v1/jobs/{job_id}", producer.key)
    assert status == 200, job
    return job


async def markers(deployment: Deployment) -> int:
    """Return how many markers of failed or held deliveries there are."""
    async with open_clients(read_settings(deployment.environment)) as clients:
        answer = await clients.dynamodb.scan(TableName=clients.name(keys.BACKLOG))
    return answer["Count"]


@pytest.mark.parametrize(
    "deployment", [SHORT_TIMES | UNMEASURED | RATE], indirect=True, ids=["bounded"]
)
async def test_F71_a_recovery_outlives_its_worker_loses_nothing_and_is_no_herd(
    deployment: Deployment, say: Callable[[object], None]
) -> None:
    app, worker = await asyncio.gather(deployment.start_app(), deployment.start_worker())
    deployment.receiver.behaviours["/"] = refuse
    producer = await deployment.make_producer(app, tier="pro", retry=[1])
    accepted: set[str] = set()
    for _ in range(0, EVENTS, AT_ONCE):
        accepted |= await deployment.send_many(app, producer, AT_ONCE)
    await all_failed(deployment, app, producer, accepted)
    assert await markers(deployment) == EVENTS

    deployment.receiver.behaviours.clear()
    deployment.receiver.requests.clear()
    _, webhooks = await deployment.call(app, "GET", "/v1/webhooks", producer.key)
    [webhook] = webhooks["webhooks"]
    path = f"/v1/webhooks/{webhook['webhook_id']}/recover"
    body = json.dumps({"since": "2026-01-01T00:00:00Z"})
    status, job = await deployment.call(app, "POST", path, producer.key, body)
    assert status == 202, job
    began = time.monotonic()
    await until(lambda: len(deployment.receiver.taken) > PER_SECOND)
    worker.kill()
    assert len(deployment.receiver.taken) < EVENTS

    await deployment.start_worker()
    tally = await deployment.tally(accepted, began)
    async with asyncio.timeout(WAIT_SECONDS):
        while (job := await job_of(deployment, app, producer, job["job_id"]))[
            "status"
        ] == "running":
            await asyncio.sleep(0.1)
    say(tally)
    assert (job["status"], job["progress"]) == ("completed", 1.0)
    assert not tally.lost
    assert tally.duplicates <= 2 * PER_SECOND
    await deployment.settled(app, producer, accepted)
    assert await markers(deployment) == 0
    arrivals = [request.at for request in deployment.receiver.requests]
    in_one_second = max(sum(at <= other < at + 1 for other in arrivals) for at in arrivals)
    assert in_one_second <= 3 * PER_SECOND  # two rounds and what the kill repeats
