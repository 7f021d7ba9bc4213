"""`triggers webhooks`: from its creation to its end."""

import time
from typing import Any

import pytest

from tests.cli.program import Program
from tests.processes import POLL_SECONDS, WAIT_SECONDS
from triggers.cli.webhook_options import changed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def make_webhook(triggers: Program, url: str, *options: str, text: str = "") -> dict[str, Any]:
    ran = triggers("webhooks", "create", url, "--json", *options, text=text)
    assert ran.code == 0, ran.err
    document: dict[str, Any] = ran.document
    return document


def test_a_webhook_is_made_as_it_is_described_and_shown(
    triggers: Program, service: dict[str, Any]
) -> None:
    (triggers.folder / "headers").write_text("Authorization: Basic dTpw\n\nX-Team:orders\n")
    options = ["--type", "order.*", "--type", "invoice.paid", "--description", "Orders\nStatus ok"]
    options += ["--timeout", "5", "--retry", "1,2,4", "--header", f"@{triggers.folder}/headers"]
    options += ["--secret", "-", "--disabled"]
    triggers(
        "webhooks", "create", f"{service['receiver']}/hook", *options, text=SECRET + "\n"
    ).matches("webhook_created")
    [made] = triggers("webhooks", "list", "--json").documents
    assert made["headers"] == {"Authorization": "Basic dTpw", "X-Team": "orders"}
    triggers("webhooks", "secret", made["webhook_id"]).matches("webhook_secret")
    triggers("webhooks", "list").matches("webhooks")
    enabled = triggers("webhooks", "enable", made["webhook_id"])
    assert (enabled.code, "Since " in enabled.out) == (0, False)
    triggers("webhooks", "disable", made["webhook_id"]).matches("webhook_disabled")


def test_what_is_not_named_stays(triggers: Program, service: dict[str, Any]) -> None:
    url = f"{service['receiver']}/hook"
    made = make_webhook(triggers, url, "--header", "A: 1", "--header", "B: 2", "--retry", "short")
    change = ("--header", "a: 3", "--header", "C: 4", "--header", "B:", "--description", "")
    ran = triggers("webhooks", "update", made["webhook_id"], *change, "--json")
    changed = {"headers": {"a": "3", "C": "4"}, "updated_at": ran.document["updated_at"]}
    del made["secret"]  # an update does not show it
    assert ran.document == made | changed


def test_a_test_tells_what_came_of_it(triggers: Program, service: dict[str, Any]) -> None:
    well = make_webhook(triggers, f"{service['receiver']}/hook")
    broken = make_webhook(triggers, f"{service['receiver']}/hook/503")
    ran = triggers("webhooks", "test", well["webhook_id"], "--json")
    assert (ran.code, ran.document["status_code"]) == (0, 200)
    failed = triggers("webhooks", "test", broken["webhook_id"])
    assert (failed.code, failed.err) == (1, "Error: the test failed: receiver answered 503\n")
    assert "Status   503\n" in failed.out


def test_a_failing_webhook_shows_since_when_and_its_attempts(
    triggers: Program, service: dict[str, Any]
) -> None:
    webhook = make_webhook(triggers, f"{service['receiver']}/hook/503", "--retry", "86400")
    triggers("events", "send", "order.created", "-d", "1")
    deadline = time.monotonic() + WAIT_SECONDS
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    while triggers.call("GET", path)["status"] != "failing":
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)
    triggers("webhooks", "show", webhook["webhook_id"]).matches("webhook_failing")
    [attempt] = triggers("webhooks", "attempts", webhook["webhook_id"], "--json").documents
    assert (attempt["status_code"], attempt["number"]) == (503, 1)


def test_a_rotated_secret_signs_along(triggers: Program, service: dict[str, Any]) -> None:
    webhook = make_webhook(triggers, f"{service['receiver']}/hook")
    ran = triggers("webhooks", "rotate-secret", webhook["webhook_id"], "--secret", "-", text=SECRET)
    assert (ran.code, ran.out) == (0, SECRET + "\n")
    assert "an earlier one signs along until" in ran.err
    [secrets] = triggers("webhooks", "secret", webhook["webhook_id"], "--json").documents
    assert [old["secret"] for old in secrets["old_secrets"]] == [webhook["secret"]]


def test_a_webhook_that_was_changed_while_we_were_asked_is_not_deleted(
    triggers: Program, service: dict[str, Any]
) -> None:
    webhook = make_webhook(triggers, f"{service['receiver']}/hook")
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    with triggers.asked("webhooks", "delete", webhook["webhook_id"]) as asked:
        assert asked.question == f"Delete the webhook to {webhook['url']}? [y/N]: "
        triggers.call("PATCH", path, {"description": "new"})
        ran = asked.answer("y")
    assert (ran.code, "has changed" in ran.err) == (1, True), ran.err
    assert triggers("webhooks", "delete", webhook["webhook_id"]).code == 1
    assert triggers("webhooks", "delete", webhook["webhook_id"], "--yes").code == 0
    assert triggers("webhooks", "list", "--json").out == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--retry", "soon"), "standard, short, or 1–20 pauses"),
        (("--retry", "1,,2"), "standard, short, or 1–20 pauses"),
        (("--retry", ",".join(["1"] * 21)), "standard, short, or 1–20 pauses"),
        (("--header", "Basic c2VjcmV0"), "header 1 is not of the form"),
        (("--header", "@/nowhere"), "/nowhere: No such file"),
        (("--timeout", "31"), "31 is not in the range"),
        (("--secret", SECRET), "takes no text"),
    ],
)
def test_wrong_options_are_named_and_no_secret_is_repeated(
    triggers: Program, options: tuple[str, ...], said: str
) -> None:
    ran = triggers("webhooks", "create", "https://example.com", *options)
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert "c2VjcmV0" not in ran.err
    assert SECRET not in ran.err


def test_nothing_to_change_is_wrong_usage(triggers: Program) -> None:
    assert triggers("webhooks", "update", "wh_1").code == 2


def test_the_case_of_a_headers_name_tells_none_apart() -> None:
    assert changed_headers({"A": "1", "B": "2"}, {"a": "3", "b": ""}) == {"a": "3"}
