"""The query strings of lists.

What is not known is refused, so that nobody believes that a filter works.
"""

from typing import Annotated, Any, TypeVar

from litestar import Request
from msgspec import Meta, Struct

from app.decoding import decode_query

LIMIT_MAX = 100

S = TypeVar("S", bound=Struct)


class NoQuery(Struct, frozen=True, kw_only=True):
    """A list that takes no parameters."""


class PageQuery(Struct, frozen=True, kw_only=True):
    """Which part of a list is wanted."""

    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="How many at most, 1–100")] = 50
    cursor: Annotated[
        str | None, Meta(description="`next_cursor` of the page before, as it came")
    ] = None


def read_query(request: Request[Any, Any, Any], kind: type[S]) -> S:
    """Read a request's query. Raises ValidationFailed with all that is wrong."""
    return decode_query(kind, request.scope["query_string"])
