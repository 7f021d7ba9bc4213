"""The limit of calls with real processes: two share one, and a flood by one tenant is its own alone."""

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.deployment import OPERATOR_KEY, SHORT_TIMES, UNMEASURED, App, Deployment

FREE_PER_SECOND, FREE_BURST = 100, 200
SHARED_SECONDS = 3.0
CALLERS = 10  # of each app; together they ask for several times the limit
PAUSE_SECONDS = 0.03  # in the mean
SHARE_OFF_MAX = 0.1

FLOOD_CALLERS = 10
ROUNDS = 12  # quiet and flooded by turns, for the machine may change meanwhile
CALLS_A_ROUND = 12
TIMES_MAX = 3.0  # of the median without a flood
SLACK_SECONDS = 0.02  # of a machine that does other things


async def make_tenant(deployment: Deployment, app: App) -> str:
    """Make a tenant of the free tier; returns its key."""
    tenant = await deployment.create(app, "/v1/tenants", OPERATOR_KEY, {"name": "Acme"})
    key: str = tenant["key"]
    deployment.secret_texts.add(key)
    return key


async def call_until(
    deployment: Deployment, app: App, key: str, ended: Callable[[], bool]
) -> Counter[int]:
    """Call again and again with a pause, no two callers in step; returns how often each status came."""
    statuses: Counter[int] = Counter()
    await asyncio.sleep(PAUSE_SECONDS * random.random())
    while not ended():
        status, _ = await deployment.call(app, "GET", "/v1/keys", key)
        statuses[status] += 1
        await asyncio.sleep(2 * PAUSE_SECONDS * random.random())
    return statuses


@pytest.mark.parametrize("deployment", [SHORT_TIMES | UNMEASURED], indirect=True, ids=[""])
async def test_F73_two_apps_share_the_limit_of_a_tenant(
    deployment: Deployment, say: Callable[[object], None]
) -> None:
    apps = await asyncio.gather(deployment.start_app(), deployment.start_app())
    key = await make_tenant(deployment, apps[0])
    started = time.monotonic()

    def ended() -> bool:
        return time.monotonic() - started >= SHARED_SECONDS

    counts = await asyncio.gather(
        *(call_until(deployment, app, key, ended) for app in apps for _ in range(CALLERS))
    )
    seconds = time.monotonic() - started

    statuses = sum(counts, Counter[int]())
    allowed = FREE_BURST + FREE_PER_SECOND * seconds
    say(
        f"{statuses[200]} of {statuses.total()} let in within {seconds:.1f} s, {allowed:.0f} allowed"
    )
    assert set(statuses) == {200, 429}
    assert statuses[200] == pytest.approx(allowed, rel=SHARE_OFF_MAX)


@pytest.mark.parametrize("deployment", [SHORT_TIMES | UNMEASURED], indirect=True, ids=[""])
async def test_F73_a_flood_by_one_producer_is_429_for_it_alone_and_slows_down_nobody(
    deployment: Deployment, say: Callable[[object], None]
) -> None:
    app = await deployment.start_app()
    flooding, steady = [await make_tenant(deployment, app) for _ in range(2)]
    seconds: dict[bool, list[float]] = {False: [], True: []}
    flood: Counter[int] = Counter()

    async def measure(*, is_flooded: bool) -> None:
        for _ in range(CALLS_A_ROUND):
            before = time.perf_counter()
            status, answer = await deployment.call(app, "GET", "/v1/keys", steady)
            seconds[is_flooded].append(time.perf_counter() - before)
            assert status == 200, answer
            await asyncio.sleep(PAUSE_SECONDS / 3)

    async def measure_flooded() -> None:
        measured = asyncio.create_task(measure(is_flooded=True))
        counts = await asyncio.gather(
            *(call_until(deployment, app, flooding, measured.done) for _ in range(FLOOD_CALLERS))
        )
        await measured
        flood.update(sum(counts, Counter[int]()))

    while flood[429] == 0:  # until what it may do at once is used up
        await measure_flooded()
    seconds[True].clear()
    for _ in range(ROUNDS):
        await measure(is_flooded=False)
        await measure_flooded()

    alone, flooded = (statistics.median(seconds[is_flooded]) for is_flooded in (False, True))
    say(
        f"p50 alone {alone * 1000:.1f} ms, beside a flood {flooded * 1000:.1f} ms; flood: {dict(flood)}"
    )
    assert set(flood) == {200, 429}
    assert flooded < TIMES_MAX * alone + SLACK_SECONDS
