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


async def test_every_answer_forbids_guessing_its_type(api: Api) -> None:
    for path in ("/liveness", "/nope", "/docs", "/v1/inbox"):
        assert (await api.client.get(path)).headers["x-content-type-options"] == "nosniff"
