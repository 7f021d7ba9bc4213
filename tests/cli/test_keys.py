"""`triggers keys`: made, shown once, or kept unseen."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.program import Program


def make_key(triggers: Program, *options: str) -> dict[str, Any]:
    ran = triggers("keys", "create", "shop", "--scope", "events:write", "--json", *options)
    assert ran.code == 0, ran.err
    document: dict[str, Any] = ran.document
    return document


def kept(triggers: Program, name: str) -> dict[str, str]:
    profiles = json.loads((triggers.folder / "profiles.json").read_text())["profiles"]
    found: dict[str, str] = profiles[name]
    return found


def test_a_key_is_shown_once(triggers: Program) -> None:
    options = ["--scope", "events:read", "--scope", "inbox", "--expires", "2999-01-01T00:00:00Z"]
    options += ["--rate-limit", "50", "--cidr", "203.0.113.0/24", "--require-signature"]
    ran = triggers("keys", "create", "shop", *options)
    ran.matches("key_created")
    [_, made] = triggers("keys", "list", "--json").documents
    assert "trg_" not in triggers("keys", "show", made["key_id"]).out
    triggers("keys", "list").matches("keys")


def test_a_new_key_is_kept_unseen_and_works(triggers: Program) -> None:
    options = ("--require-signature", "--save-profile", "signed")
    shown = make_key(triggers, *options)
    assert not {"key", "signing_secret"} & shown.keys()
    signed = {"TRIGGERS_PROFILE": "signed", "TRIGGERS_API": "", "TRIGGERS_KEY": ""}
    assert triggers("events", "send", "a", "-d", "1", **signed).code == 0
    before = kept(triggers, "signed")
    rotated = triggers("keys", "rotate", shown["key_id"], "--save-profile", "signed")
    assert "trg_" not in rotated.out + rotated.err
    after = kept(triggers, "signed")
    assert all(before[name] != after[name] for name in ("key", "signing_secret"))
    assert triggers("events", "send", "a", "-d", "1", **signed).code == 0


def test_no_key_is_made_that_cannot_be_kept(triggers: Program) -> None:
    (triggers.folder / "profiles.json").touch(0o644)
    ran = triggers("keys", "create", "shop", "--scope", "inbox", "--save-profile", "a")
    assert (ran.code, "chmod 600" in ran.err) == (1, True)
    assert len(triggers("keys", "list", "--json").documents) == 1


def test_what_is_not_named_stays_and_none_clears(triggers: Program) -> None:
    made = make_key(triggers, "--expires", "90d", "--rate-limit", "50", "--cidr", "127.0.0.0/8")
    expires = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < expires < timedelta(days=90)
    cleared = ("--expires", "none", "--rate-limit", "0", "--cidr", "none", "--require-signature")
    ran = triggers("keys", "update", made["key_id"], *cleared, "--json")
    shown = ran.document
    assert shown.pop("signing_secret").startswith("sig_")
    del made["key"]
    made |= {"expires_at": None, "rate_limit": None, "allowed_cidrs": []}
    assert shown == made | {"require_signature": True}


def test_the_old_text_lives_on_for_as_long_as_is_said(triggers: Program) -> None:
    made = make_key(triggers)
    rotated = triggers("keys", "rotate", made["key_id"], "--overlap", "1h", "--json").document
    overlap = datetime.fromisoformat(rotated["old_version_expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=58) < overlap <= timedelta(hours=1)
    assert rotated["key"] != made["key"]


def test_a_revoked_key_is_gone_and_a_no_revokes_nothing(triggers: Program) -> None:
    key_id = make_key(triggers)["key_id"]
    with triggers.asked("keys", "revoke", key_id) as asked:
        assert asked.question == "Revoke the key shop, last used never? [y/N]: "
        assert asked.answer("n").code == 1
    assert triggers("keys", "show", key_id).code == 0
    assert triggers("keys", "revoke", key_id, "--yes").code == 0
    assert triggers("keys", "show", key_id).code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "shop"),
        ("create", "shop", "--scope", "admin"),
        ("create", "shop", "--scope", "inbox", "--expires", "soon"),
        ("create", "shop", "--scope", "inbox", "--expires", "2999-01-01"),
        ("create", "shop", "--scope", "inbox", "--expires", "999999999d"),
        ("rotate", "a", "--overlap", "8d"),
        ("rotate", "a", "--overlap", "1"),
        ("update", "a"),
    ],
)
def test_wrong_options_are_wrong_usage(triggers: Program, arguments: tuple[str, ...]) -> None:
    assert triggers("keys", *arguments).code == 2
