"""Calls that do the same to many events: sent a hundred at a time, each with a result of its own."""

from collections.abc import Iterator
from typing import Any

import msgspec

from triggers.cli.context import Session
from triggers.cli.errors import CommandFailed, Problem
from triggers.cli.ids import in_batches
from triggers.cli.output import Output

ITEMS_MAX = 100


def do_to_events(session: Session, method: str, path: str, ids: list[str], *, done: str) -> None:
    """Make the call for all ids and tell what failed; `done` says what was done. Raises CommandFailed."""
    failed = 0
    with session.out.progress(done, len(ids)) as show:
        for number, item in enumerate(_results(session, method, path, ids), 1):
            show(number)
            if "error" in item:
                failed += 1
                tell_failure(session.out, item["event_id"], problem_of(item))
    summary = f"{done}: {len(ids) - failed} of {len(ids)}"
    if failed:
        raise CommandFailed(summary)
    session.out.note(summary)


def problem_of(item: dict[str, Any]) -> Problem:
    """Return why an item failed."""
    return msgspec.convert(item["error"], Problem)


def tell_failure(out: Output, name: str, problem: Problem) -> None:
    """Say why one of many failed, with what to do about it."""
    out.note(f"{name}: {problem.detail or problem.title} ({problem.code})")
    for line in problem.wrong_fields():
        out.note(line)


def _results(session: Session, method: str, path: str, ids: list[str]) -> Iterator[dict[str, Any]]:
    for batch in in_batches(ids, ITEMS_MAX):
        answer = session.api.call(method, path, {"event_ids": batch})
        for item in answer.content["items"]:
            if session.as_json:
                session.out.raw(msgspec.json.encode(item))
            yield {"event_id": batch[item["index"]]} | item
