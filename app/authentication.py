"""Who calls, and what the key allows: the middleware authenticates, the guard authorises."""

import hmac
import re
from collections.abc import Mapping
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Send

from app.context import Caller, caller_of, context_of, headers_of
from app.dependencies import domain_of, lifecycle_of
from app.operations import operation_of
from app.rate_limiting import admit
from triggers.api_keys import Scope, digest_of, is_valid, key_id_of
from triggers.control_changes import OPERATOR
from triggers.control_views import ControlViews
from triggers.errors import Forbidden, Unauthenticated
from triggers.ids import tenant_of_key
from triggers.times import Clock

_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE)
_OPERATOR = Caller(actor=OPERATOR, scopes=(Scope.ADMIN,))
# One text for every cause, so that a guesser learns nothing.
_NOT_VALID = "The key is not valid: mistyped, revoked or expired"


class Authentication(ASGIMiddleware):
    """Finds out who calls, before anything of the request is looked at.

    Raises Unauthenticated or Unavailable.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Any, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Leave the caller in the request's context."""
        state: State = scope["litestar_app"].state
        lifecycle_of(state).require_started()
        domain = domain_of(state)
        text = key_text(scope)
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        context_of(connection).caller = await authenticate(
            text, domain.views, operator_key=domain.settings.operator_key, clock=domain.clock
        )
        await admit(connection)
        await next_app(scope, receive, send)


async def authorise(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let a caller through who has the scope of the route; one that names none is closed.

    Raises Forbidden.
    """
    operation = operation_of(handler.opt)
    if operation is None or operation.scope is None:
        raise RuntimeError(f"{handler} names no scope")
    if operation.scope not in caller_of(connection).scopes:
        raise Forbidden(f"The key lacks the scope {operation.scope}")


def key_text(scope: Mapping[str, Any]) -> str:
    """Return the one key that a request carries. Raises Unauthenticated."""
    authorizations = [_BEARER.fullmatch(text) for text in headers_of(scope, b"authorization")]
    keys = headers_of(scope, b"x-api-key")
    texts = {match[1] if match else "" for match in authorizations} | set(keys)
    if not texts:
        raise Unauthenticated("Send a key: Authorization: Bearer <key>, or X-API-Key: <key>")
    if len(texts) > 1:
        raise Unauthenticated("Send one key: there are several different ones in the request")
    text = texts.pop()
    if not text:
        raise Unauthenticated("The key is empty: Authorization: Bearer <key>, or X-API-Key: <key>")
    return text


async def authenticate(
    text: str, views: ControlViews, *, operator_key: str, clock: Clock
) -> Caller:
    """Return who a key belongs to. Raises Unauthenticated."""
    key_id = key_id_of(text)
    if key_id is None:
        if operator_key and hmac.compare_digest(digest_of(text), digest_of(operator_key)):
            return _OPERATOR
        raise Unauthenticated(_NOT_VALID)
    view = await views.view(tenant_of_key(key_id))
    key = view.keys.get(key_id)
    # The comparison comes first: it takes as long for a key that does not exist.
    if not is_valid(key, text, clock()) or key is None or view.tenant is None:
        raise Unauthenticated(_NOT_VALID)
    return Caller(actor=key_id, scopes=key.scopes, view=view)
