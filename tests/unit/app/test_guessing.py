"""Guessing keys: it is slowed down by address, and costs the store nothing."""

from typing import Any

import httpx
import pytest

from app.failed_attempts import FAILURES_MAX
from tests.factories import make_key, make_settings, make_tenant
from tests.unit.app.api import Api, running_api, with_key

BALANCED: dict[str, Any] = {"trusted_proxies": "127.0.0.0/8", "control_age_max_seconds": 60}


def made_up() -> str:
    return make_key(make_tenant().tenant_id)[1]


async def call(api: Api, key: str, forwarded: str | None = None) -> httpx.Response:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return await api.client.get("/v1/inbox", headers=with_key(key) | headers)


async def guess(api: Api, forwarded: str | None = None) -> None:
    for number in range(FAILURES_MAX):
        wrong = made_up() if number % 2 else "trg_x"
        assert (await call(api, wrong, forwarded)).status_code == 401


async def test_who_guesses_too_often_has_to_wait_and_costs_the_store_nothing() -> None:
    async with running_api(control_age_max_seconds=60) as api:
        assert (await call(api, api.key)).status_code == 200
        await guess(api)
        calls = api.resources.control.calls.copy()
        of_this_tenant = make_key(api.tenant.tenant_id)[1]
        for wrong in (made_up(), "trg_x", of_this_tenant, make_settings().operator_key + "x"):
            answer = await call(api, wrong)
            assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
            assert answer.headers["retry-after"] == "2"
        assert api.resources.control.calls == calls
        api.clock.advance(2)
        assert (await call(api, made_up())).status_code == 401


async def test_a_good_key_passes_when_its_tenant_is_known_and_else_has_to_wait_too() -> None:
    async with running_api(control_age_max_seconds=60) as api:
        _, unknown = api.add_tenant()
        assert (await call(api, api.key)).status_code == 200
        await guess(api)
        assert (await call(api, api.key)).status_code == 200
        assert (await call(api, unknown)).status_code == 429
        api.clock.advance(2)
        assert (await call(api, unknown)).status_code == 200


async def test_each_address_behind_the_balancer_has_its_own_attempts() -> None:
    async with running_api(**BALANCED) as api:
        await guess(api, "198.51.100.1, 203.0.113.7")
        assert (await call(api, made_up(), "198.51.100.2, 203.0.113.7")).status_code == 429
        assert (await call(api, made_up(), "203.0.113.7, 203.0.113.8")).status_code == 401
        assert (await call(api, api.key, "203.0.113.9")).status_code == 200


@pytest.mark.parametrize(
    ("settings", "forwarded"), [({}, "203.0.113.7"), (BALANCED, "203.0.113.7, unknown")]
)
async def test_a_balancer_that_nobody_named_is_not_taken_for_one_guesser(
    settings: dict[str, Any], forwarded: str
) -> None:
    async with running_api(**settings) as api:
        await guess(api, forwarded)
        assert (await call(api, made_up(), forwarded)).status_code == 401
        assert (await call(api, api.key, forwarded)).status_code == 200


async def test_no_key_at_all_is_no_guess(api: Api) -> None:
    del api.client.headers["authorization"]
    for _ in range(FAILURES_MAX + 1):
        assert (await api.client.get("/v1/inbox")).status_code == 401
