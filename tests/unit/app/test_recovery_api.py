"""Enabling and recovering webhooks over HTTP, and the jobs that do the work."""

from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from tests.factories import NOW_MS, make_event, make_view, make_webhook
from tests.unit.app.api import Api, with_key
from triggers.api_keys import Scope
from triggers.ids import make_job_id
from triggers.jobs import Job, JobKind, JobStatus
from triggers.webhooks import Webhook, WebhookStatus

WEBHOOK = make_webhook(webhook_id="wh_1")
DISABLED = replace(
    WEBHOOK, status=WebhookStatus.DISABLED, disabled_reason="receiver answered 410", disabled_ms=1
)
JOB_FIELDS = {
    *("job_id", "kind", "webhook_id", "status", "examined", "recovered", "skipped", "progress"),
    *("since", "until", "created_at", "updated_at", "completed_at", "reason"),
}


def have(api: Api, webhook: Webhook) -> None:
    view = api.resources.control.views[api.tenant.tenant_id]
    made = make_view(webhook, tenant=api.tenant, version=view.version + 1)
    api.resources.control.keep(replace(made, keys=view.keys))


def jobs_of(api: Api) -> list[Job]:
    return [kept.job for kept in api.resources.jobs.kept.values()]


async def recover(api: Api, webhook_id: str = "wh_1", **content: Any) -> httpx.Response:
    sent = {"since": "2026-11-22T00:00:00Z"} | content
    return await api.client.post(f"/v1/webhooks/{webhook_id}/recover", json=sent)


async def test_a_recovery_is_a_job_that_can_be_watched(api: Api) -> None:
    have(api, WEBHOOK)
    answer = await recover(api, until="2026-11-22T05:00:00+01:00")

    assert answer.status_code == 202
    started = answer.json()
    assert set(started) == JOB_FIELDS
    assert (started["kind"], started["status"], started["progress"]) == ("recover", "running", 0)
    assert (started["since"], started["until"]) == (
        "2026-11-22T00:00:00.000Z",
        "2026-11-22T04:00:00.000Z",
    )
    assert answer.headers["location"] == f"/v1/jobs/{started['job_id']}"
    assert (await api.client.get(answer.headers["location"])).json() == started


async def test_a_recovery_without_an_end_takes_all_until_now(api: Api) -> None:
    have(api, WEBHOOK)
    await recover(api)

    [job] = jobs_of(api)
    assert job.until_ms == NOW_MS + 1


async def test_a_webhook_has_one_recovery_at_a_time(api: Api) -> None:
    have(api, WEBHOOK)
    first = (await recover(api)).json()
    again = await recover(api)

    assert (again.status_code, again.json()["code"]) == (409, "recovery_running")
    assert first["job_id"] in again.json()["detail"]
    kept = api.resources.jobs.kept[api.tenant.tenant_id, first["job_id"]]
    kept.job = replace(kept.job, status=JobStatus.COMPLETED)
    api.clock.advance(1)
    assert (await recover(api)).status_code == 202


@pytest.mark.parametrize(
    "content",
    [
        {"since": None},
        {"since": "2026-11-22"},
        {"since": "2026-11-22T00:00:00"},
        {"since": "yesterday"},
        {"since": -1},
        {"since": "10000-01-01T00:00:00Z"},
        {"since": "2026-11-22T05:30:00Z"},
        {"since": "9999-12-31T23:59:59-14:00"},
        {"until": "2026-11-22T06:00:00Z"},
        {"until": "2026-11-21T00:00:00Z"},
        {"until": "2026-11-22T00:00:00Z"},
        {"since": "0001-01-01T00:00:00Z", "until": "0001-01-02T00:00:00Z"},
        {"untill": "2026-11-22T00:00:00Z"},
    ],
)
async def test_B44_a_span_of_time_that_makes_no_sense_is_refused(
    api: Api, content: dict[str, Any]
) -> None:
    have(api, WEBHOOK)
    answer = await recover(api, **content)

    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert jobs_of(api) == []


