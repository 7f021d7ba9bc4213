"""Schemas of the wire structs, as JSON Schema has them."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

REFERENCE = "#/components/schemas/{name}"

# Python's `$` also matches before a newline at the end, JSON Schema's does not.
_END = re.compile(r"\$\(\?!\\n\)$|\\Z$")


def reference(kind: type[Struct]) -> dict[str, Any]:
    """Return a reference to the schema of a struct."""
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def schemas_of(kinds: Iterable[type[Struct]]) -> dict[str, Any]:
    """Return the schemas of structs, and of all that they consist of, by name."""
    components = msgspec.json.schema_components(list(kinds), ref_template=REFERENCE)[1]
    return {name: tidied(schema) for name, schema in components.items()}


def tidied(part: Any) -> Any:
    """Return a schema with JSON Schema's patterns, and with what a field says on its top.

    msgspec leaves the words and examples of `Annotated[…] | None` with the choice.
    """
    if isinstance(part, list):
        return [tidied(item) for item in part]
    if not isinstance(part, dict):
        return part
    tidy = {name: value if name == "examples" else tidied(value) for name, value in part.items()}
    if isinstance(tidy.get("pattern"), str):
        tidy["pattern"] = _END.sub("$", tidy["pattern"])
    for choice in tidy.get("anyOf", ()):
        for key in ("description", "examples"):
            if key in choice:
                tidy.setdefault(key, choice[key])
    return tidy
