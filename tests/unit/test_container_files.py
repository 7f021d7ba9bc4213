"""What the images are made of and how they are run, as far as the files tell without an engine."""

import re
import tomllib
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # it comes with Litestar, without types

from infra.local.settings import ROOT
from triggers.settings import STOP_SPARE_SECONDS, Settings, read_settings, require_secrets_key

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = sorted(SERVICES.keys() - {"localstack"})
CONTAINERS = ["app", "worker"]


def pins(lock: str) -> set[str]:
    text = (ROOT / f"infra/requirements/{lock}.txt").read_text()
    return set(re.findall(r"^([\w.-]+==\S+)", text, re.MULTILINE))


def settings_of(service: str) -> Settings:
    """Return the settings of a container for whom nothing is set in the environment."""
    environment = SERVICES[service]["environment"]
    return read_settings(
        {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text) for name, text in environment.items()}
    )


@pytest.mark.parametrize("container", CONTAINERS)
def test_each_container_is_installed_from_a_part_of_the_lock_that_the_tests_use(
    container: str,
) -> None:
    assert pins(container) <= pins("development")


def test_the_worker_is_installed_without_what_only_the_api_needs() -> None:
    assert pins("worker") < pins("app")
    assert not any(pin.startswith(("litestar==", "uvicorn==", "httpx==")) for pin in pins("worker"))


@pytest.mark.parametrize("service", OURS)
def test_each_of_our_services_is_given_no_more_than_it_needs(service: str) -> None:
    told = SERVICES[service]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert told["tmpfs"] == ["/tmp"]
    assert told["pids_limit"] <= 200
    assert not told.keys() & {"privileged", "cap_add", "user", "network_mode", "init"}


def test_localstack_is_the_last_that_needs_no_account_and_may_gain_no_rights() -> None:
    told = SERVICES["localstack"]
    assert told["image"] == "localstack/localstack:4.14"
    assert told["security_opt"] == ["no-new-privileges:true"]


def test_each_waits_until_what_it_needs_is_healthy() -> None:
    needs = {name: told.get("depends_on", {}) for name, told in SERVICES.items()}
    healthy = {"condition": "service_healthy"}
    assert needs["app"] == needs["worker"] == {"localstack": healthy}
    assert needs["proxy"] == {"app": healthy}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_port_is_on_loopback_and_every_file_of_this_machine_read_only(service: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))
    assert all(volume.endswith(":ro") for volume in SERVICES[service].get("volumes", []))


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_settings_are_right_and_the_engine_waits_longer_than_a_stop_takes(
    container: str,
) -> None:
    settings = settings_of(container)
    require_secrets_key(settings)
    patience_seconds = int(SERVICES[container]["stop_grace_period"].removesuffix("s"))
    assert patience_seconds > (
        settings.serve_on_seconds + settings.drain_seconds + STOP_SPARE_SECONDS
    )
    assert patience_seconds > settings.drain_seconds + settings.finish_seconds + STOP_SPARE_SECONDS


@pytest.mark.parametrize("file", ["Dockerfile", "infra/compose/proxy/Dockerfile"])
def test_every_image_runs_as_nobody_and_has_a_health_check(file: str) -> None:
    text = (ROOT / file).read_text()
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    entries = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    assert entries
    assert all(entry.startswith("[") for entry in entries)
    assert text.count("\nHEALTHCHECK ") == len(entries)


def test_the_images_are_of_the_version_that_the_project_has() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"ARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text()
