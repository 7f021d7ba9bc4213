"""The attempts to send to a webhook over HTTP: newest first, page by page."""

from msgspec.structs import replace

from tests.factories import NOW_MS, make_attempt, make_outcome
from tests.unit.app.api import Api, with_key
from triggers.attempts import Attempt


def webhook_id_of(api: Api, tenant_id: str | None = None) -> str:
    [webhook_id] = api.resources.control.views[tenant_id or api.tenant.tenant_id].webhooks
    return webhook_id


async def keep(api: Api, *attempts: Attempt) -> None:
    for attempt in attempts:
        await api.resources.attempts.record(api.tenant.tenant_id, attempt, expires_s=0)


def make_attempts(api: Api, count: int) -> list[Attempt]:
    webhook_id = webhook_id_of(api)
    return [
        make_attempt(webhook_id=webhook_id, number=number, started_ms=NOW_MS + number)
        for number in range(1, count + 1)
    ]


async def test_an_attempt_is_shown_with_its_event_and_its_outcome(api: Api) -> None:
    [failed, delivered] = make_attempts(api, 2)
    delivered = replace(delivered, outcome=make_outcome(204))
    await keep(api, failed, delivered, make_attempt())

    shown = (await api.client.get(f"/v1/webhooks/{failed.webhook_id}/attempts")).json()

    assert shown["next_cursor"] is None
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["delivered", "failed"]
    assert shown["attempts"][1] == {
        "event_id": failed.event_id,
        "webhook_id": failed.webhook_id,
        "number": 1,
        "outcome": "failed",
        "started_at": "2026-11-22T05:29:00.124Z",
        "duration_ms": 12,
        "status_code": 503,
        "error": "receiver answered 503",
        "response_excerpt": "overloaded",
    }


async def test_attempts_come_in_pages(api: Api) -> None:
    attempts = make_attempts(api, 5)
    await keep(api, *attempts)
    path = f"/v1/webhooks/{webhook_id_of(api)}/attempts?limit=2"

    numbers: list[list[int]] = []
    cursors: list[str | None] = []
    for _ in range(3):
        cursor = f"&cursor={cursors[-1]}" if cursors else ""
        page = (await api.client.get(path + cursor)).json()
        numbers.append([attempt["number"] for attempt in page["attempts"]])
        cursors.append(page["next_cursor"])

    assert numbers == [[5, 4], [3, 2], [1]]
    assert cursors[-1] is None


async def test_B42_a_cursor_is_that_of_one_webhook_and_one_tenant(api: Api) -> None:
    await keep(api, *make_attempts(api, 2))
    webhook_id = webhook_id_of(api)
    page = await api.client.get(f"/v1/webhooks/{webhook_id}/attempts?limit=1")
    cursor = page.json()["next_cursor"]
    other, other_key = api.add_tenant()
    others = webhook_id_of(api, other.tenant_id)
    view = api.resources.control.views[api.tenant.tenant_id]
    view.webhooks[others] = replace(view.webhooks[webhook_id], webhook_id=others)

    for path, key in (
        (f"/v1/webhooks/{others}/attempts?cursor={cursor}", api.key),
        (f"/v1/webhooks/{others}/attempts?cursor={cursor}", other_key),
        (f"/v1/webhooks/{webhook_id}/attempts?cursor={cursor[:-1]}", api.key),
        (f"/v1/webhooks/{webhook_id}/attempts?cursor=", api.key),
        (f"/v1/inbox?cursor={cursor}", api.key),
    ):
        answer = await api.client.get(path, headers=with_key(key))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), path


async def test_another_tenants_attempts_and_those_of_no_webhook_are_not_found(api: Api) -> None:
    path = f"/v1/webhooks/{webhook_id_of(api)}/attempts"
    _, other_key = api.add_tenant()
    assert (await api.client.get(path, headers=with_key(other_key))).status_code == 404
    assert (await api.client.get("/v1/webhooks/wh_gone/attempts")).status_code == 404
    assert (await api.client.get(f"{path}?outcome=failed")).status_code == 400
