"""What a request asks for in its headers, beside its body."""

import re
from collections.abc import Mapping
from typing import Any

from app.context import headers_of
from triggers.errors import FieldError, ValidationFailed
from triggers.idempotency import KEY_CHARACTERS_MAX, METADATA_KEY

WAIT_SECONDS_MAX = 30

_WAIT = re.compile(
    r"\s*wait\s*=\s*(?:([0-9]{1,9})|\"([0-9]{1,9})\")\s*(?:;.*)?", re.IGNORECASE | re.ASCII
)
_KEY = re.compile(rf"[!-~]{{1,{KEY_CHARACTERS_MAX}}}")


def idempotency_key_of(scope: Mapping[str, Any]) -> str | None:
    """Return the key in the header `Idempotency-Key`; None: there is none.

    Raises ValidationFailed.
    """
    keys = headers_of(scope, b"idempotency-key")
    if not keys:
        return None
    if len(keys) > 1:
        raise _refused("is given more than once")
    if not _KEY.fullmatch(keys[0]):
        raise _refused(_issue_with(keys[0]))
    return keys[0]


def _issue_with(key: str) -> str:
    if not key:
        return "must not be empty"
    if len(key) > KEY_CHARACTERS_MAX:
        return f"longer than {KEY_CHARACTERS_MAX} characters"
    return "has characters that are not allowed"


def _refused(issue: str) -> ValidationFailed:
    suggestion = f"One key of 1–{KEY_CHARACTERS_MAX} visible ASCII characters for each event"
    return ValidationFailed(
        [FieldError(field="Idempotency-Key", issue=issue, suggestion=suggestion)]
    )


def refuse_idempotency_key(scope: Mapping[str, Any]) -> None:
    """Refuse the header where one request sends many events. Raises ValidationFailed."""
    if headers_of(scope, b"idempotency-key"):
        raise ValidationFailed(
            [
                FieldError(
                    field="Idempotency-Key",
                    issue="cannot be the key of many events",
                    suggestion=f"Use metadata.{METADATA_KEY} of each event",
                )
            ]
        )


def wait_seconds_of(scope: Mapping[str, Any]) -> int:
    """Return the N of `Prefer: wait=N`, at most 30; 0: there is none that makes sense.

    As RFC 7240 has it, of several the first counts, and what is not understood is ignored.
    """
    for text in headers_of(scope, b"prefer"):
        for preference in text.split(","):
            if match := _WAIT.fullmatch(preference):
                return min(int(match[1] or match[2]), WAIT_SECONDS_MAX)
    return 0
