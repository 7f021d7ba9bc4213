"""Errors as answers: every one has a status, and the same form."""

import re

import msgspec
import pytest

from app.problems.answers import code_of
from app.problems.table import PROBLEMS
from tests.unit.app.api import Api
from triggers import errors
from triggers.errors import Overloaded, StoreUnavailable, TriggersError

FIELDS = {"type", "title", "status", "code", "detail", "request_id", "correlation_id"}
HTTP_ONLY = {"bad_request", "method_not_allowed", "headers_too_large"}


def tree_of(kind: type[TriggersError]) -> list[type[TriggersError]]:
    """Return an error and everything below it."""
    return [kind, *(below for child in kind.__subclasses__() for below in tree_of(child))]


def test_every_error_of_the_domain_has_a_status_and_every_status_an_error() -> None:
    tree = [kind for kind in tree_of(TriggersError) if kind.__module__ == errors.__name__]
    assert len(tree) >= 17
    assert {kind.code for kind in tree} | HTTP_ONLY == set(PROBLEMS)


def test_the_statuses_are_those_of_the_contract() -> None:
    assert {code: problem.status for code, problem in PROBLEMS.items()} == {
        "validation_failed": 400,
        "malformed_json": 400,
        "invalid_cursor": 400,
        "bad_request": 400,
        "unauthenticated": 401,
        "signature_invalid": 401,
        "forbidden": 403,
        "not_found": 404,
        "method_not_allowed": 405,
        "request_timeout": 408,
        "conflict": 409,
        "already_acknowledged": 409,
        "limit_reached": 409,
        "no_webhook": 409,
        "recovery_running": 409,
        "replay_limit_reached": 409,
        "webhook_disabled": 409,
        "precondition_failed": 412,
        "payload_too_large": 413,
        "unsupported_media_type": 415,
        "idempotency_mismatch": 422,
        "rate_limited": 429,
        "headers_too_large": 431,
        "internal_error": 500,
        "unavailable": 503,
    }


def test_what_passes_by_itself_may_be_tried_again_and_nothing_else() -> None:
    retryable = {code for code, problem in PROBLEMS.items() if problem.is_retryable}
    assert retryable == {"request_timeout", "rate_limited", "internal_error", "unavailable"}


def test_what_nobody_foresaw_is_our_fault() -> None:
    assert code_of(ValueError("x")) == "internal_error"


@pytest.mark.parametrize(
    "path",
    ["/nope", "/v1", "/v1/", "/v2/events", "/v1/event", "/v1/events/a/b/c", "/docs/assets/nope.js"],
)
async def test_an_unknown_path_is_not_found(api: Api, path: str) -> None:
    answer = await api.client.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) == FIELDS
    assert problem["type"] == "/docs/problems/not_found"
    assert problem["status"] == 404
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]


@pytest.mark.parametrize("path", ["/docs/assets/../../__init__.py", "/docs/assets/%2e%2e/x.py"])
async def test_nothing_outside_of_the_assets_is_served(api: Api, path: str) -> None:
    assert (await api.client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/events", "GET, HEAD, OPTIONS, POST"),
        ("PUT", "/v1/webhooks", "GET, HEAD, OPTIONS, POST"),
        ("PUT", "/v1/keys/x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("DELETE", "/v1/inbox", "GET, HEAD, OPTIONS"),
        ("POST", "/liveness", "GET, HEAD, OPTIONS"),
        ("PROPFIND", "/v1/events", "GET, HEAD, OPTIONS, POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = await api.client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allowed
    assert set(answer.json()) == FIELDS


async def test_a_method_cannot_be_overridden(api: Api) -> None:
    headers = {"x-http-method-override": "DELETE", "x-method-override": "DELETE"}
    assert (await api.client.get("/v1/inbox", headers=headers)).status_code == 200


@pytest.mark.parametrize("error", [StoreUnavailable("GetItem secret-table"), Overloaded()])
async def test_what_passes_is_unavailable_and_says_when_to_try_again(
    api: Api, error: TriggersError
) -> None:
    api.resources.events.failing = error
    answer = await api.post("/v1/events", '{"event_type": "a", "payload": 1}')
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "secret-table" not in answer.text


async def test_a_fault_of_ours_is_logged_whole_and_told_to_nobody(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.resources.events.failing = ZeroDivisionError("the inside")  # type: ignore[assignment]
    answer = await api.post("/v1/events", '{"event_type": "a", "payload": 1}')
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert set(answer.json()) == FIELDS
    assert "inside" not in answer.text
    assert "ZeroDivisionError" not in answer.text
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.__dict__["fields"]["request_id"] == answer.json()["request_id"]
    assert "ZeroDivisionError: the inside" in caplog.text


async def test_what_the_store_refuses_is_told_to_nobody(api: Api) -> None:
    api.resources.events.failing = errors.StoreRefused("PutItem events: ValidationException")
    answer = await api.post("/v1/events", '{"event_type": "a", "payload": 1}')
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "PutItem" not in answer.text


async def test_a_bad_host_is_a_bad_request(api: Api) -> None:
    answer = await api.client.get("/liveness", headers={"host": "a b"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_no_problem_speaks_of_the_inside() -> None:
    told = msgspec.json.encode(PROBLEMS).decode()
    assert not re.search(r"DynamoDB|SQS|Litestar|msgspec", told)
