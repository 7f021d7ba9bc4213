"""The ports and settings of `make run`, read before anything starts."""

import socket
from pathlib import Path

import pytest

from infra.local.errors import LocalRunError
from infra.local.loopback import HOST
from infra.local.settings import (
    DEFAULTS,
    PORT_DEFAULTS,
    PROXIES,
    ROOT,
    parts_environment,
    read_ports,
)
from tests.local_runs import free_ports, local_settings
from triggers.settings import ELSEWHERE


def test_a_taken_port_is_named_with_its_variable() -> None:
    ports = free_ports()
    with socket.socket() as holder:
        holder.bind((HOST, int(ports["RECEIVER_PORT"])))
        holder.listen()
        with pytest.raises(LocalRunError, match=f"port {ports['RECEIVER_PORT']} is taken") as told:
            read_ports(ports)
    assert "RECEIVER_PORT=" in str(told.value)


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "٣", "8" * 20])
def test_what_is_no_port_is_named_with_its_variable(text: str) -> None:
    with pytest.raises(LocalRunError, match=f"API_PORT={text} is no port"):
        read_ports(free_ports() | {"API_PORT": text})


def test_a_port_of_thousands_of_digits_is_told_in_short() -> None:
    with pytest.raises(LocalRunError) as told:
        read_ports(free_ports() | {"API_PORT": "8" * 5_000})
    assert len(str(told.value)) < 100


def test_a_port_that_takes_rights_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    ports = free_ports()
    monkeypatch.setattr("infra.local.loopback.socket.socket.bind", refuse)
    monkeypatch.setattr("infra.local.settings.free_port", lambda: 8080)
    with pytest.raises(LocalRunError, match="needs rights that you do not have: set API_PORT"):
        read_ports(ports)


def test_two_parts_cannot_share_a_port() -> None:
    ports = free_ports()
    with pytest.raises(LocalRunError, match="is the port of another part too"):
        read_ports(ports | {"API_PORT": ports["EMULATOR_PORT"]})


def test_a_missing_emulator_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError, match="`make run` installs it"):
        local_settings(tmp_path, TRIGGERS_EMULATOR_PYTHON=str(tmp_path / "python"))


def test_the_secrets_are_made_anew_for_each_run_unless_they_are_given(tmp_path: Path) -> None:
    one, two = local_settings(tmp_path), local_settings(tmp_path, TRIGGERS_OPERATOR_KEY="o" * 40)
    assert len(one.operator_key) >= 32
    assert len(one.cursor_key) >= 32
    assert len(one.secrets_key) >= 32
    assert one.secrets_key != two.secrets_key
    assert one.webhook_secret != two.webhook_secret
    assert two.operator_key == "o" * 40


def test_the_parts_get_loopback_addresses_and_nobodys_aws_account(tmp_path: Path) -> None:
    settings = local_settings(tmp_path)
    own = {"AWS_PROFILE": "production", "TRIGGERS_SWEEP_SECONDS": "2", "TRIGGERS_API_HOST": "::"}
    environment = parts_environment(own, settings)
    assert "AWS_PROFILE" not in environment
    assert environment["AWS_ENDPOINT_URL"] == settings.emulator
    assert environment["TRIGGERS_SWEEP_SECONDS"] == "2"
    hosts = ("TRIGGERS_API_HOST", "TRIGGERS_WORKER_HOST", "RECEIVER_HOST")
    assert {environment[name] for name in hosts} == {HOST}


def test_the_parts_get_nobodys_proxy(tmp_path: Path) -> None:
    proxies = ("HTTP_PROXY", "https_proxy", "All_Proxy", "all_proxy")
    environment = parts_environment(dict.fromkeys(proxies, "http://x:1"), local_settings(tmp_path))
    assert not set(proxies) & set(environment)


def test_the_documentation_names_every_variable_and_override_of_the_local_run(
    tmp_path: Path,
) -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    told = text.partition("## The command line")[2].partition("## AWS\n")[0]
    for name, port in PORT_DEFAULTS.items():
        assert f"| `{name}` | `{port}` |" in told
    for name in ELSEWHERE | {"RECEIVER_HOST", "WEBHOOK_SECRET"}:
        assert f"| `{name}` |" in told
    for name, value in DEFAULTS.items():
        assert f"`{name}` (`{value}`)" in " ".join(told.split())
    ours = parts_environment({}, local_settings(tmp_path))
    for name in (
        *("TRIGGERS_OPERATOR_KEY", "TRIGGERS_CURSOR_KEY", "TRIGGERS_SECRETS_KEY"),
        "TRIGGERS_ENVIRONMENT",
    ):
        assert name in ours
        assert f"`{name}`" in told
    for name in PROXIES:
        assert f"`{name.upper()}`" in told
