"""API keys: `trg_<key id>_<secret><checksum>`. Shown once, kept as a digest.

The checksum lets a mistyped key be refused, and a leaked one be found by secret scanners, without
a look-up.
"""

import hashlib
import hmac
import re
import zlib
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from triggers.ids import ALPHABET, RandomBits, encode, make_key_id, random_text
from triggers.request_signatures import make_signing_secret

KEYS_MAX = 100
KEY_CHARACTERS_MAX = 128

_SECRET_CHARACTERS = 40  # 200 random bits
_CHECKSUM_CHARACTERS = 7
_KEY = re.compile(
    f"trg_(?P<key_id>[{ALPHABET}]{{26}})_[{ALPHABET}]{{40}}(?P<checksum>[{ALPHABET}]{{7}})"
)
_NO_DIGEST = hashlib.sha256(b"no key has this digest").hexdigest()


class Scope(StrEnum):
    """What a key may do."""

    EVENTS_WRITE = "events:write"
    EVENTS_READ = "events:read"
    INBOX = "inbox"
    WEBHOOKS = "webhooks"
    KEYS = "keys"
    ANALYTICS = "analytics"
    ADMIN = "admin"


TENANT_SCOPES = tuple(scope for scope in Scope if scope is not Scope.ADMIN)


class OldVersion(Struct, frozen=True, kw_only=True):
    """The version of a key before its rotation, which lives on until `until_ms`."""

    digest: str
    signing_secret: str | None
    until_ms: int


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key as the control table holds it: never the key itself. `expires_ms` None: for ever.

    `rate_limit` is in calls a second, None: the tenant's. No `allowed_cidrs`: from everywhere.
    `signing_secret` signs requests; with `require_signature` none is let in without.
    """

    key_id: str
    name: str
    digest: str
    scopes: tuple[Scope, ...]
    created_ms: int = 0
    expires_ms: int | None = None
    version: int = 1
    old_version: OldVersion | None = None
    rate_limit: int | None = None
    allowed_cidrs: tuple[str, ...] = ()
    require_signature: bool = False
    signing_secret: str | None = None


def make_key(
    tenant_id: str,
    name: str,
    scopes: tuple[Scope, ...],
    *,
    now_ms: int,
    expires_ms: int | None = None,
    rate_limit: int | None = None,
    allowed_cidrs: tuple[str, ...] = (),
    require_signature: bool = False,
    random_bits: RandomBits,
) -> tuple[ApiKey, str]:
    """Make a key of a tenant, and its text."""
    key_id = make_key_id(tenant_id, random_bits)
    text = make_key_text(key_id, random_bits)
    key = ApiKey(
        key_id=key_id,
        name=name,
        digest=digest_of(text),
        scopes=scopes,
        created_ms=now_ms,
        expires_ms=expires_ms,
        rate_limit=rate_limit,
        allowed_cidrs=allowed_cidrs,
        require_signature=require_signature,
        signing_secret=make_signing_secret(random_bits) if require_signature else None,
    )
    return key, text


def changed(key: ApiKey, random_bits: RandomBits, **values: Any) -> ApiKey:
    """Return a key with other values. From when it demands signatures it has a secret for them."""
    edited = replace(key, **values)
    if edited.require_signature == key.require_signature:
        return edited
    if edited.require_signature:
        return replace(edited, signing_secret=make_signing_secret(random_bits))
    old = edited.old_version and replace(edited.old_version, signing_secret=None)
    return replace(edited, signing_secret=None, old_version=old)


def rotated(
    key: ApiKey, *, now_ms: int, overlap_seconds: int, random_bits: RandomBits
) -> tuple[ApiKey, str]:
    """Return the next version of a key, and its text.

    The present one lives on for the overlap, if there is any; one that was older ends now.
    """
    text = make_key_text(key.key_id, random_bits)
    old = OldVersion(
        digest=key.digest,
        signing_secret=key.signing_secret,
        until_ms=now_ms + overlap_seconds * 1000,
    )
    next_version = replace(
        key,
        digest=digest_of(text),
        version=key.version + 1,
        old_version=old if overlap_seconds else None,
        signing_secret=make_signing_secret(random_bits) if key.require_signature else None,
    )
    return next_version, text


def make_key_text(key_id: str, random_bits: RandomBits) -> str:
    """Make the text of a new key, the only time that it exists outside its owner's hands."""
    unchecked = f"trg_{key_id}_{random_text(_SECRET_CHARACTERS, random_bits)}"
    return unchecked + _checksum(unchecked)


def key_id_of(text: str) -> str | None:
    """Return the key id that a key's text names; None: no form of a key, or a wrong checksum."""
    match = _KEY.fullmatch(text)
    if match is None or _checksum(text[:-_CHECKSUM_CHARACTERS]) != match["checksum"]:
        return None
    return match["key_id"]


def digest_of(text: str) -> str:
    """Return what is kept of a key. A plain SHA-256 will do: nobody guesses 200 random bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_valid(key: ApiKey | None, text: str, now_ms: int) -> bool:
    """Tell whether a text is this key and in force. Takes as long when there is no key."""
    digest = digest_of(text)
    matches = hmac.compare_digest(key.digest if key else _NO_DIGEST, digest)
    if key is None:
        return False
    old = key.old_version
    if old is not None:
        matches |= hmac.compare_digest(old.digest, digest) and now_ms < old.until_ms
    return matches and (key.expires_ms is None or now_ms < key.expires_ms)


def signing_secrets(key: ApiKey, now_ms: int) -> tuple[str, ...]:
    """Return the secrets with which a request may be signed now: the old one until its end."""
    old = key.old_version
    old_secret = old.signing_secret if old is not None and now_ms < old.until_ms else None
    return tuple(secret for secret in (key.signing_secret, old_secret) if secret)


def _checksum(text: str) -> str:
    return encode(zlib.crc32(text.encode()), _CHECKSUM_CHARACTERS)
