"""The calls of the hot path, against an AWS that says what the test wants."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.factories import make_settings
from triggers.aws.clients import Clients, open_clients
from triggers.aws.operations import BATCH_EXECUTE_STATEMENT, SEND_MESSAGE_BATCH
from triggers.errors import StoreUnavailable

ACCESS_KEY, SECRET_KEY, TOKEN = "AKIDEXAMPLE", "its-secret", "of-a-role"
REQUEST = {"Statements": [{"Statement": "…", "Parameters": ({"B": b"\xff"},)}]}
THROTTLED = (400, '{"__type": "com.amazonaws#ThrottlingException"}')
OUTAGE = (503, "<html>")
REFUSED = (400, '{"__type": "com.amazonaws#ValidationException", "message": "no"}')
ANSWERED = (200, '{"Responses": [{"Item": {"data": {"B": "/w=="}}}], "New": 1}')
ELSEWHERE = (307, "")


class Aws:
    """Answers one call after another as told, the last answer again and again; keeps the calls."""

    def __init__(self, *answers: tuple[int, str], headers: dict[str, str] | None = None) -> None:
        self.calls: list[tuple[web.Request, bytes]] = []
        self._answers = answers
        self._headers = {"Location": "/elsewhere"} | (headers or {})

    async def answer(self, request: web.Request) -> web.Response:
        self.calls.append((request, await request.read()))
        status, text = self._answers[min(len(self.calls), len(self._answers)) - 1]
        return web.Response(status=status, text=text, headers=self._headers)


@asynccontextmanager
async def calling(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, token: str = TOKEN
) -> AsyncIterator[Clients]:
    """Have clients that go there, with the credentials of a role unless the token is empty."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", aws.answer)
    async with TestServer(application) as server:
        for name, text in {
            "AWS_ENDPOINT_URL": str(server.make_url("/")),
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": token,
        }.items():
            monkeypatch.setenv(name, text)
        async with open_clients(make_settings()) as clients:
            yield clients


async def hot_call(clients: Clients, service: str) -> object:
    if service == "sqs":
        return await clients.hot_sqs_send.call(SEND_MESSAGE_BATCH, REQUEST)
    return await clients.hot_dynamodb.call(BATCH_EXECUTE_STATEMENT, REQUEST)


@pytest.mark.parametrize(("service", "token"), [("dynamodb", TOKEN), ("sqs", TOKEN), ("sqs", "")])
async def test_a_call_is_signed_so_that_botocore_would_sign_it_alike(
    service: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws((200, "{}"))
    async with calling(aws, monkeypatch, token) as clients:
        await hot_call(clients, service)
    [(request, body)] = aws.calls
    assert request.headers["X-Amz-Target"] in {
        "DynamoDB_20120810.BatchExecuteStatement",
        "AmazonSQS.SendMessageBatch",
    }
    assert request.headers.get("X-Amz-Security-Token", "") == token

    signed = re.search("SignedHeaders=([^,]*)", request.headers["Authorization"])
    assert signed is not None
    # The token comes anew with the signature, and the time of signing is that of the call.
    kept = {name: request.headers[name] for name in signed[1].split(";") if "token" not in name}
    again = AWSRequest("POST", str(request.url), kept, body)
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY, token), service, "eu-central-1")
    again.context["timestamp"] = request.headers["X-Amz-Date"]
    if token:
        again.headers["X-Amz-Security-Token"] = token
    text = signer.string_to_sign(again, signer.canonical_request(again))
    assert request.headers["Authorization"].endswith(f"Signature={signer.signature(text, again)}")


@pytest.mark.parametrize(
    ("answers", "calls"),
    [((ANSWERED,), 1), ((THROTTLED, ANSWERED), 2), ((OUTAGE, OUTAGE, ANSWERED), 3)],
)
async def test_what_may_pass_is_tried_again_and_bytes_come_back_as_bytes(
    answers: tuple[tuple[int, str], ...], calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws(*answers)
    async with calling(aws, monkeypatch) as clients:
        answer = await clients.hot_dynamodb.call(BATCH_EXECUTE_STATEMENT, REQUEST)
    assert answer == {"Responses": [{"Item": {"data": {"B": b"\xff"}}}]}
    assert len(aws.calls) == calls
    assert len({body for _, body in aws.calls}) == 1


@pytest.mark.parametrize(
    ("service", "answer", "code", "calls"),
    [
        ("dynamodb", REFUSED, "ValidationException", 1),
        ("dynamodb", THROTTLED, "ThrottlingException", 3),
        ("sqs", THROTTLED, "ThrottlingException", 1),
        ("dynamodb", ELSEWHERE, "307", 1),
    ],
)
async def test_a_refusal_is_told_by_its_code_and_tried_as_often_as_the_client_would(
    service: str, answer: tuple[int, str], code: str, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws(answer)
    async with calling(aws, monkeypatch) as clients:
        with pytest.raises(ClientError) as refused:
            await hot_call(clients, service)
    assert refused.value.response["Error"]["Code"] == code
    assert len(aws.calls) == calls


async def test_the_older_codes_of_sqs_are_those_that_count(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws(REFUSED, headers={"x-amzn-query-error": "InvalidParameterValue;Sender"})
    async with calling(aws, monkeypatch) as clients:
        with pytest.raises(ClientError) as refused:
            await hot_call(clients, "sqs")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        *((200, text) for text in ("", "{", "[]", '{"Responses": 1}', "<html>")),
        *((502, text) for text in ("null", "[]", '"x"', "5")),
        (201, "{}"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_no_answer(
    status: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws((status, text))
    async with calling(aws, monkeypatch) as clients:
        with pytest.raises(StoreUnavailable, match="unreadable answer"):
            await clients.hot_dynamodb.call(BATCH_EXECUTE_STATEMENT, REQUEST)
    assert len(aws.calls) == 3


async def test_a_header_that_would_break_a_request_is_a_call_that_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = Aws(ANSWERED)
    async with calling(aws, monkeypatch, token="a\nb") as clients:
        with pytest.raises(StoreUnavailable, match="ValueError"):
            await hot_call(clients, "dynamodb")
    assert not aws.calls
