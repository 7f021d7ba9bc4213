"""Who calls, and what the key allows: one middleware authenticates and authorises."""

import hmac
import re
from collections.abc import Mapping
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Send

from app.addresses import Address, client_address, is_allowed
from app.body_budget import BodyHold
from app.context import Caller, HasScope, context_of, headers_of
from app.dependencies import Domain, domain_of, lifecycle_of
from app.operations import operation_of
from app.queries import refuse_query
from app.rate_limiting import admit, tell_standing
from app.signed_requests import use_up, verify_signature
from triggers.api_keys import Scope, digest_of, is_valid, key_id_of
from triggers.control_changes import OPERATOR
from triggers.errors import Forbidden, RateLimited, Unauthenticated
from triggers.ids import tenant_of_key

_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE)
_OPERATOR = Caller(actor=OPERATOR, scopes=(Scope.ADMIN,))
# One text for every cause, so that a guesser learns nothing.
_NOT_VALID = "The key is not valid: mistyped, revoked or expired"


class Authentication(ASGIMiddleware):
    """Finds out who calls and what for, before anything else of the request is looked at.

    Raises Unauthenticated, Forbidden, RateLimited, Unavailable, ValidationFailed.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Any, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Leave the caller in the request's context."""
        state: State = scope["litestar_app"].state
        lifecycle_of(state).require_started()
        domain = domain_of(state)
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        caller = await authenticate(key_text(scope), scope, domain)
        tenant_id = "" if caller.view is None else caller.view.tenant_id
        context_of(connection).body_hold = BodyHold(domain.body_budget, tenant_id)
        receive, signature = await _pass_restrictions(connection, receive, caller, domain)
        context_of(connection).caller = caller
        await admit(connection)
        # What costs a write comes last.
        await _enter(caller, signature, domain)
        # No guard of Litestar's: it copies the route's handler, which took 6 % of a request.
        authorise(caller, scope)
        await next_app(scope, receive, send)


def authorise(caller: Caller, scope: Mapping[str, Any]) -> None:
    """Let a caller through who has the scope of the route; one that names none is closed.

    Raises Forbidden, and ValidationFailed for parameters where the route takes none.
    """
    handler = scope["route_handler"]
    operation = operation_of(handler.opt)
    if operation is None or operation.scope is None:
        raise RuntimeError(f"{handler} names no scope")
    if operation.scope not in caller.scopes:
        raise Forbidden(f"The key lacks the scope {operation.scope}")
    if operation.query is None:
        refuse_query(scope["query_string"])


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


async def authenticate(text: str, scope: Mapping[str, Any], domain: Domain) -> Caller:
    """Return who a key belongs to.

    Raises Unauthenticated; RateLimited instead when too many wrong keys came from the address. A
    tenant that is not known is then not looked up: guessing must cost the store nothing.
    """
    key_id = key_id_of(text)
    if key_id is None:
        operator_key = domain.settings.operator_key
        if operator_key and hmac.compare_digest(digest_of(text), digest_of(operator_key)):
            return _OPERATOR
        raise _failed(scope, domain)
    tenant_id = tenant_of_key(key_id)
    if not domain.views.knows(tenant_id):
        _require_attempt_left(scope, domain)
    view = await domain.views.view(tenant_id)
    key = view.keys.get(key_id)
    # The comparison comes first: it takes as long for a key that does not exist.
    if not is_valid(key, text, domain.clock()) or key is None or view.tenant is None:
        raise _failed(scope, domain)
    return Caller(actor=key_id, scopes=key.scopes, view=view)


async def _pass_restrictions(
    connection: HasScope, receive: Receive, caller: Caller, domain: Domain
) -> tuple[Receive, str | None]:
    """Let a caller through as its key demands.

    Returns what gives the body, and the signature that is still to be used up. Raises Forbidden,
    SignatureInvalid.
    """
    if caller.view is None:
        return receive, None
    key = caller.key
    if key.allowed_cidrs:
        address = client_address(connection.scope, domain.settings.trusted_networks)
        if not is_allowed(address, key.allowed_cidrs):
            tell_standing(connection, caller, domain)
            raise Forbidden(
                "The key may not be used from this address: call from one of its `allowed_cidrs`"
            )
    if not key.require_signature:
        return receive, None
    return await verify_signature(connection, receive, key, domain)


async def _enter(caller: Caller, signature: str | None, domain: Domain) -> None:
    """Use the signature up, if there is one, and note the use of the key.

    Raises SignatureInvalid, Unavailable.
    """
    if caller.view is None:
        return
    if signature is not None:
        await use_up(signature, caller.key, caller.view.tenant_id, domain)
    domain.key_use_log.note(caller.view.tenant_id, caller.actor, domain.clock())


def _failed(scope: Mapping[str, Any], domain: Domain) -> Unauthenticated:
    """Count a wrong key and return what is said to it. Raises RateLimited."""
    _require_attempt_left(scope, domain)
    address = _counted_address(scope, domain)
    if address is not None:
        domain.failed_attempts.count(address, domain.clock())
    return Unauthenticated(_NOT_VALID)


def _require_attempt_left(scope: Mapping[str, Any], domain: Domain) -> None:
    address = _counted_address(scope, domain)
    wait_ms = domain.failed_attempts.wait_ms(address, domain.clock()) if address else 0
    if wait_ms > 0:
        raise RateLimited(
            "Too many wrong keys came from this address; wait, then send one that is valid",
            -(-wait_ms // 1000),
        )


def _counted_address(scope: Mapping[str, Any], domain: Domain) -> Address | None:
    """Return the address that stands for a caller; None when it may stand for very many.

    A balancer that nobody has named must not be taken for a guesser: all would have to wait.
    """
    if not domain.settings.trusted_networks and headers_of(scope, b"x-forwarded-for"):
        return None
    return client_address(scope, domain.settings.trusted_networks)
