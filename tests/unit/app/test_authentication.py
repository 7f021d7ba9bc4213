"""Who may do what: keys of every kind, scopes of every route, and the walls between tenants."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from litestar.routes import HTTPRoute

from app.authentication import authenticate, authorise
from app.context import Caller
from app.dependencies import domain_of
from app.main import VERSIONED
from app.operations import describe, operation_of
from tests.factories import make_key, make_settings, make_tenant
from tests.unit.app.api import Api, running_api, with_key
from triggers.api_keys import Scope
from triggers.errors import StoreUnavailable, Unauthenticated
from triggers.tenants import TenantView

OPERATOR_KEY = make_settings().operator_key


def routes() -> Iterator[tuple[str, str, Scope]]:
    """Yield every versioned route: its method, its path, and the scope that it names."""
    for handler in VERSIONED:
        operation = operation_of(handler.opt)
        assert operation is not None
        assert operation.scope is not None, f"{handler} is open"
        for path in handler.paths:
            for method in handler.http_methods:
                yield method, "/v1" + path, operation.scope


ROUTES = sorted(routes())
EXPECTED_SCOPES = {
    "POST /v1/events": Scope.EVENTS_WRITE,
    "GET /v1/events": Scope.EVENTS_READ,
    "POST /v1/events/bulk": Scope.EVENTS_WRITE,
    "POST /v1/events/bulk/ack": Scope.INBOX,
    "DELETE /v1/events/bulk": Scope.EVENTS_WRITE,
    "GET /v1/events/{event_id:str}": Scope.EVENTS_READ,
    "DELETE /v1/events/{event_id:str}": Scope.EVENTS_WRITE,
    "GET /v1/events/{event_id:str}/attempts": Scope.EVENTS_READ,
    "POST /v1/events/{event_id:str}/ack": Scope.INBOX,
    "POST /v1/events/{event_id:str}/acknowledge": Scope.INBOX,
    "POST /v1/events/{event_id:str}/replay": Scope.EVENTS_WRITE,
    "GET /v1/inbox": Scope.INBOX,
    "POST /v1/webhooks": Scope.WEBHOOKS,
    "POST /v1/webhooks/{webhook_id:str}/enable": Scope.WEBHOOKS,
    "POST /v1/webhooks/{webhook_id:str}/recover": Scope.WEBHOOKS,
    "GET /v1/jobs/{job_id:str}": Scope.WEBHOOKS,
    "GET /v1/webhooks": Scope.WEBHOOKS,
    "GET /v1/webhooks/{webhook_id:str}": Scope.WEBHOOKS,
    "DELETE /v1/webhooks/{webhook_id:str}": Scope.WEBHOOKS,
    "PATCH /v1/webhooks/{webhook_id:str}": Scope.WEBHOOKS,
    "GET /v1/webhooks/{webhook_id:str}/secret": Scope.WEBHOOKS,
    "POST /v1/webhooks/{webhook_id:str}/rotate-secret": Scope.WEBHOOKS,
    "POST /v1/webhooks/{webhook_id:str}/test": Scope.WEBHOOKS,
    "GET /v1/webhooks/{webhook_id:str}/attempts": Scope.WEBHOOKS,
    "POST /v1/keys": Scope.KEYS,
    "GET /v1/keys": Scope.KEYS,
    "GET /v1/keys/{key_id:str}": Scope.KEYS,
    "PATCH /v1/keys/{key_id:str}": Scope.KEYS,
    "POST /v1/keys/{key_id:str}/rotate": Scope.KEYS,
    "DELETE /v1/keys/{key_id:str}": Scope.KEYS,
    "GET /v1/audit": Scope.KEYS,
    "POST /v1/tenants": Scope.ADMIN,
    "GET /v1/tenants": Scope.ADMIN,
    "GET /v1/tenants/{tenant_id:str}": Scope.ADMIN,
    "PATCH /v1/tenants/{tenant_id:str}": Scope.ADMIN,
    "DELETE /v1/tenants/{tenant_id:str}": Scope.ADMIN,
    "POST /v1/tenants/{tenant_id:str}/keys": Scope.ADMIN,
}


def test_every_route_names_the_scope_that_the_contract_gives_it() -> None:
    assert {f"{method} {path}": scope for method, path, scope in ROUTES} == EXPECTED_SCOPES


def test_a_route_that_names_no_scope_is_closed() -> None:
    caller = Caller(actor="key", scopes=tuple(Scope))
    for opt in ({}, describe(tag="Events", summary="Do anything")):
        with pytest.raises(RuntimeError, match="names no scope"):
            authorise(caller, {"route_handler": SimpleNamespace(opt=opt)})


async def test_every_versioned_path_but_health_is_behind_the_authentication(api: Api) -> None:
    litestar = api.app._inner
    paths = {
        route.path_format
        for route in litestar.routes  # type: ignore[attr-defined]
        if isinstance(route, HTTPRoute) and route.path.startswith("/v1/")
    }
    known = {path.replace(":str", "") for _, path, _ in ROUTES}
    assert paths == known | {"/v1/health"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "{key}"},
        {"authorization": "Basic {key}"},
        {"authorization": "Token {key}"},
        {"authorization": "Bearer{key}"},
        {"authorization": "Bearer {key} x"},
        {"authorization": "Bearer {key},"},
        {"authorization": "Bearer\t{key}"},
        {"x-api-key": ""},
        {"x-api-key": "Bearer {key}"},
        {"x-api-key": "x" * 10_240},
        {"authorization": "Bearer " + "x" * 10_240},
        {"authorization": "Bearer {key}", "x-api-key": "other"},
        {"authorization": "Bearer", "x-api-key": "{key}"},
        {"x-api-key": "é"},
    ],
)
async def test_B60_a_request_without_one_good_key_is_unauthenticated(
    api: Api, headers: dict[str, str]
) -> None:
    del api.client.headers["authorization"]
    sent = [
        (name.encode(), value.replace("{key}", api.key).encode()) for name, value in headers.items()
    ]
    answer = await api.client.get("/v1/inbox", headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert api.key not in answer.text


async def test_B60_two_different_keys_are_refused_and_the_same_one_twice_is_not(api: Api) -> None:
    del api.client.headers["authorization"]
    bearer = ("authorization", f"Bearer {api.key}")
    for second in (("x-api-key", api.key), bearer):
        answer = await api.client.get("/v1/inbox", headers=[bearer, second])
        assert answer.status_code == 200
    for second in (("x-api-key", "x"), ("authorization", "Bearer x")):
        answer = await api.client.get("/v1/inbox", headers=[bearer, second])
        assert answer.status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
async def test_the_scheme_may_be_spelt_as_http_allows(api: Api, scheme: str) -> None:
    answer = await api.client.get("/v1/inbox", headers={"authorization": scheme + api.key})
    assert answer.status_code == 200


async def test_the_key_may_come_in_its_own_header(api: Api) -> None:
    del api.client.headers["authorization"]
    assert (await api.client.get("/v1/inbox", headers={"x-api-key": api.key})).status_code == 200


async def test_B61_a_key_with_a_wrong_checksum_is_refused_without_a_look_up(api: Api) -> None:
    calls = api.resources.control.calls.total()
    wrong = api.key[:-1] + ("0" if api.key[-1] != "0" else "1")
    for text in (wrong, api.key.lower(), api.key + "0", api.key[:-1]):
        answer = await api.client.get("/v1/inbox", headers=with_key(text))
        assert answer.status_code == 401
    assert api.resources.control.calls.total() == calls


async def test_a_key_whose_tenant_is_gone_is_refused(api: Api) -> None:
    tenant = make_tenant()
    key, text = make_key(tenant.tenant_id)
    api.resources.control.keep(
        TenantView(tenant_id=tenant.tenant_id, version=2, keys={key.key_id: key})
    )
    assert (await api.client.get("/v1/inbox", headers=with_key(text))).status_code == 401


async def test_a_wrong_operator_key_is_refused(api: Api) -> None:
    for text in (OPERATOR_KEY[:-1], OPERATOR_KEY + "x", OPERATOR_KEY.upper()):
        answer = await api.post("/v1/tenants", '{"name": "a"}', **with_key(text))
        assert answer.status_code == 401


async def test_an_operator_key_that_is_not_set_is_not_the_empty_text() -> None:
    async with running_api(operator_key="") as api:
        domain = domain_of(api.app._inner.state)  # type: ignore[attr-defined]
        with pytest.raises(Unauthenticated):
            await authenticate("", {"headers": []}, domain)


async def test_a_body_is_not_read_before_its_sender_is_known(api: Api) -> None:
    answer = await api.post("/v1/events", b"not json", **with_key("trg_x"))
    assert answer.status_code == 401


async def test_keys_that_cannot_be_checked_are_neither_let_in_nor_refused() -> None:
    async with running_api(control_age_max_seconds=0.001) as api:
        api.resources.control.failing = StoreUnavailable("read_version")
        await asyncio.sleep(0.002)
        answer = await api.client.get("/v1/inbox")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "headers", [{"x-api-key": ""}, {"authorization": "Bearer "}, {"authorization": ""}]
)
async def test_an_empty_key_is_told_how_to_send_one(api: Api, headers: dict[str, str]) -> None:
    del api.client.headers["authorization"]
    answer = await api.client.get("/v1/inbox", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("The key is empty")
    assert "X-API-Key: <key>" in answer.json()["detail"]
