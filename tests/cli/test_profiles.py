"""`triggers profiles`, and who is called with what is kept there."""

import json
from typing import Any

import pytest

from tests.cli.program import Program

NOWHERE = {"TRIGGERS_API": "", "TRIGGERS_KEY": ""}


def test_a_profile_is_all_that_a_command_needs(triggers: Program, service: dict[str, Any]) -> None:
    ran = triggers(
        "profiles", "set", "ours", "--api", triggers.api, "--key", "-", text=triggers.key + "\n"
    )
    assert (ran.code, ran.out) == (0, "")
    sent = triggers("events", "send", "order.created", "-d", "1", "--json", **NOWHERE)
    assert (sent.code, sent.document["event_type"]) == (0, "order.created")


def test_a_key_may_come_from_stdin_for_one_command_alone(triggers: Program) -> None:
    options = ("--api", triggers.api, "--key", "-")
    assert triggers("keys", "list", *options, text=triggers.key, **NOWHERE).code == 0
    assert triggers("keys", "list", *options, text="trg_x", **NOWHERE).code == 1


def test_a_key_is_asked_for_on_a_terminal(triggers: Program) -> None:
    with triggers.asked("profiles", "set", "ours", "--api", triggers.api) as asked:
        assert asked.question == "key: "
        ran = asked.answer(triggers.key)
    assert (ran.code, triggers.key in ran.out + ran.err) == (0, False)
    assert triggers("keys", "list", "--profile", "ours").code == 0


def test_the_file_of_make_run_gives_address_and_keys(
    triggers: Program, service: dict[str, Any]
) -> None:
    ready = triggers.folder / "ready.json"
    ready.write_text(json.dumps(service))
    triggers("profiles", "set", "local", "--from", str(ready), **NOWHERE)
    triggers("profiles", "set", "operator", "--from", str(ready), "--operator", **NOWHERE)
    kept = json.loads((triggers.folder / "profiles.json").read_text())
    assert kept["current"] == "local"
    assert {name: one["key"] for name, one in kept["profiles"].items()} == {
        "local": service["key"],
        "operator": service["operator_key"],
    }


def test_profiles_are_listed_used_and_removed_and_no_secret_is_shown(triggers: Program) -> None:
    secrets = f"{triggers.key}\nsig_hidden\n"
    options = ("--api", triggers.api, "--key", "-", "--signing-secret", "-")
    triggers("profiles", "set", "ours", *options, text=secrets)
    triggers("profiles", "set", "other", "--api", "https://o.example", "--key", "-", text="hidden")
    listed = triggers("profiles", "list", TRIGGERS_API="")
    listed.matches("profiles")
    assert "hidden" not in listed.out + triggers("profiles", "list", "--json").out
    assert triggers("profiles", "use", "other").code == 0
    assert triggers("profiles", "remove", "ours").code == 1
    assert triggers("profiles", "remove", "ours", "--yes").code == 0
    [left] = triggers("profiles", "list", "--json").documents
    assert (left["name"], left["current"]) == ("other", True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "a", "--api", "https://o.example", "--key", "trg_x"), "--key takes no text"),
        (("set", "a", "--api", "https://o.example"), "nobody can be asked"),
        (("set", "a", "--api", "https://o.example", "--key", "-"), "no line came from stdin"),
        (("set", "a"), "say --api"),
        (("set", "../a", "--api", "https://o.example"), "a name has"),
        (("set", "a", "--from", "/nowhere"), "is not there"),
        (("set", "a", "--from", "Makefile"), "Makefile: "),
    ],
)
def test_what_cannot_be_kept_is_wrong_usage(
    triggers: Program, arguments: tuple[str, ...], said: str
) -> None:
    ran = triggers("profiles", *arguments)
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert not (triggers.folder / "profiles.json").exists()


@pytest.mark.parametrize("command", [("use", "b"), ("remove", "b", "--yes")])
def test_a_profile_that_is_not_there_is_named(triggers: Program, command: tuple[str, ...]) -> None:
    ran = triggers("profiles", *command)
    assert (ran.code, "There is no profile b" in ran.err) == (1, True)
