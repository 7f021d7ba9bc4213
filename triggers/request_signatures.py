"""Signatures of requests, for keys that demand them. Not those of webhooks: see `signatures`.

Signed is `{timestamp}.{METHOD}.{path?query}.{hex SHA-256 of the body}`, each part as it is sent. The
key of the HMAC is the secret's text as it was shown, so that any tool can make a signature.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from triggers.ids import RandomBits

SECRET_PREFIX = "sig_"  # noqa: S105 the prefix, not a secret
SKEW_SECONDS_MAX = 300
# A signature is taken from 300 s before its time until 300 s after it; clocks may differ.
REMEMBERED_SECONDS = 2 * SKEW_SECONDS_MAX + 60

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")


def make_signing_secret(random_bits: RandomBits) -> str:
    """Make a secret of 32 random bytes, as base64url without padding."""
    random_bytes = random_bits(256).to_bytes(32, "big")
    return SECRET_PREFIX + base64.urlsafe_b64encode(random_bytes).decode().rstrip("=")


def string_to_sign(timestamp: str, method: str, target: bytes, body: bytes) -> bytes:
    """Return what is signed. `target` is the path as it is sent, with `?` and the query if any."""
    digest = hashlib.sha256(body).hexdigest()
    return b".".join((timestamp.encode(), method.encode(), target, digest.encode()))


def sign(secret: str, signed: bytes) -> str:
    """Return the `X-Triggers-Signature` of a string to sign."""
    digest = hmac.digest(secret.encode(), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def is_signed_by(secrets: Iterable[str], signed: bytes, signature: str) -> bool:
    """Tell whether one of the secrets made a signature. Takes as long for each of them."""
    matches = [hmac.compare_digest(sign(secret, signed), signature) for secret in secrets]
    return any(matches)


def issue_with_timestamp(timestamp: str, now_ms: int) -> str | None:
    """Return what is wrong with the time of a signature, or None."""
    if not _TIMESTAMP.fullmatch(timestamp):
        return "X-Triggers-Timestamp must be a time in seconds since 1970, in digits"
    ahead = int(timestamp) - now_ms // 1000
    if abs(ahead) <= SKEW_SECONDS_MAX:
        return None
    return (
        f"X-Triggers-Timestamp is more than {SKEW_SECONDS_MAX} seconds "
        f"{'ahead' if ahead > 0 else 'old'}; the time here is {now_ms // 1000}"
    )


def issue_with_form(signature: str) -> str | None:
    """Return what is wrong with the form of a signature, or None."""
    if _SIGNATURE.fullmatch(signature):
        return None
    return "X-Triggers-Signature must be v1, a comma, and the base64 of an HMAC-SHA256"
