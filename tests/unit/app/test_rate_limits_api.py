"""The limit of calls as callers see it: headers on every answer, and 429 beyond it."""

import asyncio
import secrets
from typing import Any

import httpx
import pytest
from litestar.connection import ASGIConnection
from msgspec.structs import replace

from app.context import Caller, make_context, put_context
from app.rate_limiting import admit
from tests.factories import NOW_MS, make_key, make_tenant, make_view
from tests.unit.app.api import Api, with_key
from triggers.api_keys import Scope
from triggers.errors import RateLimited, StoreUnavailable
from triggers.rate_limits import RateLimit
from triggers.tenants import Tier

NAMES = ("Limit", "Remaining", "Reset")


def told(answer: httpx.Response) -> tuple[int, int, int]:
    """Return what the headers say, and that both spellings say the same."""
    plain, prefixed = (
        tuple(int(answer.headers[f"{prefix}RateLimit-{name}"]) for name in NAMES)
        for prefix in ("", "X-")
    )
    assert plain == prefixed
    limit, remaining, reset = plain
    return limit, remaining, reset


async def use_up(api: Api, key: str) -> httpx.Response:
    """Call until a call is refused; returns that answer."""
    async with asyncio.timeout(20):
        while (answer := await api.client.get("/v1/keys", headers=with_key(key))).is_success:
            pass
    return answer


def add_tenant(api: Api, *scopes: Scope, **limit: Any) -> str:
    """Add a tenant with a limit of its own; returns its key."""
    own = RateLimit(**({"per_second": 5, "burst": 10} | limit))
    return api.add_tenant(*scopes, tier=Tier.ENTERPRISE, rate_limit=own)[1]


async def test_every_answer_to_a_key_says_how_the_caller_stands(api: Api) -> None:
    assert told(await api.client.get("/v1/keys")) == (100, 100, 0)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/events", '{"event_type": "a", "payload": 1}', 202),
        ("POST", "/v1/events", "{", 400),
        ("GET", "/v1/events/evt_none", None, 404),
        ("DELETE", "/v1/inbox", None, 405),
        ("HEAD", "/v1/inbox", None, 200),
        ("POST", "/v1/tenants", '{"name": "x"}', 403),
    ],
)
async def test_refused_and_failed_calls_count_too_and_say_so(
    api: Api, method: str, path: str, body: str | None, status: int
) -> None:
    key = with_key(add_tenant(api, per_second=10, burst=10))
    for left in (9, 8, 7):
        answer = await api.client.request(
            method, path, content=body, headers=key | {"content-type": "application/json"}
        )
        assert answer.status_code == status
        if status != 405:  # Litestar answers that before it asks who calls
            assert told(answer) == (10, left, 1)


async def test_F73_beyond_the_limit_is_429_with_a_time_to_come_again(api: Api) -> None:
    key = add_tenant(api)
    answer = await use_up(api, key)
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "rate_limited"
    assert problem["detail"].startswith("The tenant may make 5 calls a second, 10 at once")
    assert answer.headers["retry-after"] == "1"
    limit, remaining, reset = told(answer)
    assert (limit, remaining) == (5, 0)
    assert reset >= 1

    api.clock.advance(1)
    again = await api.client.get("/v1/keys", headers=with_key(key))
    assert again.status_code == 200


async def test_F73_a_flood_by_one_tenant_is_429_for_it_alone(api: Api) -> None:
    flooding = with_key(add_tenant(api))
    codes = [(await api.client.get("/v1/keys", headers=flooding)).status_code for _ in range(60)]
    assert set(codes) == {200, 429}
    assert codes.count(200) <= 11
    assert told(await api.client.get("/v1/keys")) == (100, 100, 0)


async def test_the_items_of_a_bulk_call_count_and_more_than_ever_fit_are_told_so(api: Api) -> None:
    own = RateLimit(per_second=5, burst=10)
    tenant, _ = api.add_tenant(tier=Tier.ENTERPRISE, rate_limit=own)
    view = api.resources.control.views[tenant.tenant_id]
    scope: Any = {"type": "http", "headers": [], "litestar_app": api.app._inner}
    context = make_context(scope, secrets.randbits)
    context.caller = Caller(actor=next(iter(view.keys)), scopes=(), view=view)
    put_context(scope, context)
    connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)

    await admit(connection)
    with pytest.raises(RateLimited, match="counts as 11 and the tenant may make 10 at once"):
        await admit(connection, 10)
    await admit(connection, 9)
    await admit(connection, 0)  # of a bulk call with one item
    assert context.rate_headers[1] == (b"ratelimit-remaining", b"0")
    with pytest.raises(RateLimited, match="5 calls a second"):
        await admit(connection, 1)


async def test_a_used_up_quota_is_refused_until_midnight_in_utc(api: Api) -> None:
    key = add_tenant(api, per_day=7)
    answer = await use_up(api, key)
    seconds = 86_400 - NOW_MS // 1000 % 86_400
    assert answer.json()["detail"].startswith("The tenant may make 7 calls a day")
    assert int(answer.headers["retry-after"]) == seconds
    assert told(answer) == (5, 0, seconds)
    api.clock.advance(seconds)
    assert (await api.client.get("/v1/keys", headers=with_key(key))).status_code == 200


async def test_a_change_of_the_limit_is_in_force_with_the_view(api: Api) -> None:
    tenant, key = api.add_tenant(tier=Tier.ENTERPRISE, rate_limit=RateLimit(per_second=5, burst=10))
    await use_up(api, key)
    view = api.resources.control.views[tenant.tenant_id]
    raised = replace(tenant, rate_limit=RateLimit(per_second=500, burst=1_000, per_day=5_000))
    api.resources.control.keep(replace(view, version=2, tenant=raised))
    api.clock.advance(1)
    async with asyncio.timeout(5):
        while told(await api.client.get("/v1/keys", headers=with_key(key)))[0] != 500:
            await asyncio.sleep(0.01)


async def test_a_key_may_have_a_lower_limit_than_its_tenant(api: Api) -> None:
    tenant = make_tenant()
    key, text = make_key(tenant.tenant_id, rate_limit=3)
    api.resources.control.keep(make_view(tenant=tenant, keys=(key,)))
    answer = await api.client.get("/v1/keys", headers=with_key(text))
    assert told(answer) == (3, 3, 0)
    refused = await use_up(api, text)
    assert refused.json()["detail"].startswith("The key may make 3 calls a second, 6 at once")


async def test_the_operator_is_not_limited(api: Api) -> None:
    key = with_key(api.settings.operator_key)
    answers = [await api.client.get("/v1/keys", headers=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {403}
    assert not any("ratelimit-limit" in answer.headers for answer in answers)
    assert not api.resources.buckets.buckets


async def test_who_has_no_valid_key_is_told_nothing_and_counts_nothing(api: Api) -> None:
    for key in ("", "trg_nonsense"):
        answer = await api.client.get("/v1/keys", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 401
        assert "ratelimit-limit" not in answer.headers
    assert not api.resources.buckets.buckets


async def test_without_the_store_of_the_buckets_everybody_is_let_in(api: Api) -> None:
    api.resources.buckets.failing = StoreUnavailable("PutItem bucket")
    key = with_key(add_tenant(api))
    codes = [(await api.client.get("/v1/keys", headers=key)).status_code for _ in range(100)]
    assert set(codes) == {200}
    assert api.resources.buckets.calls["write"] < 10
