"""How answers are taken in: piece by piece, and no more of them than was asked for.

aiohttp parses at once all that has come, and takes any number of 1xx answers, and of answers that
nobody asked for: a receiver that floods us with them would hold up every other. It also forgets a
status line when a broken body comes in the same packet, and by then the receiver has committed.
"""

import re
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError

HEADS_MAX = 16  # before the one that counts, each told twice: seen coming, and handed on
PIECE_BYTES = 4096

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


class AnswerConnector(aiohttp.TCPConnector):
    """Makes connections that take in answers so."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._factory = partial(AnswerProtocol, loop=self._loop)  # type: ignore[assignment]


class AnswerProtocol(ResponseHandler):
    """A connection to a receiver. The head of an answer is parsed apart from its body."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._heads = 0
        self._answered = False

    def set_response_params(self, **values: Any) -> None:
        """Begin with the answer to the next request."""
        self._heads = 0
        self._answered = False
        super().set_response_params(**values)

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 aiohttp's
        """Go on with reading, if it was held up.

        aiohttp asks for it with each piece that is read, held up or not: 6 % of an attempt.
        """
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Hand on the head of an answer."""
        message, _ = data
        self._heads += 1
        self._answered = self._answered or message.code >= 200 or message.code == 101
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Take in what has come; end the connection when it is more than was asked for."""
        if not data:  # aiohttp's word for going on with what it held back
            super().data_received(data)
        while data:
            if self._is_over():
                self.set_exception(HttpProcessingError(message="more than was asked for"))
                if self.transport is not None:
                    self.transport.close()
                return
            end = self._end_of_piece(data)
            super().data_received(data[:end])
            data = data[end:]

    def _end_of_piece(self, data: bytes) -> int:
        if not self._answered and (end := _END_OF_HEAD.search(data, 0, PIECE_BYTES)):
            self._heads += 1  # also an empty one, of which nothing is handed on
            return end.end()
        return PIECE_BYTES

    def _is_over(self) -> bool:
        if self._answered:
            return self._payload is None or self._payload.is_eof()
        return self._heads > HEADS_MAX or self.exception() is not None
