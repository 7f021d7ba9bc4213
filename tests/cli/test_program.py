"""What holds for every command: where address and key come from, how failures are told."""

from tests.cli.program import Program


def test_health_needs_no_key(triggers: Program) -> None:
    ran = triggers("health", "--json", TRIGGERS_KEY="")
    assert (ran.code, ran.document["status"]) == (0, "ok")


def test_a_problem_is_told_with_what_to_do(triggers: Program) -> None:
    triggers("events", "send", ".order", "-d", "1").matches("problem")


def test_a_problem_is_told_to_scripts_as_it_came(triggers: Program) -> None:
    ran = triggers("--json", "events", "show", "evt_x")
    assert (ran.code, ran.out) == (1, "")
    assert '"code":"not_found"' in ran.err


def test_a_service_that_does_not_answer_is_named(triggers: Program) -> None:
    ran = triggers("events", "show", "evt_x", TRIGGERS_API="http://127.0.0.1:1", TRIGGERS_KEY="k")
    assert ran.code == 1
    assert ran.err.endswith(
        "http://127.0.0.1:1 does not answer: Connection refused; is it running?\n"
    )
