"""Many events from a file, a JSON document a line: sent in bulk, each stored once however often it is sent."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from triggers.cli.api import path_of
from triggers.cli.bulk import ITEMS_MAX, problem_of, tell_failure
from triggers.cli.context import Session
from triggers.cli.errors import CommandFailed

LINE_BYTES_MAX = 1 << 20
BATCH_BYTES = 2 << 20  # and one line more, below what the API takes in one call
_EVENT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_METADATA = msgspec.json.Decoder(dict[str, Any])

Line = tuple[int, bytes]
"""An event as it is sent, and the number of its line, from 1."""


class Count:
    """How many events were taken, and how many were not."""

    def __init__(self) -> None:
        self.accepted = 0
        self.failed = 0


def send_lines(session: Session, file: BinaryIO, size: int | None, run: str) -> None:
    """Send the events of a file of `size` bytes, once for each run of that name; say which lines failed.

    Raises CommandFailed if any did.
    """
    count = Count()
    with session.out.progress("sending", size) as show:
        for batch in _batches(session, file, run, count):
            try:
                _send(session, batch, count)
            except CommandFailed:
                session.out.note(
                    f"accepted: {count.accepted}, up to line {batch[0][0] - 1}; sent again with"
                )
                session.out.note(f"--run {run}, the file is stored once all the same")
                raise
            show(file.tell() if size else count.accepted)
    summary = f"accepted: {count.accepted} of {count.accepted + count.failed}"
    if count.failed:
        raise CommandFailed(summary)
    session.out.note(summary)


def _batches(session: Session, file: BinaryIO, run: str, count: Count) -> Iterator[list[Line]]:
    batch: list[Line] = []
    number = 0
    while line := file.readline(LINE_BYTES_MAX):
        number += 1
        if not line.strip():
            continue
        try:
            batch.append((number, _with_key(_whole(line, file), f"{run}-{number}")))
        except msgspec.MsgspecError as error:
            count.failed += 1
            session.out.note(f"line {number}: no event in JSON: {error}")
        if len(batch) == ITEMS_MAX or sum(len(event) for _, event in batch) > BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _whole(line: bytes, file: BinaryIO) -> bytes:
    """Return a line that was read whole; of one that is too long read on to its end. Raises MsgspecError."""
    if len(line) < LINE_BYTES_MAX:
        return line
    while line and not line.endswith(b"\n"):
        line = file.readline(LINE_BYTES_MAX)
    raise msgspec.DecodeError(f"longer than {LINE_BYTES_MAX >> 20} MB")


def _with_key(line: bytes, key: str) -> bytes:
    """Return the event with an idempotency key, its payload byte for byte. Raises MsgspecError."""
    event = _EVENT.decode(line)
    metadata = _METADATA.decode(event.get("metadata", b"{}"))
    named = {"idempotency_key": key} | metadata
    return msgspec.json.encode(event | {"metadata": named})


def _send(session: Session, batch: list[Line], count: Count) -> None:
    events = b",".join(event for _, event in batch)
    path, body = path_of("events", "bulk"), b'{"events":[%s]}' % events
    answer = session.api.call("POST", path, body, is_repeatable=True)
    for item in answer.content["items"]:
        if session.as_json:
            session.out.raw(msgspec.json.encode(item))
        if "error" not in item:
            count.accepted += 1
            continue
        count.failed += 1
        tell_failure(session.out, f"line {batch[item['index']][0]}", problem_of(item))
