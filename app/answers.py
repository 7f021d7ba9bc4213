"""An answer that is sent as it is.

For the route that counts, Litestar's own response would cost as much as the rest.
"""

from typing import Any

import msgspec
from msgspec import Struct

_ENCODER = msgspec.json.Encoder()


class JsonAnswer:
    """An ASGI application that answers with one struct as JSON."""

    def __init__(self, value: Struct, *, status: int, headers: dict[str, str]) -> None:
        self._body = _ENCODER.encode(value)
        self._status = status
        self._headers = headers

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        """Send it."""
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", b"%d" % len(self._body)))
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})
