"""With SQS unreachable for the whole test: everything starts, is accepted as fast, and arrives by the sweeper."""

import asyncio
import statistics
import time
from collections.abc import Callable

import pytest

from infra.local.loopback import HOST, free_port
from tests.deployment import SHORT_TIMES, UNMEASURED, App, Deployment

ROUNDS = 40
SHARE_MAX = 1.5  # of the median with SQS
SLACK_SECONDS = 0.003  # of a machine that does other things


@pytest.mark.parametrize("deployment", [SHORT_TIMES | UNMEASURED], indirect=True, ids=[""])
async def test_F40_without_sqs_events_are_accepted_as_fast_and_arrive_by_the_sweeper(
    deployment: Deployment, say: Callable[[object], None]
) -> None:
    away = {"AWS_ENDPOINT_URL_SQS": f"http://{HOST}:{free_port()}"}
    started = time.monotonic()
    with_sqs, without_sqs, _ = await asyncio.gather(
        deployment.start_app(),
        deployment.start_app(**away),
        deployment.start_worker(**away),
    )
    producer = await deployment.make_producer(without_sqs)
    seconds: dict[str, list[float]] = {with_sqs.url: [], without_sqs.url: []}

    async def measure(app: App) -> str:
        before = time.perf_counter()
        event_id = await deployment.send(app, producer)
        seconds[app.url].append(time.perf_counter() - before)
        return event_id

    accepted = [await measure(app) for _ in range(ROUNDS) for app in (with_sqs, without_sqs)]
    there, gone = (statistics.median(seconds[app.url]) for app in (with_sqs, without_sqs))
    tally = await deployment.tally(accepted, started)
    say(f"{tally} p50 with SQS {there * 1000:.1f} ms, without {gone * 1000:.1f} ms")
    assert not tally.lost
    assert tally.duplicates == 0
    assert gone < SHARE_MAX * there + SLACK_SECONDS
