"""The answers of an operation: what it answers when all is well, and all its problems."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from app.openapi.examples import example_of
from app.openapi.headers import answer_headers
from app.openapi.schemas import reference
from app.operations import Operation
from app.problems.kinds import example_answer
from app.problems.table import PROBLEMS
from app.wire.problems import MEDIA_TYPE, ProblemDocument
from triggers.api_keys import Scope

_PAGE = "text/html"
# What has no struct: a page, or this document itself.
_OTHER_CONTENT = {
    _PAGE: {
        "schema": {"type": "string"},
        "example": '<!doctype html><html lang="en">…</html>',
    },
    "application/json": {
        "schema": {"type": "object"},
        "example": {"openapi": "3.1.0", "info": {"title": "Triggers API"}, "paths": {}},
    },
}
_WITHOUT_CONTENT = frozenset({204, 302, 304})


def responses_of(
    path: str, status: int, operation: Operation, components: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what an operation may answer, by status. `status` is that when all is well."""
    statuses = (status, *operation.also)
    answers = {number: _answer(number, operation, components) for number in statuses}
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(_problem_codes(path, operation)):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    for refused, codes in by_status.items():
        problems = _problems(refused, codes, operation)
        answers[refused] = _with_problems(answers.get(refused), problems)
    return {str(number): answer for number, answer in sorted(answers.items())}


def problem_examples() -> dict[str, Any]:
    """Return an example of every problem, by its code."""
    return {
        code: {
            "summary": problem.title,
            "value": msgspec.to_builtins(example_answer(code, problem)),
        }
        for code, problem in PROBLEMS.items()
    }


def _answer(status: int, operation: Operation, components: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "headers": answer_headers(operation, status, is_problem=False),
    }
    if status not in _WITHOUT_CONTENT:
        answer["content"] = _content_of(operation, components)
    return answer


def _content_of(operation: Operation, components: Mapping[str, Any]) -> dict[str, Any]:
    if operation.answer is None:
        return {operation.media_type: _OTHER_CONTENT[operation.media_type]}
    schema = reference(operation.answer)
    example = example_of(schema, components, operation.shown)
    content = {operation.media_type: {"schema": schema, "example": example}}
    return content | ({_PAGE: _OTHER_CONTENT[_PAGE]} if operation.is_page_too else {})


def _problem_codes(path: str, operation: Operation) -> Iterator[str]:
    """Tell which problems an operation can answer with, from what it takes."""
    if operation.scope is not None:
        yield from ("unauthenticated", "forbidden", "rate_limited", "validation_failed")
        if operation.scope is not Scope.ADMIN:
            yield "signature_invalid"
    if operation.body is not None:
        yield from ("malformed_json", "request_timeout")
        yield from ("payload_too_large", "unsupported_media_type")
    if "{" in path:
        yield "not_found"
    yield from operation.problems
    yield from ("bad_request", "method_not_allowed", "headers_too_large")
    yield from ("internal_error", "unavailable")


def _problems(status: int, codes: list[str], operation: Operation) -> dict[str, Any]:
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {
        "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in codes),
        "headers": answer_headers(operation, status, is_problem=True),
        "content": {MEDIA_TYPE: {"schema": reference(ProblemDocument), "examples": examples}},
    }


def _with_problems(answer: dict[str, Any] | None, problems: dict[str, Any]) -> dict[str, Any]:
    """Add the problems of a status to an answer that may come under the same one."""
    if answer is None:
        return problems
    # What only a problem has is not always there.
    headers = {name: told for name, told in problems["headers"].items() if name != "Retry-After"}
    return {
        "description": f"{answer['description']}; {problems['description']}",
        "headers": answer["headers"] | headers,
        "content": answer["content"] | problems["content"],
    }
