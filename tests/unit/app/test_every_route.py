"""Walks over all routes: the walls between tenants, keys of every kind, methods and paths that are none."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.factories import make_key, make_tenant, make_view
from tests.unit.app.api import Api, with_key
from tests.unit.app.walking import (
    BEHIND_A_KEY,
    MISSING,
    OPERATOR_KEY,
    ROUTES,
    WITH_IDS,
    Route,
    assert_problem,
    name_of,
    stored,
    things_of,
)
from triggers.api_keys import TENANT_SCOPES, Scope, make_key_text

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "X-ODD")
ODD_IDS = (
    "%2e%2e%2f{}",
    "{}%2Fx",
    "{}%00",
    "{}%0a",
    "%20{}",
    "{}%23x",
    "{}%25",
    "{}%ff",
    "{}%zz",
    "%D9%A0{}",
    "x" * 8192,
    "%41" * 2730,
    "*",
)
# Ids, and which request it was, are not part of the comparison.
_OWN_WORDS = re.compile(r"(?:req|evt|wh|job|ten)_\w+")


@pytest.fixture
def api(calm_api: Api) -> Api:
    return calm_api


def shape(answer: httpx.Response, ids: dict[str, str]) -> tuple[int, str, list[str]]:
    """Return what an answer tells, but for the ids in it."""
    text = _OWN_WORDS.sub("…", answer.text).replace(ids["key_id"], "…")
    return answer.status_code, text, sorted(answer.headers)


@pytest.mark.parametrize("route", WITH_IDS, ids=name_of)
async def test_B41_another_tenants_things_are_not_found_just_like_what_is_not_there(
    api: Api, route: Route
) -> None:
    theirs = await things_of(api, api.tenant.tenant_id, api.key)
    stranger, key = api.add_tenant()
    own = await things_of(api, stranger.tenant_id, key)
    key = OPERATOR_KEY if route.operation.scope is Scope.ADMIN else key
    before = stored(api.resources)
    for name in {*route.ids, *route.ids_of_body}:
        missing = await route.call(api, own | {name: MISSING[name]}, key=key)
        if name in route.ids:
            assert_problem(missing, (404, "not_found"))
        else:
            assert '"code":"not_found"' in missing.text
        if route.operation.scope is not Scope.ADMIN:  # the operator sees every tenant
            foreign = await route.call(api, own | {name: theirs[name]}, key=key)
            assert shape(foreign, theirs) == shape(missing, MISSING)
    assert stored(api.resources) == before


def bad_keys(api: Api) -> Iterator[tuple[str, str]]:
    """Yield every kind of key that is not in force, with a name."""
    tenant = make_tenant()
    expired, text = make_key(tenant.tenant_id, expires_ms=api.clock())
    api.resources.control.keep(make_view(tenant=tenant, keys=(expired,)))
    key_id = api.key.split("_")[1]
    yield "none", ""
    yield "of another form", "x"
    yield "wrong checksum", api.key[:-1] + ("0" if api.key[-1] != "0" else "1")
    yield "wrong secret", make_key_text(key_id, lambda bits: (1 << bits) - 1)
    yield "revoked, or of another deployment", make_key(api.tenant.tenant_id)[1]
    yield "of a tenant that is nowhere", make_key(make_tenant().tenant_id)[1]
    yield "expired", text
    yield "nearly the operator's", OPERATOR_KEY + "x"


@pytest.mark.parametrize("route", BEHIND_A_KEY, ids=name_of)
async def test_B60_B61_B62_a_key_that_is_not_in_force_or_not_enough_opens_no_route(
    api: Api, route: Route
) -> None:
    ids = await things_of(api, api.tenant.tenant_id, api.key)
    needed = route.operation.scope
    assert needed is not None
    others = tuple(scope for scope in TENANT_SCOPES if scope is not needed)
    _, other_scopes = api.add_tenant(*others)
    keys, before = dict(bad_keys(api)), stored(api.resources)
    details = set()
    for kind, key in keys.items():
        headers = with_key(key) if key else {"authorization": ""}
        answer = await route.call(api, ids, headers=headers)
        assert_problem(answer, (401, "unauthenticated"))
        details |= {answer.json()["detail"]} if kind != "none" else set()
    assert len(details) == 1  # a guesser learns nothing
    not_enough = [other_scopes, api.key if needed is Scope.ADMIN else OPERATOR_KEY]
    for key in not_enough:
        answer = await route.call(api, ids, key=key)
        assert_problem(answer, (403, "forbidden"))
        assert answer.json()["detail"] == f"The key lacks the scope {needed}"
    assert stored(api.resources) == before
    enough = OPERATOR_KEY if needed is Scope.ADMIN else api.add_tenant(needed)[1]
    answer = await route.call(api, MISSING, key=enough, content=None)
    assert answer.status_code in (200, 400, 404, 415), answer.text


async def test_a_path_knows_its_methods_and_refuses_all_others_with_their_names(api: Api) -> None:
    before = stored(api.resources)
    for path in {route.path for route in ROUTES}:
        of_path = [route for route in ROUTES if route.path == path]
        known = {route.method for route in of_path}
        for method in set(METHODS) - known:
            answer = await of_path[0].call(api, MISSING, method=method)
            assert_problem(answer, (405, "method_not_allowed"))
            allowed = set(answer.headers["allow"].split(", "))
            assert allowed == known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set())
    assert stored(api.resources) == before


@pytest.mark.parametrize("route", BEHIND_A_KEY, ids=name_of)
async def test_B45_a_parameter_that_a_route_does_not_know_is_refused(
    api: Api, route: Route
) -> None:
    ids, before = MISSING, stored(api.resources)
    answer = await route.call(api, ids, url=f"http://api{route.url(ids)}?frobnicate=1")
    assert_problem(answer, (400, "validation_failed"))
    assert [error["field"] for error in answer.json()["errors"]] == ["frobnicate"]
    assert stored(api.resources) == before


@pytest.mark.parametrize("spelling", ["{}/", "{}//", "/{}", "{}/x", "{}%00", "{}%2F", "{}."])
async def test_a_path_that_is_spelt_otherwise_is_the_same_or_not_there(
    api: Api, spelling: str
) -> None:
    before = stored(api.resources)
    for route in ROUTES:
        plain = await route.call(api, MISSING, content=None)
        url = "http://api" + spelling.format(route.url(MISSING))
        odd = await route.call(api, MISSING, content=None, url=url)
        if odd.status_code != plain.status_code:
            assert_problem(odd, (404, "not_found"), (405, "method_not_allowed"))
    assert stored(api.resources) == before


@pytest.mark.parametrize("route", [r for r in ROUTES if r.ids], ids=name_of)
async def test_B41_an_id_of_another_form_is_not_found(api: Api, route: Route) -> None:
    ids = await things_of(api, api.tenant.tenant_id, api.key)
    before = stored(api.resources)
    for odd in ODD_IDS:
        odd_ids = {name: odd.format(value) for name, value in ids.items()}
        answer = await route.call(api, ids, url="http://api" + route.url(odd_ids))
        assert_problem(answer, (404, "not_found"), (405, "method_not_allowed"))
    assert stored(api.resources) == before
