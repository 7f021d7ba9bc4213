"""How an answer is written: its head with the beginning of its body."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from app.one_write import OneWrite

HEAD, CONTINUE = b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps what was written, each call by itself; `b""` is the end."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []

    def write(self, data: Any) -> None:
        self.calls.append(bytes(data))

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.calls.append(b"".join(list_of_data))

    def close(self) -> None:
        self.calls.append(b"")

    def is_closing(self) -> bool:
        return b"" in self.calls


@pytest.mark.parametrize(
    ("written", "calls"),
    [
        ((HEAD, b"body"), [HEAD + b"body", b""]),
        ((HEAD, b"", b"body"), [HEAD, b"body", b""]),
        ((HEAD, b"one", b"two"), [HEAD + b"one", b"two", b""]),
        ((CONTINUE, HEAD, b"body"), [CONTINUE, HEAD + b"body", b""]),
        ((HEAD,), [HEAD, b""]),
        ((), [b""]),
    ],
)
def test_a_head_leaves_with_the_beginning_of_its_body_or_with_the_end(
    written: tuple[bytes, ...], calls: list[bytes]
) -> None:
    wire = Wire()
    answer = OneWrite(wire)
    for data in written:
        answer.write(data)
        assert not answer.is_closing()
    answer.close()
    assert wire.calls == calls
    assert answer.is_closing()
