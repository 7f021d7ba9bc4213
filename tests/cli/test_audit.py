"""`triggers audit`, and with it how lists are read by pages."""

from tests.cli.program import Program


def test_the_audit_shows_who_did_what(triggers: Program) -> None:
    for name in ("shop", "office"):
        triggers.call("POST", "/v1/keys", {"name": name, "scopes": ["inbox"]})
    triggers("audit").matches("audit")
    newest = triggers("audit", "--json", "--limit", "1")
    assert [entry["action"] for entry in newest.documents] == ["key.created"]
    assert "there are more" in newest.err
    assert len(triggers("audit", "--json", "--all", "--action", "key.created").documents) == 2
    since = triggers("audit", "--json", "--since", "1h", "--subject", newest.document["subject"])
    assert since.documents == newest.documents
    assert triggers("audit", "--json", "--until", "1h").out == ""
    assert triggers("audit", "--since", "2026-11-22").code == 2
