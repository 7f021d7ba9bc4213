"""The query strings of lists.

What is not known is refused, so that nobody believes that a filter works.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol, TypeVar

from litestar import Request
from msgspec import Meta, Struct

from app.decoding import decode_query

LIMIT_MAX = 100

S = TypeVar("S", bound=Struct)


class _Created(Protocol):
    @property
    def created_ms(self) -> int: ...


C = TypeVar("C", bound=_Created)


class _NoQuery(Struct, frozen=True):
    """No parameters at all."""


class PageQuery(Struct, frozen=True, kw_only=True):
    """Which part of a list is wanted."""

    limit: Annotated[
        int, Meta(ge=1, le=LIMIT_MAX, description="How many at most, 1–100", examples=[20])
    ] = 50
    cursor: Annotated[
        str | None,
        Meta(
            description="`next_cursor` of the page before, as it came",
            examples=["AbJk3uX0kPZ7m1Yt4Qw"],
        ),
    ] = None


def read_query(request: Request[Any, Any, Any], kind: type[S]) -> S:
    """Read a request's query. Raises ValidationFailed with all that is wrong."""
    return decode_query(kind, request.scope["query_string"])


def refuse_query(query: bytes) -> None:
    """Let no parameter pass where none is known. Raises ValidationFailed."""
    if query:
        decode_query(_NoQuery, query)


def oldest_first(by_id: Mapping[str, C]) -> list[C]:
    """Return what stands under ids in the order of its creation."""
    return [by_id[name] for name in sorted(by_id, key=lambda name: (by_id[name].created_ms, name))]
