"""Links: what can be done next with the id that an answer gave out."""

from collections.abc import Mapping
from typing import Any

from app.openapi.parameters import names_in

Paths = Mapping[str, Mapping[str, Any]]


def add_links(path: str, operation: dict[str, Any], paths: Paths) -> None:
    """Add the links of an operation that makes something, hence has a `Location`."""
    for response in operation["responses"].values():
        if "Location" in response["headers"] and "content" in response:
            [content] = response["content"].values()
            linked = _linked(paths, content["example"])  # some fields are only in some answers
            response["links"] = {
                told["operationId"]: _link(told["operationId"], name)
                for other, name in linked.items()
                for told in paths[other].values()
            }
            location = response["headers"]["Location"]
            location["example"] = _location(path, linked, paths).format(**content["example"])


def _linked(paths: Paths, fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the paths whose only parameter is one of these fields, with that."""
    names = {path: names_in(path) for path in paths}
    return {path: of[0] for path, of in names.items() if len(of) == 1 and of[0] in fields}


def _link(operation_id: str, name: str) -> dict[str, Any]:
    return {"operationId": operation_id, "parameters": {name: f"$response.body#/{name}"}}


def _location(path: str, linked: Mapping[str, str], paths: Paths) -> str:
    """Return the path of what was made: rather something new than what the path named already."""
    readable = [p for p, name in linked.items() if p.endswith(f"{{{name}}}") and "get" in paths[p]]
    return min(readable, key=lambda p: linked[p] in names_in(path), default="/docs")
