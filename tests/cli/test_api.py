"""How the command line calls: what it tries again, what it does not, and with which state in mind."""

from collections.abc import Callable

import httpx
import pytest
from click.testing import CliRunner

from triggers.cli.api import Api, is_passing
from triggers.cli.context import Session
from triggers.cli.errors import NoAnswer
from triggers.cli.main import triggers
from triggers.cli.targets import Target

BUSY = httpx.Response(503, headers={"retry-after": "7"})
LATER = httpx.Response(503, headers={"retry-after": "60"})
WELL = httpx.Response(200, json={})
Answer = httpx.Response | type[Exception]


class Calls:
    """An API whose service gives the answers that a test wants, and the calls and pauses it came to."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.api = Api(
            Target(api="https://ours.example", key="k", signing_secret="sig_x"),
            notify=lambda _: None,
            transport=httpx.MockTransport(self._answer),
            pause=self.pauses.append,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        # A copy: the next try signs the same request anew.
        copy = httpx.Request(request.method, request.url, headers=dict(request.headers))
        self.requests.append(copy)
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("gone")


def read(api: Api) -> object:
    return api.get("/v1/keys")


def make(api: Api) -> object:
    return api.call("POST", "/v1/keys", {})


def send(api: Api) -> object:
    return api.call("POST", "/v1/events", {}, headers={"idempotency-key": "1"})


Call = Callable[[Api], object]


@pytest.mark.parametrize(
    ("call", "answers", "pauses"),
    [
        (read, (BUSY, WELL), [7]),
        (read, (httpx.ReadTimeout, httpx.ConnectError, BUSY, WELL), [0.5, 1, 7]),
        (read, (httpx.Response(500), WELL), [0.5]),
        (send, (httpx.ReadError, WELL), [0.5]),
        (make, (WELL,), []),
    ],
)
def test_what_is_safe_to_repeat_is_tried_again(
    call: Call, answers: tuple[Answer, ...], pauses: list[float]
) -> None:
    calls = Calls(*answers)
    call(calls.api)
    assert (calls.pauses, calls.answers) == (pauses, [])


@pytest.mark.parametrize(
    ("call", "answers"),
    [
        (make, (BUSY,)),
        (make, (httpx.ReadTimeout,)),
        (read, (httpx.ConnectError,) * 4),
        (read, (LATER,)),
        (read, (httpx.Response(404),)),
        (read, (httpx.Response(302, headers={"location": "https://others.example"}),)),
    ],
)
def test_what_is_not_safe_or_takes_too_long_fails(call: Call, answers: tuple[Answer, ...]) -> None:
    calls = Calls(*answers)
    with pytest.raises(NoAnswer):
        call(calls.api)
    assert calls.answers == []


PROBLEM = {"content-type": "application/problem+json"}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"webhooks": []}),
        httpx.Response(404, text="<html>"),
        httpx.Response(400, headers=PROBLEM, text="{"),
        httpx.Response(400, headers=PROBLEM, json={"errors": ["x"]}),
        httpx.Response(400, headers=PROBLEM, json={"status": "x"}),
    ],
)
def test_what_answers_but_is_not_the_api_is_told_apart(answer: httpx.Response) -> None:
    with pytest.raises(NoAnswer) as raised:
        Calls(answer).api.whole("/v1/webhooks", "webhooks")
    assert not is_passing(raised.value)


def test_a_signature_that_another_run_has_used_is_made_anew() -> None:
    used = httpx.Response(401, headers=PROBLEM, json={"code": "signature_invalid"})
    calls = Calls(used, WELL)
    read(calls.api)
    first, second = (request.headers["x-triggers-timestamp"] for request in calls.requests)
    assert int(second) == int(first) + 1


def test_a_change_of_a_webhook_is_one_of_what_was_read() -> None:
    present = httpx.Response(200, headers={"etag": '"7"'}, json={"headers": {}})
    changed = {"type": "https://others.example/precondition_failed", "title": "It has changed"}
    refused = httpx.Response(
        412, headers={"content-type": "application/problem+json"}, json=changed
    )
    calls = Calls(present, refused)
    session = Session()
    session.api = calls.api
    ran = CliRunner().invoke(
        triggers, ["webhooks", "update", "wh_1", "--header", "A: 1"], obj=session
    )
    assert (ran.exit_code, calls.requests[1].headers["if-match"]) == (1, '"7"')
