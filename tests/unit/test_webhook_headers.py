"""Which headers of its own a webhook may have: the line B57 of the catalogue."""

import pytest

from triggers.webhook_headers import HEADERS_BYTES_MAX, is_reserved, issue_with_headers

RESERVED = [
    "content-type",
    "Content-Length",
    "CONTENT-ENCODING",
    "transfer-encoding",
    "connection",
    "Keep-Alive",
    "TE",
    "trailer",
    "upgrade",
    "expect",
    "host",
    "user-agent",
    "proxy-authorization",
    "Proxy-Connection",
    "webhook-id",
    "Webhook-Anything",
    "x-correlation-id",
    "traceparent",
    "tracestate",
    "HTTP2-Settings",
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer abc.def-ghi_~+/="),
        ("X-Api-Key", "!"),
        ("x", "a b\tc  d"),
        ("!#$%&'*+-.^_`|~09aZ", '"quoted", <a>; \\'),
        ("Cookie", "a=b"),
        ("webhook", "not one of ours"),
        ("content-language", "en"),
    ],
)
def test_a_usual_header_may_be_a_webhooks(name: str, value: str) -> None:
    assert issue_with_headers({name: value}) is None


@pytest.mark.parametrize("name", RESERVED)
def test_B57_what_the_service_or_the_connection_sets_is_refused(name: str) -> None:
    assert is_reserved(name)
    issue = issue_with_headers({"X-Good": "1", name: "1"})
    assert issue == f"{name} is set by the service or belongs to the connection"


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a:", ":authority", "a\r\nHost", "a\n", "ä", "a\x00", "(a)", "a/b", "a\x7f"],
)
def test_B57_a_broken_name_is_refused_and_not_repeated(name: str) -> None:
    issue = issue_with_headers({"X-Good": "1", name: "1"})
    assert issue == "the name of entry 2 has a character that no header's name may have"


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "\t",
        " a",
        "a ",
        "a\t",
        "a\r\nHost: evil",
        "a\n",
        "a\rb",
        "\x00",
        "ä",
        "a\x7f",
        "\u2028",
    ],
)
def test_B57_a_broken_value_is_refused_and_not_repeated(value: str) -> None:
    issue = issue_with_headers({"X-Bad": value})
    assert issue == ("the value of X-Bad is empty, not plain ASCII, or begins or ends with a space")


def test_B57_one_name_in_two_spellings_is_refused() -> None:
    assert issue_with_headers({"X-SHOP": "1", "X-Shop": "1"}) == (
        "X-Shop is given twice: upper and lower case are the same"
    )


def test_B56_headers_have_at_most_8_kb_together() -> None:
    fitting = {f"X-{number:06d}": "v" * 1016 for number in range(8)}
    assert sum(len(name) + len(value) for name, value in fitting.items()) == HEADERS_BYTES_MAX
    assert issue_with_headers(fitting) is None
    assert issue_with_headers(fitting | {"a": "b"}) == "larger than 8192 bytes together"
