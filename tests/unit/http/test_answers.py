"""How much of a flood is taken in: a connection fed by hand, and what it made of it."""

import asyncio

import pytest

from tests.raw_receivers import answer
from triggers.http.answers import HEADS_MAX, PIECE_BYTES, AnswerProtocol

FLOOD = 10_000
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
SMALLEST = b"HTTP/1.1 200\n\n"


class FakeTransport(asyncio.Transport):
    """A connection to nowhere that knows whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def make_protocol() -> tuple[AnswerProtocol, FakeTransport]:
    """Make a connection that waits for an answer."""
    transport = FakeTransport()
    protocol = AnswerProtocol(loop=asyncio.get_running_loop())
    protocol.connection_made(transport)
    protocol.set_response_params(auto_decompress=False)
    return protocol, transport


@pytest.mark.parametrize(
    ("flood", "parsed_max"),
    [
        (FLOOD * CONTINUE, HEADS_MAX + 1),
        (FLOOD * b"HTTP/1.1 100 C\n\n", HEADS_MAX + 1),
        (FLOOD * b"\r\n", 0),
        (FLOOD * answer(200), 1),
        (FLOOD * answer(204), 1),
        (FLOOD * answer(200, b"x"), 1 + PIECE_BYTES // len(answer(200, b"x"))),
        (FLOOD * SMALLEST, 1 + PIECE_BYTES // len(SMALLEST)),
    ],
    ids=["1xx", "1xx by lines", "blank lines", "no body", "204", "a body", "the smallest"],
)
async def test_b70_of_a_flood_in_one_packet_only_a_little_is_parsed(
    flood: bytes, parsed_max: int
) -> None:
    protocol, transport = make_protocol()
    protocol.data_received(flood)
    assert len(protocol) <= parsed_max
    assert transport.is_closed
    assert protocol.should_close


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\n\n"])
async def test_b70_heads_whose_blank_line_comes_in_two_pieces_are_counted_too(end: bytes) -> None:
    protocol, transport = make_protocol()
    for _ in range(FLOOD):
        if not transport.is_closed:
            protocol.data_received(b"HTTP/1.1 100 Continue" + end[:-1])
            protocol.data_received(end[-1:])
    assert len(protocol) <= HEADS_MAX + 1
    assert transport.is_closed


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1_000_000])
async def test_an_answer_in_pieces_of_any_size_is_the_same_answer(size: int) -> None:
    protocol, transport = make_protocol()
    body = 3 * PIECE_BYTES * b"y"
    sent = 2 * CONTINUE + answer(200, body, "X: \ty")
    for start in range(0, len(sent), size):
        protocol.data_received(sent[start : start + size])
    answers = [await protocol.read() for _ in range(3)]
    assert [message.code for message, _ in answers] == [100, 100, 200]
    message, payload = answers[-1]
    assert message.headers["X"] == "y"
    assert await payload.read() == body
    assert not transport.is_closed
    assert not protocol.should_close
