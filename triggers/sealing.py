"""Secrets as they stand in a table: encrypted with AES-256-GCM under a data key of their tenant.

`sealed.1.<wrapped data key>.<nonce and ciphertext>`, both in base64: a sealed text names the key
that opens it, which only its keeper can unwrap. Each is bound to where it stands, so that one that
was moved elsewhere does not open. A text in any other form is from before, and stands as it is.
"""

import base64
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from triggers.errors import StoreRefused

NONCE_BYTES = 12  # as NIST SP 800-38D has it for AES-GCM
DATA_KEY_BYTES = 32

_MARK = "sealed."
_VERSION = "1"
_SEPARATOR = "\0"  # in no id and in no name of a field


class DataKey(Struct, frozen=True):
    """A key that encrypts a tenant's secrets, and the same wrapped by who keeps the master key."""

    wrapped: bytes
    plain: bytes

    def __repr__(self) -> str:
        """Say nothing of the key: it might come into a log."""
        return "DataKey(…)"


def seal(key: DataKey, text: str, bound_to: tuple[str, ...], nonce: bytes) -> str:
    """Encrypt a text for one place. `nonce` is 12 bytes, never used before under this key."""
    encrypted = AESGCM(key.plain).encrypt(nonce, text.encode(), _bound(bound_to))
    parts = (base64.b64encode(part).decode() for part in (key.wrapped, nonce + encrypted))
    return f"{_MARK}{_VERSION}.{'.'.join(parts)}"


def is_sealed(text: str) -> bool:
    """Tell whether a text is encrypted, not one from before."""
    return text.startswith(_MARK)


def wrapped_key_of(sealed: str) -> bytes:
    """Return the wrapped data key that a sealed text names. Raises StoreRefused."""
    return _parts(sealed)[0]


def unseal(key: DataKey, sealed: str, bound_to: tuple[str, ...]) -> str:
    """Decrypt what was sealed for this place under this key. Raises StoreRefused."""
    encrypted = _parts(sealed)[1]
    nonce, rest = encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:]
    try:
        return AESGCM(key.plain).decrypt(nonce, rest, _bound(bound_to)).decode()
    except (InvalidTag, ValueError):
        _refuse("does not open")


def _parts(sealed: str) -> tuple[bytes, bytes]:
    """Return the wrapped key, and the nonce with the ciphertext."""
    try:
        mark, version, wrapped, encrypted = sealed.split(".")
        decoded = (
            base64.b64decode(wrapped, validate=True),
            base64.b64decode(encrypted, validate=True),
        )
    except ValueError:
        _refuse("is cut or changed")
    if (mark + ".", version) != (_MARK, _VERSION) or not decoded[0]:
        _refuse("is of an unknown form")
    return decoded


def _bound(bound_to: tuple[str, ...]) -> bytes:
    return _SEPARATOR.join(bound_to).encode()


def _refuse(why: str) -> NoReturn:
    raise StoreRefused(f"a sealed secret {why}") from None
