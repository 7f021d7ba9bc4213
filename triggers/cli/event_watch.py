"""Follows an event: a line for each attempt as it comes, until nothing is pending any more."""

import time
from typing import Any

import msgspec

from triggers.cli.api import Api, path_of
from triggers.cli.errors import CommandFailed, Refused
from triggers.cli.event_views import show_end
from triggers.cli.output import Output
from triggers.cli.printable import shown
from triggers.webhooks import matches_type

POLL_SECONDS = 0.5
POLL_SECONDS_MAX = 5.0
# After this long without any delivery it is asked whether a webhook wants the event at all.
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
        if _is_settled(answer.content):
            break
        if _has_waited(answer.content, began) and not _is_wanted(api, answer.content):
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


def _is_settled(event: dict[str, Any]) -> bool:
    if event["acknowledged_at"] or event["status"] != "pending":
        return True
    statuses = {delivery["status"] for delivery in event["deliveries"]}
    return bool(statuses) and "pending" not in statuses


def _has_waited(event: dict[str, Any], began: float) -> bool:
    """Tell whether an event has been without any delivery for longer than a worker mostly takes."""
    return not event["deliveries"] and time.monotonic() - began > UNWANTED_SECONDS


def _is_wanted(api: Api, event: dict[str, Any]) -> bool:
    """Tell whether a webhook wants an event that no worker has seen yet; a key may not be let know."""
    try:
        webhooks = api.whole(path_of("webhooks"), "webhooks")
    except Refused as error:
        if error.code != "forbidden":
            raise
        return False
    patterns = (
        one for document in webhooks for one in msgspec.json.decode(document)["event_types"]
    )
    return any(matches_type(pattern, event["event_type"]) for pattern in patterns)


def _judge(out: Output, event: dict[str, Any]) -> None:
    left = [one["webhook_id"] for one in event["deliveries"] if one["status"] != "delivered"]
    if event["acknowledged_at"] or event["status"] == "delivered":
        return
    if left:
        raise CommandFailed(f"not delivered to {', '.join(left)}")
    out.note("no webhook has taken it: it waits in the inbox")
