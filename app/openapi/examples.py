"""Examples of whole bodies, put together from the examples of their fields."""

from collections.abc import Collection, Mapping
from typing import Any


def example_of(
    schema: Mapping[str, Any],
    components: Mapping[str, Any],
    shown: Collection[str] | None = None,
) -> Any:
    """Return an example for a schema; None where a field has none, which a test forbids.

    Of an answer, fields that it may lack are left out unless `shown` names them; None takes all.
    """
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, shown)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], components, shown)
    if "properties" in schema:
        return {
            name: example_of(part, components, shown)
            for name, part in schema["properties"].items()
            if shown is None or name in shown or _is_always_there(name, schema)
        }
    if "items" in schema and "default" not in schema:
        return [example_of(schema["items"], components, shown)]
    return schema.get("default", schema.get("const", schema.get("enum", (None,))[0]))


def _is_always_there(name: str, schema: Mapping[str, Any]) -> bool:
    """Tell whether an answer has a field in any case: what it may lack has no default either."""
    return name in schema.get("required", ()) or "default" in schema["properties"][name]
