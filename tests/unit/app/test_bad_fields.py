"""Fields that break a rule: all of them are told, each with what is wrong and what to do."""

import json
from typing import Any

import pytest

from tests.unit.app.api import Api


async def errors_of(api: Api, path: str, body: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Post a body that is refused; returns its errors by field."""
    answer = await api.post(path, json.dumps(body))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "validation_failed"), problem
    assert problem["detail"].startswith(problem["errors"][0]["field"])
    return {error["field"]: error for error in problem["errors"]}


@pytest.mark.parametrize(
    "event_type",
    [
        "",
        ".a",
        "a/b",
        "a%2Fb",
        "a b",
        "a\n",
        "a\nb",
        "a\x00",
        "order.créé",
        "order.*",
        "x" * 129,
        "../a",
        "a#b",
    ],
)
async def test_B40_an_event_type_of_the_wrong_form_is_refused(api: Api, event_type: str) -> None:
    errors = await errors_of(api, "/v1/events", {"event_type": event_type, "payload": 1})
    assert list(errors) == ["event_type"]
    assert "order.created" in errors["event_type"]["suggestion"]


@pytest.mark.parametrize("event_type", ["a", "A-1_b.c", "a..b", "a.", "-", "x" * 128, "order.v2"])
async def test_B40_an_event_type_of_the_right_form_is_accepted(api: Api, event_type: str) -> None:
    await api.accept(event_type=event_type)


async def test_the_issue_says_how_long_a_field_may_be(api: Api) -> None:
    errors = await errors_of(api, "/v1/events", {"event_type": "x" * 129, "payload": 1})
    assert errors["event_type"]["issue"] == "longer than 128 characters"


async def test_all_errors_of_a_body_are_told_at_once(api: Api) -> None:
    metadata = {"good": "x", "number": 1, "k" * 65: "x", "long": "x" * 513}
    body = {"evnt_type": "a", "event_id": "e", "source": "", "metadata": metadata}
    errors = await errors_of(api, "/v1/events", body)
    assert {field: error["issue"] for field, error in errors.items()} == {
        "event_type": "is required",
        "payload": "is required",
        "source": "must not be empty",
        "metadata.number": "is an integer, must be a string",
        "metadata." + "k" * 64: "longer than 64 characters",
        "metadata.long": "longer than 512 characters",
        "evnt_type": "is not known",
        "event_id": "is not known",
    }
    assert errors["evnt_type"]["suggestion"] == "Did you mean event_type?"


@pytest.mark.parametrize(
    ("field", "value", "issue"),
    [
        ("event_type", None, "is null, must be a string"),
        ("event_type", ["a"], "is a list, must be a string"),
        ("source", 1, "is an integer, must be a string or null"),
        ("source", "x" * 129, "longer than 128 characters"),
        ("metadata", None, "is null, must be an object"),
        ("metadata", [], "is a list, must be an object"),
        ("metadata", {str(n): "" for n in range(33)}, "longer than 32 entries"),
    ],
)
async def test_each_rule_of_an_event_has_its_words(
    api: Api, field: str, value: object, issue: str
) -> None:
    errors = await errors_of(api, "/v1/events", {"event_type": "a", "payload": 1, field: value})
    assert errors[field]["issue"] == issue


@pytest.mark.parametrize(
    ("field", "value", "wrong", "issue"),
    [
        ("retry", "long", "retry", "is not one of short, standard"),
        ("retry", 5, "retry", "is an integer, must be a string or a list"),
        ("retry", [], "retry", "must not be empty"),
        ("retry", [5] * 21, "retry", "longer than 20 items"),
        ("retry", [5, 0], "retry[1]", "less than 1"),
        ("retry", [86_401], "retry[0]", "greater than 86400"),
        ("retry", [5, 1.5], "retry[1]", "is a number, must be an integer"),
        ("timeout_seconds", 0, "timeout_seconds", "less than 1"),
        ("timeout_seconds", 31, "timeout_seconds", "greater than 30"),
        ("event_types", [], "event_types", "must not be empty"),
        ("event_types", ["a", 1], "event_types[1]", "is an integer, must be a string"),
        ("event_types", "a", "event_types", "is a string, must be a list"),
        ("secret", "x", "secret", "does not start with whsec_"),
        ("secret", "whsec_!", "secret", "is not base64 after its prefix"),
        ("secret", "whsec_MfKQ", "secret", "does not hold 24 to 64 bytes"),
        (
            "headers",
            {"host": "x"},
            "headers",
            "host is set by the service or belongs to the connection",
        ),
        ("enabled", None, "enabled", "is null, must be true or false"),
        ("description", "x" * 513, "description", "longer than 512 characters"),
        ("header", {"host": "x"}, "header", "is not known"),
    ],
)
async def test_each_rule_of_a_webhook_has_its_words(
    api: Api, field: str, value: object, wrong: str, issue: str
) -> None:
    body = {"url": "https://example.com/", field: value}
    errors = await errors_of(api, "/v1/webhooks", body)
    assert {name: error["issue"] for name, error in errors.items()} == {wrong: issue}


@pytest.mark.parametrize(
    "pattern", ["", "*.a", "a*", "a.*.b", "a..*", "**", "*.", ".*", "a b", "a\n", "a.*\n"]
)
async def test_B40_a_pattern_of_the_wrong_form_is_refused(api: Api, pattern: str) -> None:
    body = {"url": "https://example.com/", "event_types": ["order.*", pattern]}
    errors = await errors_of(api, "/v1/webhooks", body)
    [field] = errors
    assert field.startswith("event_types")


async def test_errors_of_form_and_of_meaning_are_told_together(api: Api) -> None:
    body = {"url": "ftp://example.com", "timeout_seconds": 99, "secret": "x", "event_types": ["?"]}
    errors = await errors_of(api, "/v1/webhooks", body)
    assert set(errors) == {"url", "timeout_seconds", "secret", "event_types"}


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-22T05:29:00.123Z",
        "1969-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
        "2027-01-01T00:00:00",
        "2027-01-01",
        "2027-13-01T00:00:00Z",
        "-1",
        -1,
        1_900_000_000,
    ],
)
async def test_B44_a_time_that_is_none_or_past_is_refused(api: Api, moment: object) -> None:
    body = {"name": "a", "scopes": ["inbox"], "expires_at": moment}
    assert list(await errors_of(api, "/v1/keys", body)) == ["expires_at"]


@pytest.mark.parametrize(
    ("field", "value", "issue"),
    [
        ("name", "", "must not be empty"),
        ("name", "x" * 129, "longer than 128 characters"),
        ("scopes", [], "must not be empty"),
        ("tenant_id", "ten_1", "is not known"),
    ],
)
async def test_each_rule_of_a_key_has_its_words(
    api: Api, field: str, value: object, issue: str
) -> None:
    errors = await errors_of(api, "/v1/keys", {"name": "a", "scopes": ["inbox"], field: value})
    assert errors[field]["issue"] == issue


@pytest.mark.parametrize("scope", ["admin", "events", "", "EVENTS:WRITE"])
async def test_a_scope_that_a_tenant_cannot_have_is_refused(api: Api, scope: str) -> None:
    errors = await errors_of(api, "/v1/keys", {"name": "a", "scopes": ["inbox", scope]})
    assert errors["scopes[1]"]["issue"].startswith("is not one of analytics, ")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/events", {"event_type": "a", "payload": 1}),
        ("/v1/webhooks", {"url": "https://example.com/"}),
        ("/v1/keys", {"name": "a", "scopes": ["inbox"]}),
    ],
)
async def test_B45_an_unknown_field_is_refused(api: Api, path: str, body: dict[str, Any]) -> None:
    errors = await errors_of(api, path, body | {"tenant_id": "x"})
    assert errors["tenant_id"]["issue"] == "is not known"


@pytest.mark.parametrize("path", ["/v1/webhooks", "/v1/keys", "/v1/events/{}/attempts"])
async def test_B45_lists_without_parameters_refuse_any(api: Api, path: str) -> None:
    answer = await api.client.get(path.format(await api.accept()) + "?limit=1")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
