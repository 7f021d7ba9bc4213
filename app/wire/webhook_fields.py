"""The fields of a webhook as callers send them, and what they must be beyond their form."""

import re
from typing import Annotated, Literal

from msgspec import Meta

from app.decoding import Check
from triggers import signatures
from triggers.settings import Settings
from triggers.webhook_headers import (
    HEADERS_MAX,
    NAME_CHARACTERS_MAX,
    VALUE_CHARACTERS_MAX,
    issue_with_headers,
)
from triggers.webhook_urls import URL_CHARACTERS_MAX, issue_with_url
from triggers.webhooks import RETRY_DELAY_SECONDS_MAX, RETRY_DELAYS_MAX, TIMEOUT_SECONDS_MAX

DESCRIPTION_CHARACTERS_MAX = 512
EVENT_TYPES_MAX = 50

_PATTERN = re.compile(r"\*|[A-Za-z0-9_-][A-Za-z0-9._-]*(?:(?<!\.)\.\*)?")
# The same for JSON Schema, whose patterns do not look behind.
_EVENT_TYPE_PATTERN = (
    r"^(\*|[A-Za-z0-9_-][A-Za-z0-9._-]*|[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?\.\*)$"
)
# 24 to 64 bytes; the last character before padding has some bits that are zero.
_FOURS, _ONE = "^whsec_([A-Za-z0-9+/]{4})", "[A-Za-z0-9+/]"
_SECRET_PATTERN = (
    f"{_FOURS}{{8,21}}$|{_FOURS}{{8,20}}{_ONE}{{2}}[AEIMQUYcgkosw048]=$"
    f"|{_FOURS}{{8,21}}{_ONE}[AQgw]==$"
)

Url = Annotated[
    str,
    Meta(
        description="https and a public host (in development http and an allowed network too), no user, "
        "no fragment, at most 2,048 characters",
        max_length=URL_CHARACTERS_MAX,
        examples=["https://example.com/hooks/orders"],
        extra_json_schema={"format": "uri"},
    ),
]
EventTypes = Annotated[
    list[
        Annotated[
            str,
            Meta(min_length=1, max_length=128, extra_json_schema={"pattern": _EVENT_TYPE_PATTERN}),
        ]
    ],
    Meta(
        min_length=1,
        max_length=EVENT_TYPES_MAX,
        description="At most 50 of: * for all, order.created for one, order.* for all below it",
        examples=[["order.*"]],
    ),
]
Delay = Annotated[int, Meta(ge=1, le=RETRY_DELAY_SECONDS_MAX, description="1–86400 seconds")]
Retry = Annotated[
    Literal["standard", "short"]
    | Annotated[list[Delay], Meta(min_length=1, max_length=RETRY_DELAYS_MAX)],
    Meta(
        description="standard (3.2 days), short (31 s), or 1–20 pauses of 1–86400 seconds",
        examples=["standard", [5, 60, 3600]],
    ),
]
Timeout = Annotated[
    int,
    Meta(
        ge=1,
        le=TIMEOUT_SECONDS_MAX,
        description="1–30 seconds for the receiver to answer; 15 when none is given",
        examples=[15],
    ),
]
Secret = Annotated[
    str,
    Meta(
        description="whsec_ and base64 of 24–64 random bytes; made when none is given",
        max_length=len(signatures.SECRET_PREFIX) + 4 * ((signatures.SECRET_BYTES_MAX + 2) // 3),
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        extra_json_schema={"pattern": _SECRET_PATTERN},
    ),
]
Description = Annotated[
    str,
    Meta(
        max_length=DESCRIPTION_CHARACTERS_MAX,
        description="What the webhook is for, at most 512 characters; null: nothing is said",
        examples=["Orders for the warehouse"],
    ),
]
Enabled = Annotated[
    bool,
    Meta(
        description="Whether events are sent to it; what wants a disabled webhook is held for it",
        examples=[True],
    ),
]
HeaderName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_CHARACTERS_MAX,
        extra_json_schema={"pattern": r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"},
    ),
]
HeaderValue = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=VALUE_CHARACTERS_MAX,
        extra_json_schema={"pattern": r"^[!-~]([\t -~]*[!-~])?$"},
    ),
]
Headers = Annotated[
    dict[HeaderName, HeaderValue],
    Meta(
        max_length=HEADERS_MAX,
        description="At most 20 headers that go along with every request, 8 KB together; names up "
        "to 128 characters, values up to 1,024 of plain ASCII. What the service sets itself is "
        "reserved, webhook-… and content-… among it",
        examples=[{"Authorization": "Basic dXNlcjpwYXNz"}],
    ),
]


def webhook_checks(settings: Settings) -> dict[str, Check]:
    """Return what a webhook's fields must be beyond their form."""
    networks = settings.networks

    def check_url(url: str) -> str | None:
        return issue_with_url(url, is_development=settings.is_development, allowed=networks)

    return {
        "url": check_url,
        "event_types": _check_event_types,
        "headers": issue_with_headers,
        "secret": issue_with_secret,
    }


def _check_event_types(patterns: list[str]) -> str | None:
    wrong = next((n for n, text in enumerate(patterns) if not _PATTERN.fullmatch(text)), None)
    return (
        None if wrong is None else f"entry {wrong} is neither *, nor an event type, nor one with .*"
    )


def issue_with_secret(secret: str) -> str | None:
    """Say why a text is no secret, or None."""
    try:
        signatures.secret_bytes(secret)
    except ValueError as error:
        return str(error)
    return None
