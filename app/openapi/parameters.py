"""The parameters of an operation: of its path, its query, and its headers."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from app.openapi.headers import ON_EVERY_REQUEST, header_parameters
from app.openapi.schemas import REFERENCE, tidied
from app.operations import Operation
from app.problems.table import PROBLEMS
from app.wire.ids import EventId, JobId, KeyId, TenantId, WebhookId

_PARAMETER = re.compile(r"\{(\w+)\}")

# Every name that a path may hold.
_IN_PATHS: dict[str, Any] = {
    "event_id": EventId,
    "webhook_id": WebhookId,
    "key_id": KeyId,
    "tenant_id": TenantId,
    "job_id": JobId,
    "code": Annotated[
        str,
        Meta(
            description="The `code` of a problem",
            examples=["not_found"],
            extra_json_schema={"enum": list(PROBLEMS)},
        ),
    ],
}


def names_in(path: str) -> list[str]:
    """Return the names of the parameters that a path holds."""
    return _PARAMETER.findall(path)


def parameters_of(path: str, operation: Operation) -> list[dict[str, Any]]:
    """Return all the parameters of an operation."""
    of_path = [_in_path(name) for name in names_in(path)]
    headers = (*operation.request_headers, *ON_EVERY_REQUEST)
    return [*of_path, *_in_query(operation.query), *header_parameters(headers)]


def _in_path(name: str) -> dict[str, Any]:
    return _parameter(name, "path", tidied(msgspec.json.schema(_IN_PATHS[name]))) | {
        "required": True
    }


def _in_query(query: type[Struct] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    components = msgspec.json.schema_components([query], ref_template=REFERENCE)[1]
    properties = tidied(components[query.__name__])["properties"]
    parts = {name: _without_null(part) for name, part in properties.items()}
    return [_in_query_as(name, _inlined(part, components)) for name, part in parts.items()]


def _inlined(schema: dict[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with what it refers to in its place; what it says itself counts more."""
    if "$ref" not in schema:
        return schema
    referred = tidied(components[schema["$ref"].rpartition("/")[2]])
    return {k: v for k, v in (referred | schema).items() if k not in ("$ref", "title")}


def _in_query_as(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter of a query; an object comes as one for each of its entries."""
    if schema.get("type") != "object":
        return _parameter(name, "query", schema)
    [(key, example)] = schema["examples"][0].items()
    entry = schema["additionalProperties"] | {"description": schema["description"]}
    return _parameter(f"{name}.{key}", "query", entry | {"examples": [example]})


def _parameter(name: str, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter; its description and example move from its schema to itself."""
    examples = schema.get("examples") or [schema.get("default")]
    return {
        "name": name,
        "in": place,
        "description": schema.get("description", ""),
        "schema": {k: v for k, v in schema.items() if k not in ("description", "examples")},
        "example": examples[0],
    }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what may be left out: a query has no way to write null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    rest = {k: v for k, v in schema.items() if k != "anyOf" and (k, v) != ("default", None)}
    return {**choices[0], **rest}
