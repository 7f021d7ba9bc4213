"""Requests of keys that demand a signature: what was sent is what was signed, and it is new."""

import hashlib
from typing import Any

from litestar.types import Receive

from app.bodies import receive_body
from app.context import HasScope, context_of, headers_of
from app.dependencies import Domain
from app.wire.drafts import ENVELOPE_BYTES_MAX
from triggers.api_keys import ApiKey, signing_secrets
from triggers.errors import SignatureInvalid
from triggers.ids import random_text
from triggers.request_signatures import (
    REMEMBERED_SECONDS,
    is_signed_by,
    issue_with_form,
    issue_with_timestamp,
    string_to_sign,
)
from triggers.settings import Settings

TIMESTAMP = "X-Triggers-Timestamp"
SIGNATURE = "X-Triggers-Signature"

_TOKEN_CHARACTERS = 16


async def verify_signature(
    connection: HasScope, receive: Receive, key: ApiKey, domain: Domain
) -> tuple[Receive, str]:
    """Let a request through whose signature is right, though it may have been used before.

    Returns what gives its body again, and the signature. Raises SignatureInvalid, and what
    `receive_body` does: all of the body has to be there first.
    """
    scope, now_ms = connection.scope, domain.clock()
    timestamp, signature = _one_header(scope, TIMESTAMP), _one_header(scope, SIGNATURE)
    _refuse(issue_with_timestamp(timestamp, now_ms) or issue_with_form(signature))
    bytes_max = _body_bytes_max(domain.settings)
    body = await receive_body(connection, receive, domain.settings, bytes_max=bytes_max)
    signed = string_to_sign(timestamp, _method_of(connection), _target_of(scope), body)
    if not is_signed_by(signing_secrets(key, now_ms), signed, signature):
        _refuse(
            f"{SIGNATURE} does not match what was sent: sign the timestamp, method, path with query "
            "and SHA-256 of the body as the documentation says, with the key's signing secret"
        )
    return _replaying(body, receive), signature


async def use_up(signature: str, key: ApiKey, tenant_id: str, domain: Domain) -> None:
    """Let a right signature through if it is new: the last thing before the request is served.

    Raises SignatureInvalid, and Unavailable when nobody can tell.
    """
    digest = hashlib.sha256(f"{key.key_id}.{signature}".encode()).hexdigest()
    token = random_text(_TOKEN_CHARACTERS, domain.random_bits)
    expires_s = domain.clock() // 1000 + REMEMBERED_SECONDS
    if not await domain.used_signatures.use(tenant_id, digest, token, expires_s=expires_s):
        _refuse(
            "The signature was used before: sign each request anew, a repeated one too; of two that are "
            "alike in one second, let the second have the timestamp of the next"
        )


def _one_header(scope: Any, name: str) -> str:
    values = headers_of(scope, name.lower().encode())
    if not values:
        raise SignatureInvalid(f"The key demands signed requests: {name} is missing")
    if len(values) > 1:
        raise SignatureInvalid(f"{name} is there more than once")
    return values[0]


def _refuse(issue: str | None) -> None:
    if issue is not None:
        raise SignatureInvalid(issue)


def _body_bytes_max(settings: Settings) -> int:
    """Return the size of the largest body that any route takes."""
    return max(settings.payload_bytes_max + ENVELOPE_BYTES_MAX, settings.bulk_bytes_max)


def _method_of(connection: HasScope) -> str:
    return "HEAD" if context_of(connection).is_head else str(connection.scope["method"])


def _target_of(scope: Any) -> bytes:
    """Return path and query as they came; a question mark with nothing behind it is left out."""
    path, query = bytes(scope["raw_path"]), bytes(scope["query_string"])
    return path + b"?" + query if query else path


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read once more, and then what the server has to say."""
    messages: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Any:
        return messages.pop() if messages else await receive()

    return replay
