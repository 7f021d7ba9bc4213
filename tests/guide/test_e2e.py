"""`make e2e` finds its way, and leaves nothing behind."""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.settings import ROOT
from tests.processes import PYTHON, own_environment

NOWHERE = "http://127.0.0.1:1"
RUN_SECONDS_MAX = 60


def _e2e(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (PYTHON, "-m", "tests.deployed", *arguments),
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=own_environment(environment),
        timeout=RUN_SECONDS_MAX,
    )


def _given(service: dict[str, Any], **changes: str) -> dict[str, str]:
    names = ("api", "key", "receiver", "hook")
    return {name.upper(): service[name] for name in names} | changes


def _webhooks(service: dict[str, Any]) -> list[str]:
    headers = {"authorization": f"Bearer {service['key']}"}
    answer = httpx.get(f"{service['api']}/v1/webhooks", headers=headers)
    return [webhook["webhook_id"] for webhook in answer.json()["webhooks"]]


def test_it_runs_against_the_service_of_this_folder(service: dict[str, Any], folder: Path) -> None:
    ran = _e2e("-k", "idempotency", TRIGGERS_LOCAL_DIR=str(folder / ".local"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "once      evt_" in ran.stdout
    assert f"at {service['api']}: 1 events accepted, 1 attempts came in" in ran.stdout
    assert _webhooks(service) == [service["webhook_id"]]


def test_a_run_that_fails_says_what_it_saw_and_leaves_no_webhook_and_no_key(
    service: dict[str, Any],
) -> None:
    ran = _e2e("-k", "idempotency", **_given(service, HOOK=NOWHERE, E2E_SECONDS="2"))
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "delivered after 1 attempts: not so within 2 s, but {'event_id'" in ran.stdout
    assert service["key"] not in ran.stdout + ran.stderr
    assert _webhooks(service) == [service["webhook_id"]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"KEY": ""}, "API is set, but KEY is not: give a tenant's key with all scopes"),
        ({"KEY": "trg_wrong"}, "answers 401 to GET /v1/webhooks: {"),
        ({"KEY": "trg_é"}, "API=http://127.0.0.1:"),
        ({"API": NOWHERE}, f"API={NOWHERE} does not answer"),
        ({"RECEIVER": NOWHERE}, f"RECEIVER={NOWHERE} does not answer"),
        ({"API": "", "TRIGGERS_LOCAL_DIR": "/nowhere"}, "start one with `make run`"),
        ({"E2E_SECONDS": "nan"}, "E2E_SECONDS=nan is no number of seconds up to 600"),
    ],
)
def test_who_cannot_begin_is_told_why(
    service: dict[str, Any], changes: dict[str, str], said: str
) -> None:
    ran = _e2e(**_given(service, **changes))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
