"""Which headers of its own a webhook may have sent along. Pure.

Names are tokens (RFC 9110, 5.1) that mean nothing to us or to the connection; values are what
every HTTP library sends and reads in the same way.
"""

import re
from collections.abc import Iterator, Mapping

HEADERS_MAX = 20
NAME_CHARACTERS_MAX = 128
VALUE_CHARACTERS_MAX = 1024
HEADERS_BYTES_MAX = 8 * 1024  # names and values together

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[!-~](?:[\t -~]*[!-~])?")
# What we send ourselves, and what belongs to a connection and not to its request (RFC 9110, 7.6.1).
_RESERVED = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-correlation-id",
    }
)
_RESERVED_BEGINNINGS = ("proxy-", "webhook-")


def is_reserved(name: str) -> bool:
    """Tell whether a header is not a webhook's to set, in whatever case it is written."""
    lower = name.lower()
    return lower in _RESERVED or lower.startswith(_RESERVED_BEGINNINGS)


def issue_with_headers(headers: Mapping[str, str]) -> str | None:
    """Say what forbids these headers for a webhook, or None. Values are never repeated."""
    return next(_issues(headers), None)


def _issues(headers: Mapping[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    for number, (name, value) in enumerate(headers.items(), start=1):
        if not _NAME.fullmatch(name):
            yield f"the name of entry {number} has a character that no header's name may have"
        elif is_reserved(name):
            yield f"{name} is set by the service or belongs to the connection"
        elif name.lower() in seen:
            yield f"{name} is given twice: upper and lower case are the same"
        elif not _VALUE.fullmatch(value):
            yield f"the value of {name} is empty, not plain ASCII, or begins or ends with a space"
        seen.add(name.lower())
    if sum(len(name) + len(value) for name, value in headers.items()) > HEADERS_BYTES_MAX:
        yield f"larger than {HEADERS_BYTES_MAX} bytes together"
