"""What tells that a run is ready: `ready.json` and the screen."""

import json
from pathlib import Path

from infra.local.ready import ready_path, remove_ready, screen, write_ready
from tests.local_runs import DEMO, local_settings


def test_ready_json_holds_what_scripts_need_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = local_settings(tmp_path)
    write_ready(tmp_path, settings.endpoints, DEMO, {"app": 1, "receiver": None})
    content = json.loads(ready_path(tmp_path).read_text())
    assert content == {
        "api": settings.api,
        "key": "trg_k_s",
        "operator_key": settings.operator_key,
        "receiver": settings.receiver,
        "hook": settings.receiver,
        "webhook_id": "wh_1",
        "webhook_secret": settings.webhook_secret,
        "pids": {"app": 1, "receiver": None},
    }
    assert ready_path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_ready_json_is_replaced_in_one_step_and_removed(tmp_path: Path) -> None:
    endpoints = local_settings(tmp_path).endpoints
    write_ready(tmp_path, endpoints, DEMO, {})
    with ready_path(tmp_path).open() as opened_before:
        write_ready(tmp_path, endpoints, DEMO, {"app": 7})
        assert json.load(opened_before)["pids"] == {}  # the old file is whole for its reader
    assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]
    remove_ready(tmp_path)
    remove_ready(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_screen_shows_all_that_a_newcomer_needs(tmp_path: Path) -> None:
    settings = local_settings(tmp_path)
    shown = screen(tmp_path, settings.endpoints, DEMO, stop="Ctrl-C", has_colour=False)
    for needed in (settings.api, "trg_k_s", f"{settings.api}/docs", settings.receiver, "Ctrl-C"):
        assert needed in shown
    [line] = [line for line in shown.splitlines() if line.startswith("curl ")]
    assert f"{settings.api}/v1/events" in line
    assert f"triggers profiles set local --from {ready_path(tmp_path)}   then" in shown
    assert "\x1b" not in shown
