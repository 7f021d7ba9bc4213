"""The OpenAPI 3.1 document as a whole.

Litestar's own generator cannot be used: it reads signatures, and ours take bodies as bytes, since
a payload must stay as it came in.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute
from msgspec import Struct

from app.openapi.examples import example_of
from app.openapi.headers import header_components
from app.openapi.links import add_links
from app.openapi.parameters import parameters_of
from app.openapi.responses import problem_examples, responses_of
from app.openapi.schemas import reference, schemas_of
from app.openapi.texts import INFO, SECURITY, TAGS
from app.operations import Operation, operation_of
from app.wire.problems import ProblemDocument

Described = tuple[str, str, HTTPRouteHandler, Operation]


def document_of(routes: Iterable[BaseRoute]) -> bytes:
    """Return the document that describes these routes, as JSON."""
    # In order, whatever the order of the hashes: every process serves the same document.
    described = sorted(_operations(routes), key=itemgetter(0, 1))
    names = _operation_ids(described)
    schemas = schemas_of(_kinds(operation for *_, operation in described))
    paths: dict[str, dict[str, Any]] = {}
    for name, (path, method, handler, operation) in zip(names, described, strict=True):
        told = _describe(path, handler.status_code, operation, schemas)
        paths.setdefault(path, {})[method] = {"operationId": name} | told
    for path, methods in paths.items():
        for told in methods.values():
            add_links(path, told, paths)
    used = {operation.tag for *_, operation in described}
    document = {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/", "description": "The service that serves this document"}],
        "tags": [{"name": tag, "description": TAGS[tag]} for tag in TAGS if tag in used],
        "paths": paths,
        "components": {
            "schemas": schemas,
            **header_components(),
            "examples": problem_examples(),
            "securitySchemes": SECURITY,
        },
    }
    return msgspec.json.encode(document)


def _operations(routes: Iterable[BaseRoute]) -> Iterator[Described]:
    for route in routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                operation = operation_of(handler.opt)
                if operation is not None:
                    for method in handler.http_methods:
                        yield route.path_format, method.lower(), handler, operation


def _operation_ids(described: Iterable[Described]) -> Iterator[str]:
    """Return a name for each: its handler's, with a number from its second path on."""
    uses: Counter[str] = Counter()
    for *_, handler, _ in described:
        uses[handler.handler_name] += 1
        number = uses[handler.handler_name]
        yield handler.handler_name + ("" if number == 1 else f"_{number}")


def _kinds(operations: Iterable[Operation]) -> list[type[Struct]]:
    kinds: dict[type[Struct], None] = {ProblemDocument: None}
    for operation in operations:
        kinds |= {kind: None for kind in (operation.body, operation.answer) if kind is not None}
    return list(kinds)


def _describe(
    path: str, status: int, operation: Operation, schemas: dict[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _description(operation),
        "parameters": parameters_of(path, operation),
        "responses": responses_of(path, status, operation, schemas),
    }
    if operation.scope is not None:
        described["security"] = [{"bearer": []}, {"key": []}]
    if operation.body is not None:
        described["requestBody"] = _body(operation, operation.body, schemas)
    return described


def _description(operation: Operation) -> str:
    needed = f"Needs the scope `{operation.scope}`." if operation.scope else "Needs no key."
    return f"{operation.description} {needed}".strip()


def _body(operation: Operation, kind: type[Struct], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = reference(kind)
    example = operation.example
    if example is None:
        example = example_of(schema, schemas)
    content = {"schema": schema, "example": example}
    return {"required": operation.body_required, "content": {"application/json": content}}
