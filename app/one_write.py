"""The head of an answer leaves with the beginning of its body.

Uvicorn writes them one after the other, and each write is a call of the kernel and a packet: the
second took 4 % of a request, and wakes the client once more.
"""

import asyncio

_CONTINUE = b"HTTP/1.1 100 "


class OneWrite(asyncio.Transport):
    """A connection as one answer sees it. Not for an answer to HEAD: no body is written after it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:  # type: ignore[override]
        """Keep the head until there is more; what comes before it asks for the body, and leaves."""
        if self._head is None and not data.startswith(_CONTINUE):
            self._head = data
        elif self._head:
            self._transport.writelines((self._head, data))
            self._head = b""
        else:
            self._transport.write(data)

    def is_closing(self) -> bool:
        """Tell whether the connection is closing."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection when all has been written."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""
        self._transport.close()
