"""OPTIONS and HEAD, which every path knows though no route names them."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from tests.unit.app.api import Api


def served(api: Api) -> Iterator[tuple[str, set[str]]]:
    """Yield every path that is served with its methods."""
    litestar: Any = api.app._inner
    for route in litestar.routes:
        if isinstance(route, HTTPRoute):
            yield route.path_format.replace("{", "").replace("}", ""), set(route.methods)


@pytest.mark.parametrize("key", ["valid", "none", "wrong"])
async def test_options_tells_the_methods_of_every_path_with_or_without_a_key(
    api: Api, key: str
) -> None:
    if key != "valid":
        del api.client.headers["authorization"]
    headers = {"x-api-key": "wrong"} if key == "wrong" else {}
    for path, methods in served(api):
        answer = await api.client.options(path, headers=headers)
        head = {"HEAD"} if "GET" in methods else set()
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["allow"] == ", ".join(sorted(methods | head))


async def test_head_gets_what_get_gets_without_the_body(api: Api) -> None:
    event_id = await api.accept()
    api.client.headers["accept-encoding"] = "identity"
    paths = [
        path.replace("event_id", event_id) for path, methods in served(api) if "GET" in methods
    ]
    assert len(paths) > 10
    for path in [*paths, "/nope"]:
        get, head = await api.client.get(path), await api.client.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-type"] == get.headers["content-type"]
        if not path.endswith("health"):  # its numbers change
            assert len(get.content) == int(head.headers["content-length"])


async def test_head_is_not_allowed_where_get_is_not(api: Api) -> None:
    answer = await api.client.head("/v1/events/bulk")
    assert (answer.status_code, answer.content) == (405, b"")
    assert answer.headers["allow"] == "DELETE, OPTIONS, POST"


async def test_head_stands_in_the_log_under_its_own_name(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.requests")
    await api.client.head("/v1/inbox")
    [record] = [record for record in caplog.records if record.name == "app.requests"]
    fields = record.__dict__["fields"]
    assert (fields["method"], fields["path"]) == ("HEAD", "/v1/inbox")
