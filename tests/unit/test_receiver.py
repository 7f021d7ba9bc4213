"""The example receiver: what it keeps, what it verifies, what it answers."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from standardwebhooks import Webhook

from infra.local.receiver import REQUESTS_MAX, create_receiver, is_verified

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
BODY = '{"event_id":"evt_1","payload":{"price":1.0,"name":"ä"}}'


def signed_headers(secret: str = SECRET, *, now_seconds: float | None = None) -> dict[str, str]:
    """Sign as the library of Standard Webhooks does, independently of our own code."""
    seconds = int(now_seconds or time.time())
    at = datetime.fromtimestamp(seconds, UTC)
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": Webhook(secret).sign("evt_1", at, BODY),
    }


def client_of(secret: str = SECRET) -> TestClient[Any, Any]:
    return TestClient(TestServer(create_receiver(secret)))


async def test_a_signed_request_is_kept_as_it_came_and_verified() -> None:
    async with client_of() as client:
        answer = await client.post("/hook", data=BODY, headers=signed_headers())
        [received] = await (await client.get("/requests")).json()
    assert answer.status == 200
    assert received["body"] == BODY
    assert received["verified"] is True
    assert received["headers"]["webhook-id"] == "evt_1"
    assert abs(received["received_ms"] - time.time() * 1000) < 60_000


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(header: str) -> None:
    headers = signed_headers()
    del headers[header]
    assert not is_verified(SECRET, headers, BODY.encode(), int(time.time()))


@pytest.mark.parametrize(
    ("secret", "body", "age_seconds"),
    [(OTHER_SECRET, BODY, 0), (SECRET, BODY + " ", 0), (SECRET, BODY, 301), (SECRET, BODY, -301)],
    ids=["another secret", "another body", "too old", "from the future"],
)
def test_what_is_not_ours_is_not_verified(secret: str, body: str, age_seconds: int) -> None:
    now_seconds = int(time.time())
    headers = signed_headers(secret, now_seconds=now_seconds - age_seconds)
    assert not is_verified(SECRET, headers, body.encode(), now_seconds)


def test_one_good_signature_among_several_is_enough() -> None:
    headers = signed_headers()
    headers["webhook-signature"] = f"v1,bm90aGluZw== {headers['webhook-signature']}"
    assert is_verified(SECRET, headers, BODY.encode(), int(time.time()))


async def test_without_a_secret_nothing_is_verified() -> None:
    async with client_of("") as client:
        await client.post("/hook", data=BODY, headers=signed_headers())
        [received] = await (await client.get("/requests")).json()
    assert received["verified"] is False


async def test_it_answers_the_status_of_the_path_after_the_delay() -> None:
    async with client_of() as client:
        started = time.monotonic()
        answer = await client.post("/hook/503?delay=0.05", data=BODY)
        took_seconds = time.monotonic() - started
        [received] = await (await client.get("/requests")).json()
    assert answer.status == received["status"] == 503
    assert took_seconds >= 0.05
    assert received["path"] == "/hook/503?delay=0.05"


async def test_it_recovers_for_each_event_when_it_has_failed_as_often_as_asked() -> None:
    async with client_of() as client:

        async def answers(path: str, webhook_id: str, times: int) -> list[int]:
            headers = {"webhook-id": webhook_id}
            return [(await client.post(path, headers=headers)).status for _ in range(times)]

        assert await answers("/hook", "evt_1", 1) == [200]  # another webhook's does not count
        assert await answers("/hook/503?times=2", "evt_1", 4) == [503, 503, 200, 200]
        assert await answers("/hook/503?times=2", "evt_2", 3) == [503, 503, 200]
        assert await answers("/hook/503?times=0", "evt_1", 1) == [200]
        [newest] = await (await client.get("/requests?limit=1")).json()
    assert newest["status"] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/hook?delay=soon", 400),
        ("POST", "/hook?delay=nan", 400),
        ("POST", "/hook?delay=-1", 400),
        ("POST", "/hook/503?times=twice", 400),
        ("POST", "/hook/503?times=-1", 400),
        ("POST", "/hook/999", 404),
        ("GET", "/hook", 405),
        ("GET", "/requests?limit=few", 400),
    ],
)
async def test_what_it_does_not_know_it_refuses_and_does_not_keep(
    method: str, path: str, status: int
) -> None:
    async with client_of() as client:
        answer = await client.request(method, path)
        assert answer.status == status
        assert await (await client.get("/requests")).json() == []


async def test_requests_are_listed_newest_first_and_the_oldest_are_forgotten() -> None:
    async with client_of("") as client:
        for number in range(REQUESTS_MAX + 1):
            await client.post("/hook", data=str(number))
        received = await (await client.get("/requests")).json()
        newest = await (await client.get("/requests?limit=2")).json()
    assert [int(one["body"]) for one in received] == list(range(REQUESTS_MAX, 0, -1))
    assert newest == received[:2]


async def test_the_page_shows_the_list_and_writes_strangers_text_as_text() -> None:
    async with client_of() as client:
        answer = await client.get("/")
        page = await answer.text()
    assert answer.content_type == "text/html"
    assert "/requests?limit=" in page
    assert "innerHTML" not in page
