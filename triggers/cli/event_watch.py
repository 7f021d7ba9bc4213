"""Follows an event: a line for each attempt as it comes, until nothing is pending any more."""

import time
from typing import Any

import msgspec

from triggers.cli.api import Api, path_of
from triggers.cli.errors import CommandFailed
from triggers.cli.event_views import show_end
from triggers.cli.output import Output
from triggers.cli.printable import shown

POLL_SECONDS = 0.5
POLL_SECONDS_MAX = 5.0
# After this long an event without any delivery is one that no webhook wants.
UNWANTED_SECONDS = 3.0


Told = set[tuple[str, int]]
"""Attempts that need not be told any more, by webhook and number."""


def attempts_before(api: Api, event_id: str) -> Told:
    """Return the attempts that there were already, for what follows an event only from now on."""
    return {_key_of(msgspec.json.decode(document)) for document in _attempts(api, event_id)}


def watch_event(api: Api, out: Output, event_id: str, told: Told | None = None) -> None:
    """Follow an event to its end. Raises CommandFailed when it was not delivered to all that want it."""
    told = told or set()
    began, pause_seconds = time.monotonic(), POLL_SECONDS
    while True:
        answer = api.get(path_of("events", event_id))
        fresh = _tell_attempts(api, out, event_id, told)
        if _is_settled(answer.content, time.monotonic() - began):
            break
        if fresh:
            _tell_next(out, answer.content)
        pause_seconds = POLL_SECONDS if fresh else min(1.5 * pause_seconds, POLL_SECONDS_MAX)
        time.sleep(pause_seconds)
    show_end(out, answer.body)
    _judge(out, answer.content)


def _attempts(api: Api, event_id: str) -> list[bytes]:
    return api.whole(path_of("events", event_id, "attempts"), "attempts")


def _key_of(attempt: dict[str, Any]) -> tuple[str, int]:
    return attempt["webhook_id"], attempt["number"]


def _tell_attempts(api: Api, out: Output, event_id: str, told: Told) -> bool:
    """Print the attempts that were not told yet, oldest first; tell whether there were any."""
    fresh = False
    for document in reversed(_attempts(api, event_id)):
        attempt = msgspec.json.decode(document)
        if _key_of(attempt) in told:
            continue
        told.add(_key_of(attempt))
        fresh = True
        if out.as_json:
            out.raw(document)
        else:
            out.line(_attempt_line(attempt), "green" if attempt["error"] is None else "red")
    return fresh


def _attempt_line(attempt: dict[str, Any]) -> str:
    came = attempt["error"] or f"receiver answered {attempt['status_code']}"
    return (
        f"{shown(attempt['started_at'])}  {attempt['webhook_id']}  attempt {attempt['number']}: "
        f"{attempt['outcome']}, {came} after {attempt['duration_ms']} ms"
    )


def _tell_next(out: Output, event: dict[str, Any]) -> None:
    if event["next_attempt_at"]:
        out.note(f"next attempt at {shown(event['next_attempt_at'])}")


def _is_settled(event: dict[str, Any], seconds: float) -> bool:
    if event["acknowledged_at"] or event["status"] != "pending":
        return True
    if not event["deliveries"]:
        return seconds > UNWANTED_SECONDS
    return all(delivery["status"] != "pending" for delivery in event["deliveries"])


def _judge(out: Output, event: dict[str, Any]) -> None:
    left = [one["webhook_id"] for one in event["deliveries"] if one["status"] != "delivered"]
    if event["acknowledged_at"] or event["status"] == "delivered":
        return
    if left:
        raise CommandFailed(f"not delivered to {', '.join(left)}")
    out.note("no webhook wants it: it waits in the inbox")
