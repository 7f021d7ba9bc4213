"""What one request carries along from its first byte to its log line."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from app.body_budget import BodyHold
from triggers.api_keys import ApiKey, Scope
from triggers.ids import RandomBits, make_correlation_id, make_request_id
from triggers.telemetry import valid_traceparent
from triggers.tenants import Tenant, TenantView

CORRELATION_ID_CHARACTERS_MAX = 128

Headers = tuple[tuple[bytes, bytes], ...]

_KEY = "triggers.context"
_HEADERS = "triggers.headers"
_BODY_HAS_ENDED = "triggers.body_has_ended"


class Caller(Struct, frozen=True, kw_only=True):
    """Who calls. `actor` is a key id or `operator`; the operator has no tenant, hence no `view`."""

    actor: str
    scopes: tuple[Scope, ...]
    view: TenantView | None = None

    @property
    def tenant_view(self) -> TenantView:
        """All that the caller's tenant has. No operator gets as far as asking."""
        if self.view is None:
            raise RuntimeError("the operator has no tenant")
        return self.view

    @property
    def key(self) -> ApiKey:
        """The caller's key. The operator's is none of a tenant."""
        return self.tenant_view.keys[self.actor]

    @property
    def tenant(self) -> Tenant:
        """The caller's tenant; the authentication lets in nobody whose tenant does not exist."""
        tenant = self.tenant_view.tenant
        if tenant is None:
            raise RuntimeError("the tenant does not exist")
        return tenant


class RequestContext(Struct, kw_only=True):
    """The request's ids, and what becomes known of it on its way.

    `due_at` is when the deadline passes by the loop's clock, unless that was rescheduled since.
    `is_head` when it came as HEAD, which from the edge on is handled as GET. `body_seconds` is set while the client's body is on its way: then a passed deadline is the
    client's.
    """

    request_id: str
    correlation_id: str
    traceparent: str | None
    is_head: bool = False
    deadline: asyncio.Timeout | None = None
    due_at: float = 0
    body_seconds: float | None = None
    caller: Caller | None = None
    body_hold: BodyHold | None = None
    rate_headers: Headers = ()
    event_id: str | None = None
    problem: str | None = None


class HasScope(Protocol):
    """A request or a connection of Litestar's, as far as a context is to be had from it."""

    @property
    def scope(self) -> Any: ...


def headers_of(scope: Any, name: bytes) -> list[str]:
    """Return all values of a header, in their order. `name` is in lower case."""
    there: dict[bytes, bytes] | None = scope.get(_HEADERS)
    if there is None:
        there = scope[_HEADERS] = dict(scope["headers"])
    # Most that is asked for is not there: to look through all each time took 3 % of a request.
    if name not in there:
        return []
    if len(there) == len(scope["headers"]):  # no name twice
        return [there[name].decode("latin-1")]
    return [value.decode("latin-1") for found, value in scope["headers"] if found == name]


def make_context(scope: Mapping[str, Any], random_bits: RandomBits) -> RequestContext:
    """Make the context of a request from its headers."""
    correlation_ids = headers_of(scope, b"x-correlation-id")
    traceparents = headers_of(scope, b"traceparent")
    return RequestContext(
        request_id=make_request_id(random_bits),
        correlation_id=correlation_ids[0]
        if len(correlation_ids) == 1 and _is_correlation_id(correlation_ids[0])
        else make_correlation_id(random_bits),
        traceparent=valid_traceparent(traceparents[0]) if len(traceparents) == 1 else None,
    )


def put_context(scope: Any, context: RequestContext) -> None:
    """Lay the context where everything that handles the request finds it."""
    scope[_KEY] = context


def context_of(connection: HasScope) -> RequestContext:
    """Return the context of the request that a connection belongs to."""
    context: RequestContext = connection.scope[_KEY]
    return context


def extend_deadline(context: RequestContext, seconds: float) -> None:
    """Give a request so much longer until it must be answered."""
    deadline = context.deadline
    if deadline is not None:
        deadline.reschedule((deadline.when() or context.due_at) + seconds)


def tell_when_body_has_ended(scope: Any, has_ended: Callable[[], bool]) -> None:
    """Let the server tell whether all of a request's body has come, though nobody has read it."""
    scope[_BODY_HAS_ENDED] = has_ended


def body_has_ended(scope: Mapping[str, Any]) -> bool:
    """Tell whether the client has sent all of its body; a server that does not say so has it."""
    return _BODY_HAS_ENDED not in scope or bool(scope[_BODY_HAS_ENDED]())


def body_is_here(scope: Mapping[str, Any]) -> bool:
    """Tell whether all of the body has come; a server that does not say so may wait for it."""
    return _BODY_HAS_ENDED in scope and bool(scope[_BODY_HAS_ENDED]())


def caller_of(connection: HasScope) -> Caller:
    """Return who calls. Only behind the authentication."""
    caller = context_of(connection).caller
    if caller is None:
        raise RuntimeError("this route is not behind the authentication")
    return caller


def _is_correlation_id(text: str) -> bool:
    if not 1 <= len(text) <= CORRELATION_ID_CHARACTERS_MAX:
        return False
    return text.isascii() and text.isprintable() and " " not in text
