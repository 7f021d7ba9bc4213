"""Webhook signatures as Standard Webhooks v1 defines them (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache

from triggers.ids import RandomBits

SECRET_PREFIX = "whsec_"  # noqa: S105 the prefix, not a secret
SECRET_BYTES_MIN = 24
SECRET_BYTES_MAX = 64
SECRETS_MAX = 1_000  # whose bytes are kept at hand


def make_secret(random_bits: RandomBits) -> str:
    """Make a secret of 24 random bytes, which base64 writes without padding."""
    return SECRET_PREFIX + base64.b64encode(random_bits(192).to_bytes(24, "big")).decode()


@lru_cache(SECRETS_MAX)
def secret_bytes(secret: str) -> bytes:
    """Return the bytes of a secret, `whsec_` and base64 of 24 to 64 bytes.

    Raises ValueError, whose text does not hold the secret.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"does not start with {SECRET_PREFIX}")
    text = secret.removeprefix(SECRET_PREFIX)
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("is not base64 after its prefix") from None
    if base64.b64encode(decoded).decode() != text:  # Pythons differ in what they let pass
        raise ValueError("is not base64 after its prefix")
    if not SECRET_BYTES_MIN <= len(decoded) <= SECRET_BYTES_MAX:
        raise ValueError(f"does not hold {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes")
    return decoded


def sign(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` header: one entry for each secret, one space between.

    `timestamp` is in seconds and that of the attempt. Signed is `id.timestamp.body`.
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return " ".join([_signature(secret_bytes(secret), signed) for secret in secrets])


def _signature(key: bytes, signed: bytes) -> str:
    digest = hmac.digest(key, signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
