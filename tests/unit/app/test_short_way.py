"""An event is accepted past Litestar, and nobody can tell: with a slash at its end the path is found by Litestar."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from litestar import Litestar

from tests.factories import make_settings
from tests.unit.app.api import Api, with_key
from tests.unit.app.serving import JSON
from triggers.api_keys import Scope
from triggers.errors import Overloaded, StoreUnavailable

GOOD = b'{"event_type": "order.created", "payload": {"order": 1}}'
_OWN_WORDS = re.compile(r"(?:req|corr|evt)_\w+")


BothWays = Callable[..., Awaitable[int]]
"""Sends a request on both ways, which must tell the same; returns the status of the answer."""


@pytest.fixture
def both_ways(api: Api, caplog: pytest.LogCaptureFixture) -> BothWays:
    caplog.set_level(logging.INFO)

    async def told(path: str, content: bytes, headers: dict[str, str]) -> tuple[Any, ...]:
        """Return all that is told of a request, in its answer and in its line, but for its ids."""
        caplog.clear()
        answer = await api.client.post(path, content=content, headers=headers)
        (line,) = (vars(r)["fields"] for r in caplog.records if r.name == "app.requests")
        own = ("milliseconds", "request_id", "correlation_id", "event_id")
        fields = {name: value for name, value in line.items() if name not in own}
        kind, text = answer.headers["content-type"], _OWN_WORDS.sub("…", answer.text)
        own_headers = ("x-request-id", "x-correlation-id", "location", "content-length")
        heads = [
            (name, "…" if name in own_headers else value)
            for name, value in sorted(answer.headers.multi_items())
        ]
        return answer.status_code, kind, text, heads, fields

    async def sent(content: bytes, headers: dict[str, str], query: str = "") -> int:
        short = await told(f"/v1/events{query}", content, headers)
        assert short == await told(f"/v1/events/{query}", content, headers)
        return int(short[0])

    return sent


@pytest.mark.parametrize(
    ("status", "content", "headers", "query"),
    [
        (202, GOOD, JSON, ""),
        (202, GOOD, JSON | {"prefer": "wait=0"}, ""),
        (400, GOOD, JSON, "?frobnicate=1"),
        (400, b'{"event_type": ".", "payload": 1}', JSON, ""),
        (400, b"{", JSON, ""),
        (400, GOOD, JSON | {"idempotency-key": ""}, ""),
        (401, GOOD, JSON | {"authorization": ""}, ""),
        (401, GOOD, JSON | with_key("trg_x"), ""),
        (403, GOOD, JSON | with_key(make_settings().operator_key), ""),
        (413, b'{"event_type": "x", "payload": "%s"}' % (b"x" * 700_000), JSON, ""),
        (415, GOOD, {"content-type": "text/plain"}, ""),
    ],
)
async def test_both_ways_answer_alike(
    both_ways: BothWays, status: int, content: bytes, headers: dict[str, str], query: str
) -> None:
    assert await both_ways(content, headers, query) == status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailable("BatchExecuteStatement"), 503),
        (Overloaded(), 503),
        (ZeroDivisionError("the inside"), 500),
        (TimeoutError("not of the deadline"), 500),
    ],
)
async def test_both_ways_fail_alike(api: Api, both_ways: BothWays, error: Any, status: int) -> None:
    api.resources.events.failing = error
    assert await both_ways(GOOD, JSON) == status


async def test_both_ways_ask_for_the_scope(api: Api, both_ways: BothWays) -> None:
    _, key = api.add_tenant(Scope.EVENTS_READ)
    assert await both_ways(GOOD, JSON | with_key(key)) == 403


async def test_an_event_is_accepted_past_litestar(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Litestar, "__call__", None)
    await api.accept()
