"""Follows an event: a line for each attempt as it comes, until nothing is pending any more."""

import time
from typing import Any

import msgspec

from triggers.cli.api import Api, path_of
from triggers.cli.errors import CommandFailed
from triggers.cli.event_views import show_event
from triggers.cli.output import Output
from triggers.cli.printable import shown

POLL_SECONDS = 0.5
POLL_SECONDS_MAX = 5.0
# After this long an event without any delivery is one that no webhook wants.
UNWANTED_SECONDS = 3.0


def watch_event(api: Api, out: Output, event_id: str) -> None:
    """Follow an event to its end. Raises CommandFailed when it was not delivered to all that want it."""
    told: set[tuple[str, int]] = set()
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
    out.line("")
    show_event(out, answer.body)
    _judge(out, answer.content)


def _tell_attempts(api: Api, out: Output, event_id: str, told: set[tuple[str, int]]) -> bool:
    """Print the attempts that were not told yet, oldest first; tell whether there were any."""
    fresh = False
    for document in reversed(api.whole(path_of("events", event_id, "attempts"), "attempts")):
        attempt = msgspec.json.decode(document)
        if (key := (attempt["webhook_id"], attempt["number"])) in told:
            continue
        told.add(key)
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
