"""Events from a terminal: sent, followed, listed, replayed, recovered, acknowledged, deleted."""

from typing import Any

import pytest

from tests.cli.program import Program
from triggers.cli.event_batches import LINE_BYTES_MAX


@pytest.fixture
def receiver(service: dict[str, Any]) -> str:
    """The address of the example receiver."""
    return str(service["receiver"])


def _webhook(triggers: Program, url: str, **changes: object) -> str:
    made = triggers.call("POST", "/v1/webhooks", {"url": url} | changes)
    return str(made["webhook_id"])


def _send(triggers: Program, event_type: str = "order.created", **changes: object) -> str:
    sent = triggers.call("POST", "/v1/events", {"event_type": event_type, "payload": 1} | changes)
    return str(sent["event_id"])


def test_an_event_is_sent_with_all_that_it_may_have(triggers: Program) -> None:
    more = ("--source", "shop", "-m", "region=eu", "--priority", "high")
    ran = triggers("events", "send", "order.created", "-d", "-", *more, text='{"price": 1.10}')
    ran.matches("events-send")
    again = [
        triggers("--json", "events", "send", "a", "-d", "1", "--idempotency-key", "k")
        for _ in range(2)
    ]
    assert again[0].document["event_id"] == again[1].document["event_id"]


def test_what_is_no_json_is_not_sent(triggers: Program) -> None:
    ran = triggers("events", "send", "order.created", "-d", "{")
    assert (ran.code, "the payload is not JSON" in ran.err) == (2, True)


def test_an_event_is_followed_until_it_has_failed(triggers: Program, receiver: str) -> None:
    _webhook(triggers, f"{receiver}/hook/503", retry=[1])
    ran = triggers("events", "show", _send(triggers), "--watch")
    lines = [line.rpartition(" after ")[0] for line in ran.out.splitlines()[:2]]
    assert [line.partition("attempt ")[2] for line in lines] == [
        "1: failed, receiver answered 503",
        "2: failed, receiver answered 503",
    ]
    assert ran.code == 1
    assert "Error: not delivered to wh_" in ran.err


def test_an_event_that_nobody_wants_waits_in_the_inbox(triggers: Program) -> None:
    event_id = _send(triggers)
    ran = triggers("--json", "events", "show", event_id, "--watch")
    assert (ran.code, ran.document["event_id"]) == (0, event_id)
    assert "it waits in the inbox" in ran.err
    assert [one["event_id"] for one in triggers("--json", "inbox", "list").documents] == [event_id]


def test_a_key_that_may_read_events_alone_can_follow_one(triggers: Program) -> None:
    event_id = _send(triggers)
    made = triggers.call("POST", "/v1/keys", {"name": "reader", "scopes": ["events:read"]})
    ran = triggers("events", "show", event_id, "--watch", TRIGGERS_KEY=made["key"])
    assert (ran.code, "it waits in the inbox" in ran.err) == (0, True), ran.err


def test_a_file_of_events_is_sent_and_its_bad_lines_are_told(triggers: Program) -> None:
    lines = '{"event_type": "a.b", "payload": 1.10}\n\n{"event_type": ".b", "payload": 1}\n{\n'
    triggers("events", "send-many", "-", text=lines).matches("events-send-many")
    [event] = triggers("--json", "events", "list", "--payload", "--type", "a.*").documents
    assert event["payload"] == 1.1


def test_a_run_that_is_sent_again_is_stored_once_and_counts_its_lines_aright(
    triggers: Program,
) -> None:
    event = '{"event_type": "a.b", "payload": 1}\n'
    too_long = '{"payload": "' + "x" * LINE_BYTES_MAX + '"}\n'
    for _ in range(2):
        ran = triggers("events", "send-many", "-", "--run", "r1", text=event + too_long + event)
        assert (ran.code, "line 2: no event in JSON: longer than 1 MB" in ran.err) == (1, True)
        assert "accepted: 2 of 3" in ran.err
    assert len(triggers("--json", "events", "list").documents) == 2


def test_lists_take_filters_and_end_where_they_are_told(triggers: Program) -> None:
    ids = [_send(triggers, source="shop") for _ in range(3)]
    _send(triggers)
    ran = triggers(
        "--json", "events", "list", "--source", "shop", "--oldest-first", "--since", "1h"
    )
    assert [one["event_id"] for one in ran.documents] == ids
    triggers("events", "list", "--limit", "2").matches("events-list")
    assert triggers("events", "list", "--since", "5").code == 2


def test_events_are_acknowledged_once_and_deleted(triggers: Program) -> None:
    first, second = _send(triggers), _send(triggers)
    assert triggers("inbox", "ack", "-", text=f"{first}\n{second}\n").code == 0
    triggers("inbox", "ack", first).matches("inbox-ack-again")
    assert triggers("events", "delete", first).code == 1  # nobody could be asked
    assert triggers("events", "delete", first, "--yes").code == 0
    assert triggers("events", "show", first).code == 1


def test_what_failed_is_recovered_and_replayed(triggers: Program, receiver: str) -> None:
    webhook_id = _webhook(triggers, f"{receiver}/hook/500", retry=[1])
    event_id = _send(triggers)
    assert triggers("events", "show", event_id, "--watch").code == 1
    triggers.call("PATCH", f"/v1/webhooks/{webhook_id}", {"url": f"{receiver}/hook"})
    triggers("recover", webhook_id, "--since", "1h").matches("recover")
    assert triggers("replay", event_id, "--watch", "--reason", "a test").code == 0
    ran = triggers("replay", "-", "--json", text=f"{event_id}\nevt_x\n")
    assert (ran.code, ran.document["number"]) == (1, 2)
    assert "evt_x: There is no event evt_x (not_found)" in ran.err
    assert triggers("events", "attempts", event_id, "--json").documents[0]["outcome"] == "delivered"
