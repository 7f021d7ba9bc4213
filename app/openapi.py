"""The OpenAPI 3.1 document, made from the operations that stand beside the handlers.

Litestar's own generator cannot be used: it reads signatures, and ours take bodies as bytes, since
a payload must stay as it came in.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from operator import itemgetter
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute
from msgspec import Struct

from app.operations import Operation, operation_of
from app.problems import MEDIA_TYPE, PAGES, PROBLEMS, ProblemDocument
from triggers import VERSION

REFERENCE = "#/components/schemas/{name}"
DESCRIPTION = """Send an event with one POST. It is kept safe until it has been pushed to every
webhook that wants it, or pulled from the inbox and acknowledged.

Every answer carries `X-Request-ID`, and `X-Correlation-ID`: yours if you sent one of 1–128
visible ASCII characters. Every error is `application/problem+json`; its `type` leads to a page
with cause and cure."""
# In the order in which a newcomer needs them.
TAGS = ("Events", "Inbox", "Webhooks", "Keys", "Tenants", "Service", "Documentation")
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key: trg_…"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key"},
}
_PARAMETER = re.compile(r"\{(\w+)\}")
_NEWLINE_GUARD = r"(?!\n)"  # see EventType: a rule of Python's expressions, not of JSON Schema's


def document_of(routes: Iterable[BaseRoute]) -> bytes:
    """Return the document that describes these routes, as JSON."""
    # In order, whatever the order of the hashes: every process serves the same document.
    described = sorted(_operations(routes), key=itemgetter(0, 1))
    paths: dict[str, dict[str, Any]] = {}
    uses: Counter[str] = Counter()
    for path, method, handler, operation in described:
        uses[handler.handler_name] += 1
        number = "" if uses[handler.handler_name] == 1 else f"_{uses[handler.handler_name]}"
        name = {"operationId": handler.handler_name + number}
        paths.setdefault(path, {})[method] = name | _describe(path, handler, operation)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Triggers API", "version": VERSION, "description": DESCRIPTION},
        "tags": [{"name": tag} for tag in TAGS],
        "paths": paths,
        "components": {
            "schemas": _schemas(operation for *_, operation in described),
            "securitySchemes": SECURITY,
        },
    }
    return msgspec.json.encode(document)


def _operations(
    routes: Iterable[BaseRoute],
) -> Iterator[tuple[str, str, HTTPRouteHandler, Operation]]:
    for route in routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                operation = operation_of(handler.opt)
                if operation is not None:
                    for method in handler.http_methods:
                        yield route.path_format, method.lower(), handler, operation


def _describe(path: str, handler: HTTPRouteHandler, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _description(operation),
        "parameters": [*_path_parameters(path), *_query_parameters(operation.query)],
        "responses": _responses(path, handler, operation),
    }
    if operation.scope is not None:
        described["security"] = [{"bearer": []}, {"key": []}]
    if operation.body is not None:
        content = {"schema": _schema(operation.body), "example": operation.example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _description(operation: Operation) -> str:
    needed = f"Needs the scope `{operation.scope}`." if operation.scope else "Needs no key."
    return f"{operation.description} {needed}".strip()


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]


def _query_parameters(query: type[Struct] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    properties = msgspec.json.schema_components([query], ref_template=REFERENCE)[1]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.get("description", ""),
            "schema": schema,
        }
        for name, schema in properties[query.__name__]["properties"].items()
    ]


def _responses(path: str, handler: HTTPRouteHandler, operation: Operation) -> dict[str, Any]:
    answers = {
        status: _answer(status, operation) for status in (handler.status_code, *operation.also)
    }
    by_status: dict[int, list[str]] = {}
    for code in _problem_codes(path, operation):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    problems = {status: _problem_response(codes) for status, codes in by_status.items()}
    return {str(status): told for status, told in sorted((answers | problems).items())}


def _answer(status: int, operation: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if operation.answer is not None:
        answer["content"] = {operation.media_type: {"schema": _schema(operation.answer)}}
    if operation.headers:
        answer["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in operation.headers.items()
        }
    return answer


def _problem_codes(path: str, operation: Operation) -> Iterator[str]:
    """Tell which problems an operation can answer with, from what it takes."""
    if operation.scope is not None:
        yield from ("unauthenticated", "forbidden", "unavailable")
    if operation.body is not None:
        yield from ("validation_failed", "malformed_json", "request_timeout")
        yield from ("payload_too_large", "unsupported_media_type")
    elif operation.query is not None:
        yield "validation_failed"
    if "{" in path:
        yield "not_found"
    yield from operation.problems
    yield "internal_error"


def _problem_response(codes: list[str]) -> dict[str, Any]:
    examples = {
        code: {
            "value": {
                "type": PAGES + code,
                "title": PROBLEMS[code].title,
                "status": PROBLEMS[code].status,
                "code": code,
                "detail": PROBLEMS[code].cause,
                "request_id": "req_7Z0M3S5B7C9KAN72XQV8",
                "correlation_id": "corr_7Z0M3S5B7C9KAN72XQV8",
            }
        }
        for code in codes
    }
    described: dict[str, Any] = {
        "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in codes),
        "content": {MEDIA_TYPE: {"schema": _schema(ProblemDocument), "examples": examples}},
    }
    if "unavailable" in codes:
        seconds = {"description": "Seconds to wait", "schema": {"type": "integer"}}
        described["headers"] = {"Retry-After": seconds}
    return described


def _schema(kind: type[Struct]) -> dict[str, Any]:
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    kinds: dict[type[Struct], None] = {ProblemDocument: None}
    for operation in operations:
        kinds |= {kind: None for kind in (operation.body, operation.answer) if kind is not None}
    _, components = msgspec.json.schema_components(list(kinds), ref_template=REFERENCE)
    for event_kind in ("EventIn", "EventOut"):
        event_type = components[event_kind]["properties"]["event_type"]
        event_type["pattern"] = event_type["pattern"].removesuffix(_NEWLINE_GUARD)
    return components