async def test_a_span_may_begin_before_anything_was(api: Api) -> None:
    have(api, WEBHOOK)
    assert (await recover(api, since="0001-01-01T00:00:00+14:00")).status_code == 202


async def test_a_disabled_webhook_is_not_recovered(api: Api) -> None:
    have(api, DISABLED)
    answer = await recover(api)

    assert (answer.status_code, answer.json()["code"]) == (409, "webhook_disabled")


@pytest.mark.parametrize("way", ["enable", "patch"])
async def test_enabling_releases_what_was_held_and_forgets_the_failures(api: Api, way: str) -> None:
    have(api, DISABLED)
    api.resources.failing_webhooks.since_ms[api.tenant.tenant_id, "wh_1"] = 1
    if way == "enable":
        answer = await api.client.post("/v1/webhooks/wh_1/enable")
    else:
        answer = await api.client.patch("/v1/webhooks/wh_1", json={"enabled": True})

    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["status"], shown["disabled_reason"]) == ("active", None)
    assert shown["failing_since"] is None
    assert answer.headers["etag"] == '"2"'
    [job] = jobs_of(api)
    assert (job.job_id, job.kind, job.enablings) == (shown["job_id"], JobKind.RELEASE, 1)


async def test_enabling_an_enabled_webhook_releases_only_if_there_is_anything(api: Api) -> None:
    have(api, WEBHOOK)
    first = await api.client.post("/v1/webhooks/wh_1/enable")
    assert (first.status_code, "job_id" in first.json(), jobs_of(api)) == (200, False, [])

    await api.resources.backlog.mark(
        api.tenant.tenant_id, "wh_1", make_event().event_id, "held", expires_s=0
    )
    ids = {
        (await api.client.post("/v1/webhooks/wh_1/enable")).json().get("job_id") for _ in range(2)
    }
    assert ids == {job.job_id for job in jobs_of(api)}
    assert len(ids) == 1


async def test_a_change_that_does_not_enable_starts_no_job(api: Api) -> None:
    have(api, WEBHOOK)
    for content in ({"enabled": True}, {"timeout_seconds": 3}, {"enabled": False}):
        answer = await api.client.patch("/v1/webhooks/wh_1", json=content)
        assert (answer.status_code, "job_id" in answer.json()) == (200, False)
    assert jobs_of(api) == []


async def test_a_failing_webhook_says_so_in_one_read_for_the_list(api: Api) -> None:
    have(api, WEBHOOK)
    api.resources.failing_webhooks.since_ms[api.tenant.tenant_id, "wh_1"] = NOW_MS
    shown = (await api.client.get("/v1/webhooks/wh_1")).json()
    listed = (await api.client.get("/v1/webhooks")).json()["webhooks"]

    assert (shown["status"], shown["failing_since"]) == ("failing", "2026-11-22T05:29:00.123Z")
    assert listed == [shown]
    assert api.resources.failing_webhooks.calls["since"] == 2


async def test_B41_jobs_and_webhooks_of_others_or_of_nobody_are_not_there(api: Api) -> None:
    have(api, WEBHOOK)
    job_id = (await recover(api)).json()["job_id"]
    _, other = api.add_tenant()
    _, inbox_only = api.add_tenant(Scope.INBOX)
    nobody = make_job_id(NOW_MS, lambda _: 1)
    for path in (job_id, nobody, "job_1", "latest%23recover%23wh_1", "job_%23"):
        answer = await api.client.get(f"/v1/jobs/{path}", headers=with_key(other))
        assert answer.status_code == 404
    for path, body in (("recover", {"since": "2026-11-22T00:00:00Z"}), ("enable", None)):
        url = f"/v1/webhooks/wh_1/{path}"
        answer = await api.client.post(url, json=body, headers=with_key(other))
        assert answer.status_code == 404
        answer = await api.client.post(url, json=body, headers=with_key(inbox_only))
        assert answer.status_code == 403
