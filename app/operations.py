"""What a route is for, said once beside its handler.

The authentication reads it, and so does the OpenAPI document.
"""

from typing import Any

from msgspec import Struct

from triggers.api_keys import Scope

IN_FORCE = "In force everywhere when the call returns, which takes about a second."

_KEY = "operation"


class Operation(Struct, frozen=True, kw_only=True):
    """A route in words and types.

    `scope` is what the caller's key must have; None leaves the route open to all. `problems` are
    codes on top of those that follow from the rest. `also` are further statuses under which the
    same answer may come. `is_page_too` when browsers get it as a page. `shown` names fields that only some answers have, and this one has.

    `request_headers` are names of `app/openapi/headers.py`, on top of those that every request may
    have; `headers` describes the answer's, by name. `example` is that of the body; without one it
    is put together from the examples of its fields, as every answer's is.
    """

    tag: str
    summary: str
    description: str = ""
    scope: Scope | None = None
    query: type[Struct] | None = None
    request_headers: tuple[str, ...] = ()
    body: type[Struct] | None = None
    body_required: bool = True
    example: Any = None
    answer: type[Struct] | None = None
    shown: tuple[str, ...] = ()
    media_type: str = "application/json"
    is_page_too: bool = False
    headers: dict[str, str] = {}
    problems: tuple[str, ...] = ()
    also: tuple[int, ...] = ()


def describe(**values: Any) -> dict[str, Any]:
    """Return the `opt` of a handler whose operation this is."""
    return {_KEY: Operation(**values)}


def operation_of(opt: Any) -> Operation | None:
    """Return the operation that a handler's `opt` holds."""
    operation: Operation | None = opt.get(_KEY)
    return operation
