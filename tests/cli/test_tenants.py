"""`triggers tenants`, with the operator's key."""

from tests.cli.program import Program


def test_a_tenant_is_made_and_its_first_key_works(operator: Program) -> None:
    ran = operator("tenants", "create", "Acme", "--tier", "pro")
    ran.matches("tenant_created")
    key = next(word for word in ran.out.split() if word.startswith("trg_"))
    assert operator("events", "send", "a", "-d", "1", TRIGGERS_KEY=key).code == 0


def test_a_tenant_is_changed_listed_and_given_a_key(operator: Program) -> None:
    made = operator("tenants", "create", "Acme", "--json", "--save-profile", "acme").document
    assert "key" not in made
    own = ("--tier", "enterprise", "--per-second", "50", "--burst", "100", "--per-day", "1000")
    operator("tenants", "update", made["tenant_id"], *own).matches("tenant_updated")
    lost = operator("tenants", "update", made["tenant_id"], "--no-own-limit", "--json")
    assert lost.document["rate_limit"] is None
    half = operator("tenants", "update", made["tenant_id"], "--per-second", "5")
    assert (half.code, "takes --per-second and --burst" in half.err) == (2, True)
    rescue = ("--name", "rescue", "--scope", "keys", "--json")
    key = operator("tenants", "create-key", made["tenant_id"], *rescue).document["key"]
    assert len(operator("keys", "list", "--json", TRIGGERS_KEY=key).documents) == 2
    operator("tenants", "show", made["tenant_id"]).matches("tenant")
    listed = operator("tenants", "list", "--all", "--json").documents
    assert made["tenant_id"] in [tenant["tenant_id"] for tenant in listed]


def test_a_tenant_is_deleted_when_its_name_is_typed(operator: Program) -> None:
    tenant_id = operator.call("POST", "/v1/tenants", {"name": "Acme"})["tenant_id"]
    assert operator("tenants", "delete", tenant_id).code == 1
    for typed, code, then in (("acme", 1, 0), ("Acme", 0, 1)):
        with operator.asked("tenants", "delete", tenant_id) as asked:
            assert asked.question.endswith("Type its name, Acme: ")
            assert asked.answer(typed).code == code
        assert operator("tenants", "show", tenant_id).code == then
