"""List cursors: opaque, authenticated, bound to a tenant and to the list they are given out for."""

import base64
import hashlib
import hmac

from triggers.errors import InvalidCursor

_TAG_BYTES = 16


class Cursors:
    """Writes and reads cursors under one key, which every `app` process shares."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def write(self, tenant_id: str, query: str, position: str) -> str:
        """Return the cursor for a position. `query` names the list and its filters."""
        text = position.encode()
        return (
            base64.urlsafe_b64encode(self._tag(tenant_id, query, text) + text).decode().rstrip("=")
        )

    def read(self, tenant_id: str, query: str, cursor: str) -> str:
        """Return the position in a cursor. Raises InvalidCursor."""
        try:
            decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            position = decoded[_TAG_BYTES:].decode()
        except ValueError:
            raise InvalidCursor from None
        # Written anew rather than taken apart, so that a cursor has one spelling.
        if not hmac.compare_digest(self.write(tenant_id, query, position), cursor):
            raise InvalidCursor
        return position

    def _tag(self, tenant_id: str, query: str, position: bytes) -> bytes:
        signed = b"\0".join((tenant_id.encode(), query.encode(), position))
        return hmac.digest(self._key, signed, hashlib.sha256)[:_TAG_BYTES]
