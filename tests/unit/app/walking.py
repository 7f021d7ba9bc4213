"""Every route of the API as the application itself knows it, so that a new one joins the walks without a word.

A walk calls all of them alike. It fills in the ids of a path, takes the body from the route's own example, and can
tell whether anything was stored.
"""

import json
import re
from typing import Any

import httpx
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct
from msgspec.structs import fields

from app.main import OPEN, VERSIONED
from app.operations import Operation, operation_of
from tests.factories import make_settings
from tests.fakes import FakeResources
from tests.unit.app.api import Api, with_key
from triggers.api_keys import Scope

OPERATOR_KEY = make_settings().operator_key
ANSWER_SECONDS_MAX = 1.0
# What is written by the way, however a request ends: it is no one's data.
BY_THE_WAY = frozenset({"calls", "buckets", "key_uses"})
MISSING = {
    "event_id": "evt_01JD0000000000000000000000",
    "webhook_id": "wh_" + "0" * 20,
    "key_id": "0" * 26,
    "job_id": "job_" + "0" * 20,
    "tenant_id": "ten_" + "0" * 16,
    "code": "nope",
    "name": "nope",
}
_PARAMETER = re.compile(r"\{(\w+):str\}")


class Route(Struct, frozen=True, kw_only=True):
    """One method of one path."""

    method: str
    path: str
    operation: Operation
    status: int

    @property
    def ids(self) -> list[str]:
        """The names of the ids in its path."""
        return _PARAMETER.findall(self.path)

    @property
    def ids_of_body(self) -> list[str]:
        """The names of the ids that its body may hold, in the singular."""
        names = [f.name for f in fields(self.operation.body)] if self.operation.body else []
        singular = (name.removesuffix("s") for name in names)
        return [name for name in singular if name.endswith("_id") and name in MISSING]

    def url(self, ids: dict[str, str]) -> str:
        """Return its path with these ids."""
        return _PARAMETER.sub(lambda match: ids[match[1]], self.path)

    def body(self, ids: dict[str, str]) -> bytes | None:
        """Return a good body that names these things where it names any."""
        if self.operation.body is None:
            return None
        content = dict(self.operation.example)
        for field in fields(self.operation.body):
            name = field.name.removesuffix("s")
            if name in self.ids_of_body:
                content[field.name] = ids[name] if name == field.name else [ids[name]]
        return json.dumps(content).encode()

    def key(self, api: Api) -> str:
        """Return the key that may call it."""
        return OPERATOR_KEY if self.operation.scope is Scope.ADMIN else api.key

    async def call(
        self, api: Api, ids: dict[str, str], *, key: str | None = None, **changes: Any
    ) -> httpx.Response:
        """Call it as it is meant, but for changes of the request."""
        content = self.body(ids)
        headers = with_key(key or self.key(api)) | {"x-correlation-id": "corr_walk"}
        if content is not None:
            headers["content-type"] = "application/json"
        request = {"url": self.url(ids), "content": content, "headers": headers} | changes
        return await api.client.request(request.pop("method", self.method), **request)


def name_of(route: Route) -> str:
    """Return what a test of a route is called."""
    return f"{route.method} {route.path.replace(':str', '')}"


def _routes(prefix: str, handlers: tuple[HTTPRouteHandler, ...]) -> list[Route]:
    return [
        Route(method=method, path=prefix + path, operation=operation, status=handler.status_code)
        for handler in handlers
        if (operation := operation_of(handler.opt)) is not None
        for path in sorted(handler.paths)
        for method in sorted(handler.http_methods)
    ]


BEHIND_A_KEY = _routes("/v1", VERSIONED)
ROUTES = [*BEHIND_A_KEY, *_routes("", OPEN)]
WITH_IDS = [route for route in BEHIND_A_KEY if route.ids or route.ids_of_body]
WITH_BODY = [route for route in ROUTES if route.operation.body is not None]


async def things_of(api: Api, tenant_id: str, key: str) -> dict[str, str]:
    """Return the ids of things that a tenant has, one of each kind."""
    body = '{"event_type": "order.created", "payload": 1}'
    event = await api.post("/v1/events", body, **with_key(key))
    view = api.resources.control.views[tenant_id]
    things = MISSING | {
        "event_id": event.json()["event_id"],
        "webhook_id": next(iter(view.webhooks)),
        "key_id": next(iter(view.keys)),
        "tenant_id": tenant_id,
    }
    for route in BEHIND_A_KEY:
        if route.path.endswith("/recover"):
            things["job_id"] = (await route.call(api, things, key=key)).json()["job_id"]
    return things


def stored(resources: FakeResources) -> str:
    """Return all that is stored, as a text to compare."""
    parts = {name: getattr(resources, name) for name in resources.__struct_fields__}
    return repr(
        {
            (name, what): value
            for name, part in parts.items()
            if name not in BY_THE_WAY
            for what, value in vars(part).items()
            if isinstance(value, dict | list | set) and what not in BY_THE_WAY
        }
    )


def assert_problem(answer: httpx.Response, *expected: tuple[int, str]) -> None:
    """Check that an answer is one of these problems, in the form of all, and came in time."""
    told = f"{answer.request.method} {answer.request.url.path[:100]}: {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json", told
    assert (answer.status_code, answer.json()["code"]) in expected, told
    assert answer.json()["status"] == answer.status_code
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    if answer.status_code == 405:
        assert answer.headers["allow"]
    assert answer.elapsed.total_seconds() < ANSWER_SECONDS_MAX, told
