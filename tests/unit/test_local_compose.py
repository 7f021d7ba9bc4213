"""`make up`: what it reads of the compose file, and the tenant that it keeps or makes."""

from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # it comes with Litestar, without types
from msgspec.structs import replace

from infra.local.compose import have_demo, read_configuration, read_endpoints
from infra.local.endpoints import Endpoints
from infra.local.errors import LocalRunError
from infra.local.loopback import HOST
from infra.local.ready import write_ready
from infra.local.settings import ROOT
from tests.local_runs import DEMO
from tests.unit.test_local_demo import api

CONFIGURATION: dict[str, Any] = {
    "services": {
        "proxy": {"ports": [{"target": 8080, "published": "8090"}]},
        "receiver": {
            "ports": [{"target": 9000, "published": "9001"}],
            "environment": {"RECEIVER_PORT": "9000", "WEBHOOK_SECRET": "whsec_1"},
        },
        "app": {"environment": {"TRIGGERS_OPERATOR_KEY": "operator_1"}},
    }
}
ENDPOINTS = Endpoints(
    api="http://127.0.0.1:8090",
    receiver="http://127.0.0.1:9001",
    hook="http://receiver:9000",
    operator_key="operator_1",
    webhook_secret="whsec_1",
)


def test_addresses_and_secrets_are_those_of_the_compose_file() -> None:
    assert read_endpoints(CONFIGURATION) == ENDPOINTS
    with pytest.raises(LocalRunError, match="proxy"):
        read_endpoints({"services": {}})


def test_the_compose_file_has_what_is_read_of_it() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert services["receiver"]["environment"].keys() >= {"RECEIVER_PORT", "WEBHOOK_SECRET"}
    assert "TRIGGERS_OPERATOR_KEY" in services["app"]["environment"]
    assert services["proxy"]["ports"]
    assert services["receiver"]["ports"]


@pytest.mark.parametrize(
    ("changes", "status", "made"),
    [({}, 200, 0), ({}, 401, 1), ({}, 404, 1), ({"webhook_secret": "whsec_2"}, 200, 1)],
)
async def test_the_tenant_of_an_earlier_time_is_kept_while_its_key_and_its_webhook_are_good(
    tmp_path: Path, changes: dict[str, str], status: int, made: int
) -> None:
    answers: dict[str, tuple[int, object]] = {
        "/readiness": (200, {}),
        "/v1/webhooks/wh_1": (status, {}),
        "/v1/tenants": (201, {"key": "trg_new"}),
        "/v1/webhooks": (201, {"webhook_id": "wh_new"}),
    }
    environ = {"TRIGGERS_LOCAL_DIR": str(tmp_path)}
    async with api(answers) as (port, requests):
        endpoints = replace(ENDPOINTS, api=f"http://{HOST}:{port}")
        write_ready(tmp_path, replace(endpoints, **changes), DEMO, {})
        demo = await have_demo(endpoints, environ)
    assert [request.path for request in requests].count("/v1/tenants") == made
    assert (demo == DEMO) is not bool(made)


@pytest.mark.parametrize(
    ("script", "read"),
    [('echo \'{"key": "a$$b"}\'', {"key": "a$b"}), ("echo 'no such file' >&2; exit 14", None)],
)
def test_compose_is_asked_and_what_it_says_is_read_as_it_means_it(
    script: str, read: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    if read is not None:
        assert read_configuration() == read
        return
    with pytest.raises(LocalRunError, match="docker compose config: no such file"):
        read_configuration()
