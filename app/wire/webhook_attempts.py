"""The attempts to send to one webhook, on the wire."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from app.wire.attempts import AttemptOut
from app.wire.events import NextCursor
from triggers.attempts import AttemptPosition

_DECODER = msgspec.json.Decoder(AttemptPosition)


class WebhookAttemptList(Struct, frozen=True, kw_only=True):
    """A page of the attempts to send to a webhook, newest first."""

    attempts: Annotated[list[AttemptOut], Meta(description="The attempts of this page")]
    next_cursor: NextCursor


def position_text(position: AttemptPosition | None) -> str | None:
    """Write a position, where there is one, as a cursor holds it."""
    return None if position is None else msgspec.json.encode(position).decode()


def position_of_text(text: str | None) -> AttemptPosition | None:
    """Read a position from a cursor, where there is one; it is ours, since authenticated."""
    return None if text is None else _DECODER.decode(text)
