"""What the tests of the OpenAPI document share: how to walk through one."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from tests.unit.app.api import Api

METHODS = {"get", "post", "put", "patch", "delete"}


async def document_of(api: Api) -> dict[str, Any]:
    answer = await api.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    document: dict[str, Any] = answer.json()
    return document


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        assert set(item) <= METHODS
        for method, operation in item.items():
            yield path, method, operation


def resolved(document: dict[str, Any], part: Any) -> Any:
    """Return what a reference leads to, or a part that is none."""
    if "$ref" not in part:
        return part
    for name in part["$ref"].removeprefix("#/").split("/"):
        document = document[name]
    return document


def parameters_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, method, operation in operations_of(document):
        for parameter in operation["parameters"]:
            found = resolved(document, parameter)
            yield f"{method} {path} {found['name']}", found


def contents_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every body that is sent or answered, under a name."""
    for path, method, operation in operations_of(document):
        bodies = operation["responses"] | {"body": operation.get("requestBody", {})}
        for name, body in bodies.items():
            for media_type, content in body.get("content", {}).items():
                yield f"{method} {path} {name} {media_type}", content


def examples_of(document: dict[str, Any], content: dict[str, Any]) -> list[Any]:
    several = content.get("examples", {}).values()
    found = [resolved(document, example)["value"] for example in several]
    return found + ([content["example"]] if "example" in content else [])


def values_of(key: str, part: Any) -> Iterator[Any]:
    """Yield every value of a key, however deep."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == key:
                yield value
            yield from values_of(key, value)
    elif isinstance(part, list):
        for value in part:
            yield from values_of(key, value)


def assert_valid(example: Any, schema: dict[str, Any], where: str) -> None:
    """The schema must be one, and the example must follow it."""
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for error in validator.iter_errors(example):
        pytest.fail(f"{where}: {error}")
