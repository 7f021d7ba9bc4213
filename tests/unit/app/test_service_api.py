"""What the service says about itself, and how it starts."""

import asyncio
import logging

import pytest

from app.health import CHECK_SECONDS, DependencyHealth
from app.lifecycle import Lifecycle
from app.main import create_app
from tests.factories import FakeClock, make_settings
from tests.fakes import FakeReachable, fake_resources, open_fake_resources
from tests.unit.app.api import Api, running_api
from triggers import VERSION
from triggers.errors import StoreUnavailable
from triggers.settings import SettingsError


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
async def test_health_shows_each_dependency_the_version_and_the_uptime(api: Api, path: str) -> None:
    answer = await api.client.get(path)
    shown = answer.json()
    assert answer.status_code == 200
    assert set(shown) == {"status", "dependencies", "version", "uptime_seconds"}
    assert (shown["status"], shown["version"], shown["uptime_seconds"]) == ("ok", VERSION, 0)
    assert set(shown["dependencies"]) == {"tables", "queues"}
    for dependency in shown["dependencies"].values():
        assert dependency["status"] == "ok"
        assert dependency["milliseconds"] >= 0


@pytest.mark.parametrize(
    ("failing", "status_code", "status"),
    [("check", 503, "unavailable"), ("check_queues", 200, "degraded")],
)
async def test_health_tells_what_is_amiss_and_readiness_does_not_care(
    api: Api, failing: str, status_code: int, status: str
) -> None:
    api.resources.reachable.failing_calls[failing] = StoreUnavailable("secret-table")
    answer = await api.client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (status_code, status)
    assert "secret-table" not in answer.text
    assert (await api.client.get("/readiness")).status_code == 200


async def test_what_health_depends_on_is_asked_at_most_once_a_second() -> None:
    clock, reachable = FakeClock(), FakeReachable()
    health = DependencyHealth(reachable, clock.monotonic)
    await asyncio.gather(*(health.measure() for _ in range(10)))
    assert reachable.calls["check"] == 1
    clock.advance(1.1)
    await health.measure()
    assert reachable.calls["check"] == 2


async def test_health_does_not_wait_for_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CHECK_SECONDS <= 2
    monkeypatch.setattr("app.health.CHECK_SECONDS", 0.01)
    reachable = FakeReachable()
    reachable.gate.clear()
    measured = await DependencyHealth(reachable).measure()
    assert {dependency.status for dependency in measured.values()} == {"unavailable"}


async def test_the_process_serves_while_it_waits_for_its_tables(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with running_api(is_reachable=False) as api:
        assert (await api.client.get("/liveness")).status_code == 200
        readiness = await api.client.get("/readiness")
        assert (readiness.status_code, readiness.json()) == (503, {"status": "starting"})
        assert (await api.client.get("/docs")).status_code == 200
        refused = await api.client.get("/v1/inbox")
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["retry-after"] == "1"
        api.resources.reachable.gate.set()
        while (await api.client.get("/readiness")).status_code != 200:
            await asyncio.sleep(0)
        assert (await api.client.get("/v1/inbox")).status_code == 200


async def test_a_process_that_drains_before_it_was_ready_stays_draining() -> None:
    lifecycle = Lifecycle()
    lifecycle.drain()
    await lifecycle.start_when_reachable(FakeReachable())
    assert lifecycle.phase == "draining"


async def test_a_draining_process_is_not_ready_and_serves_on(api: Api) -> None:
    api.app.lifecycle.drain()
    readiness = await api.client.get("/readiness")
    assert (readiness.status_code, readiness.json()) == (503, {"status": "draining"})
    assert (await api.client.get("/health")).json()["status"] == "draining"
    await api.accept()


def test_production_needs_a_cursor_key_and_development_makes_one_up() -> None:
    opened = open_fake_resources(fake_resources())
    with pytest.raises(SettingsError, match="TRIGGERS_CURSOR_KEY"):
        create_app(
            make_settings(environment="production", cursor_key="", allowed_networks=""),
            open_resources=opened,
        )
    create_app(make_settings(cursor_key=""), open_resources=opened)


async def test_the_documentation_comes_from_the_service_itself(api: Api) -> None:
    root = await api.client.get("/")
    assert (root.status_code, root.headers["location"]) == (302, "/docs")
    page = await api.client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "://" not in page.text
    for asset, media_type in (
        ("swagger.js", "text/javascript; charset=utf-8"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("favicon-32x32.png", "image/png"),
    ):
        assert f"/docs/assets/{asset}" in page.text
        served = await api.client.get(f"/docs/assets/{asset}")
        assert (served.status_code, served.headers["content-type"]) == (200, media_type)
        assert served.headers["cache-control"] == "public, max-age=3600"
        assert len(served.content) > 100


async def test_no_script_stands_in_a_page_and_none_there_would_run(api: Api) -> None:
    for path in ("/docs", "/docs/problems/not_found"):
        page = await api.client.get(path)
        assert all(script.startswith(" src=") for script in page.text.split("<script")[1:])
        policy = page.headers["content-security-policy"].split("; ")
        assert {"default-src 'self'", "base-uri 'none'", "form-action 'self'"} <= set(policy)
        assert not any(rule.startswith("script-src") for rule in policy)


@pytest.mark.parametrize(
    "name", ["%00", "x" * 5_000, "index.css", "..%2f..%2fapp%2fmain.py", "", "a/b", "%ff"]
)
async def test_an_asset_that_the_page_does_not_need_is_not_found(api: Api, name: str) -> None:
    answer = await api.client.get(f"/docs/assets/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_every_answer_forbids_guessing_its_type(api: Api) -> None:
    for path in ("/liveness", "/nope", "/docs", "/v1/inbox"):
        assert (await api.client.get(path)).headers["x-content-type-options"] == "nosniff"
