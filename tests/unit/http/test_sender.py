"""What the sender sends, and what it makes of answers that are in order."""

import re
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from standardwebhooks import Webhook as Verifier

from tests.factories import NOW_MS, FakeClock, make_event
from tests.processes import until
from tests.raw_receivers import HOST, answer, answering, receiving, saying
from tests.unit.http.sending import (
    NOT_MADE,
    SECRET,
    attempt,
    make_request,
    open_sender,
    outcome_of,
)
from triggers import VERSION
from triggers.events import body_to_send
from triggers.http.sender import LocalShortageError
from triggers.retries import Verdict, verdict_of
from triggers.times import rfc3339, system_clock

DAY = 86_400
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PAYLOAD = '{"price":1.0,"e":1e2,"big":12345678901234567890,"b":2,"a":"ä"}'


async def test_a_receiver_gets_exactly_what_the_api_promises() -> None:
    clock = FakeClock(NOW_MS)
    event = make_event(payload=PAYLOAD)
    body = body_to_send(event)
    async with receiving(answering(answer())) as receiver, open_sender(clock=clock) as sender:
        await sender.send(make_request(receiver.url, event_id=event.event_id, body=body))
        [request] = receiver.requests
    assert request.line == "POST /hook HTTP/1.1"
    assert request.body == body
    assert sorted(request.headers) == [
        ("content-length", str(len(body))),
        ("content-type", "application/json"),
        ("host", f"127.0.0.1:{receiver.port}"),
        ("user-agent", f"Triggers/{VERSION}"),
        ("webhook-id", event.event_id),
        ("webhook-signature", dict(request.headers)["webhook-signature"]),
        ("webhook-timestamp", str(NOW_MS // 1000)),
        ("x-correlation-id", "corr_1"),
    ]
    assert f'"payload":{PAYLOAD}}}'.encode() in request.body
    assert msgspec.json.decode(request.body).keys() == {
        "event_id",
        "event_type",
        "source",
        "created_at",
        "metadata",
        "payload",
    }


@pytest.mark.parametrize(
    "target", ["/a%2Fb?key=c%2Fd+%20&empty=", "/", "/../x/./y//z", "/~a;b=c,d@e:!$&'()*%7E%zz"]
)
async def test_a_url_goes_out_as_the_tenant_wrote_it(target: str) -> None:
    async with receiving(answering(answer())) as receiver:
        await attempt(f"http://{HOST}:{receiver.port}{target}")
    assert [request.line for request in receiver.requests] == [f"POST {target} HTTP/1.1"]


ODD = [
    "/a b",
    "/ HTTP/1.1",
    "/\r\nX-Evil: 1",
    "/\n\n",
    "/\0",
    "/ä",
    "/\ud800",
    "?a b\r\n\r\nPOST /",
]


@pytest.mark.parametrize("target", ODD)
async def test_no_url_breaks_the_request_line(target: str) -> None:
    async with receiving(answering(answer())) as receiver:
        outcome = await attempt(f"http://{HOST}:{receiver.port}{target}")
    assert outcome.status_code == 200 or outcome.error == NOT_MADE
    for request in receiver.requests:
        assert re.fullmatch("POST /[!-~]* HTTP/1.1", request.line)
        assert len(request.headers) == 8


@pytest.mark.parametrize("secrets", [(SECRET,), (SECRET, OTHER_SECRET)])
async def test_every_valid_secret_verifies_what_was_sent(secrets: tuple[str, ...]) -> None:
    values = {"secrets": secrets, "body": PAYLOAD.encode(), "timestamp": system_clock() // 1000}
    async with receiving(answering(answer())) as receiver, open_sender() as sender:
        await sender.send(make_request(receiver.url, **values))
        [request] = receiver.requests
    for secret in secrets:
        Verifier(secret).verify(request.body, dict(request.headers))


async def test_b57_a_webhooks_own_headers_go_along_and_ours_win() -> None:
    headers = {"X-Shop": "a\tb", "authorization": "Basic x", "Cookie": "a=1"}
    taken = {"Webhook-Id": "x", "HOST": "evil", "content-length": "0", "User-Agent": "y"}
    async with receiving(answering(answer())) as receiver, open_sender() as sender:
        await sender.send(make_request(receiver.url, headers=headers | taken))
        await sender.send(make_request(receiver.url))
        with_headers, without = (dict(request.headers) for request in receiver.requests)
    assert with_headers == without | {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_2xx_is_delivered(status: int) -> None:
    outcome = await outcome_of(answering(answer(status, b"" if status == 204 else b"thanks")))
    assert verdict_of(outcome) is Verdict.DELIVERED
    assert (outcome.status_code, outcome.error) == (status, None)


async def test_the_answer_to_a_failure_is_kept() -> None:
    outcome = await outcome_of(answering(answer(500, b'{"error": "database is down"}')))
    assert (outcome.status_code, outcome.excerpt) == (500, '{"error": "database is down"}')
    assert outcome.duration_ms < 1000


async def test_a_refused_connection_is_said_so() -> None:
    with socket.socket() as bound:  # and not listening
        bound.bind(("127.0.0.1", 0))
        outcome = await attempt(f"http://127.0.0.1:{bound.getsockname()[1]}/")
    assert outcome.error == "the connection was refused"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["itself", "link-local", "a file", "nonsense"])
async def test_f65_redirects_are_failures_and_not_followed(status: int, to: str) -> None:
    locations = {
        "itself": "/hook",
        "link-local": "http://169.254.169.254/latest/meta-data/",
        "a file": "file:///etc/passwd",
        "nonsense": "\\\\:::://[",
    }
    redirect = answer(status, b"moved", f"Location: {locations[to]}")
    async with receiving(answering(redirect)) as receiver:
        outcome = await attempt(receiver.url)
    assert (outcome.status_code, outcome.excerpt) == (status, "moved")
    assert verdict_of(outcome) is Verdict.RETRY
    assert len(receiver.requests) == 1


RETRY_AFTER = [
    ("120", 120),
    (rfc3339(NOW_MS), None),
    ("Sun, 22 Nov 2026 05:30:00 GMT", 59),
    ("Sun, 22 Nov 2026 05:28:00 GMT", None),
    ("soon", None),
    ("-1", None),
    (str(10 * 365 * DAY), DAY),
    ("Sun, 22 Nov 2036 05:30:00 GMT", DAY),
]


@pytest.mark.parametrize("status", [429, 503, 302, 404])
@pytest.mark.parametrize(("header", "seconds"), RETRY_AFTER)
async def test_f68_retry_after_is_taken_up_with_a_failure(
    header: str, seconds: int | None, status: int
) -> None:
    outcome = await outcome_of(answering(answer(status, b"", f"Retry-After: {header}")))
    assert outcome.retry_after_seconds == seconds


async def test_f68_retry_after_means_nothing_with_a_success() -> None:
    outcome = await outcome_of(answering(answer(200, b"", "Retry-After: 120")))
    assert outcome.retry_after_seconds is None


async def test_a_replay_says_its_number_and_nothing_else_does() -> None:
    async with receiving(answering(answer())) as receiver, open_sender() as sender:
        for number in (0, 3):
            await sender.send(make_request(receiver.url, replay=number))
    told = [dict(request.headers).get("webhook-replay") for request in receiver.requests]
    assert told == [None, "3"]


async def test_b72_cookies_are_not_kept() -> None:
    cookie = answer(200, b"", "Set-Cookie: session=1; Path=/", 'Set-Cookie: odd;;="; Domain=')
    async with receiving(answering(cookie)) as receiver, open_sender() as sender:
        for _ in range(2):
            await sender.send(make_request(receiver.url))
    assert len(receiver.requests) == 2
    assert not any(name == "cookie" for r in receiver.requests for name, _ in r.headers)


async def test_neither_proxy_nor_password_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    passwords = tmp_path / "netrc"
    passwords.write_text("machine 127.0.0.1 login us password secret\n")
    monkeypatch.setenv("NETRC", str(passwords))
    async with receiving(answering(answer())) as receiver, receiving(saying(b"")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        outcome = await attempt(receiver.url)
    assert outcome.status_code == 200
    assert proxy.connections == []
    assert not any(name == "authorization" for name, _ in receiver.requests[0].headers)


async def test_a_kept_connection_is_used_again() -> None:
    answers = answering(answer(200, b"x"), answer(500, b"y"))
    async with receiving(answers) as receiver, open_sender() as sender:
        request = make_request(receiver.url)
        statuses = [(await sender.send(request)).status_code for _ in range(3)]
    assert statuses == [200, 500, 500]
    assert len(receiver.connections) == 1


async def test_a_connection_that_the_receiver_closed_is_not() -> None:
    async with receiving(saying(answer(200, b"x"))) as receiver, open_sender() as sender:
        for connections in (1, 2):
            assert (await sender.send(make_request(receiver.url))).status_code == 200
            await until(lambda wanted=connections: receiver.ended == wanted)  # type: ignore[misc]
    assert len(receiver.connections) == 2


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Let this process open no further file or socket, whatever is closed meanwhile."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_f17_out_of_descriptors_is_no_failure_of_the_receiver() -> None:
    async with receiving(answering(answer())) as receiver, open_sender() as sender:
        with no_more_descriptors(), pytest.raises(LocalShortageError):
            await sender.send(make_request(receiver.url))
        assert (await sender.send(make_request(receiver.url))).status_code == 200
