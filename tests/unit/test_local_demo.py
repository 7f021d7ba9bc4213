"""The demo tenant, and the HTTP calls that make it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

from infra.local.demo import make_demo
from infra.local.errors import LocalRunError
from infra.local.loopback import HOST, call, free_port, wait_until_ready, why_not_free
from tests.local_runs import DEMO, local_settings
from tests.processes import WAIT_SECONDS, until


@asynccontextmanager
async def api(
    answers: Mapping[str, tuple[int, object]],
) -> AsyncIterator[tuple[int, list[web.Request]]]:
    """Serve fixed answers; yield the port and the requests that came."""
    requests: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        requests.append(request)
        status, content = answers[request.path]
        return web.json_response(content, status=status)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        assert server.port is not None
        yield server.port, requests


async def test_the_demo_is_made_as_a_customer_would(tmp_path: Path) -> None:
    tenant = {"tenant_id": "ten_1", "key": "trg_k_s"}
    answers = {"/v1/tenants": (201, tenant), "/v1/webhooks": (201, {"webhook_id": "wh_1"})}
    async with api(answers) as (port, requests):
        settings = replace(local_settings(tmp_path), api_port=port)
        demo = await make_demo(settings.endpoints)
        sent = [await request.json() for request in requests]
    assert demo == DEMO
    keys = [request.headers["Authorization"] for request in requests]
    assert keys == [f"Bearer {settings.operator_key}", "Bearer trg_k_s"]
    assert sent[1] == {
        "url": f"{settings.receiver}/hook",
        "event_types": ["*"],
        "secret": settings.webhook_secret,
    }


async def test_a_refusal_of_the_api_is_told(tmp_path: Path) -> None:
    async with api({"/v1/tenants": (503, {"code": "unavailable"})}) as (port, _):
        settings = replace(local_settings(tmp_path), api_port=port)
        with pytest.raises(LocalRunError, match=r"answered 503: .*unavailable"):
            await make_demo(settings.endpoints)


async def test_an_answer_that_lacks_the_key_is_told(tmp_path: Path) -> None:
    async with api({"/v1/tenants": (201, {"key": {}})}) as (port, _):
        settings = replace(local_settings(tmp_path), api_port=port)
        with pytest.raises(LocalRunError, match=r"answered otherwise than it should: .*key"):
            await make_demo(settings.endpoints)


async def test_ready_is_who_answers_200() -> None:
    answers: dict[str, tuple[int, object]] = {"/readiness": (503, {})}
    async with api(answers) as (port, requests):
        waiting = asyncio.create_task(wait_until_ready(f"http://{HOST}:{port}/readiness"))
        await until(lambda: len(requests) >= 2)
        assert not waiting.done()
        answers["/readiness"] = (200, "")
        async with asyncio.timeout(WAIT_SECONDS):
            await waiting


async def test_who_is_never_ready_is_named() -> None:
    url = f"http://{HOST}:{free_port()}/readiness"
    with pytest.raises(TimeoutError, match=rf"{url} has not answered 200 within 0.1 s"):
        await wait_until_ready(url, seconds=0.1)


async def test_a_server_that_is_not_there_is_an_os_error() -> None:
    port = free_port()
    assert why_not_free(port) is None
    with pytest.raises(OSError, match="refused"):
        await call("GET", f"http://{HOST}:{port}/")


async def test_a_server_that_speaks_something_else_is_an_os_error() -> None:
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(babble, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(OSError, match="broke off"):
            await call("GET", f"http://{HOST}:{port}/")
