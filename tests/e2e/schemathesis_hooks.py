"""What schemathesis has to know beyond the document. It loads this module in its own process."""

import itertools
import os
from typing import Any

import schemathesis
from hypothesis import strategies
from schemathesis import Case, HookContext
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response

# No walk may change or delete a key or a tenant that a walk goes with.
SPARED = os.environ["SPARED"].split(",")
NOBODY = {"key_id": "0" * 26, "tenant_id": "ten_" + "0" * 16}
# Examples of what an earlier request has used up, or only its answer can give.
IF_MATCH_EXAMPLE = '"3"'
CURSOR_EXAMPLE = "AbJk3uX0kPZ7m1Yt4Qw"
KEY_EXAMPLE = "order-1-created"

# What may come instead of what the document leads one to expect, by the failure that it would be.
_BUSY = {
    "unavailable": "views are kept far shorter than in production, so that changes are quick; on a "
    "busy machine one may be too old before it is there, and then this is what is promised",
}
CODES = {
    "ST101": _BUSY,  # a server error
    "ST102": _BUSY,
    "ST202": {  # valid by its schema, which cannot say more, and refused
        "idempotency_mismatch": "the key was used before, for something else",
        "invalid_cursor": "one that is ours is known by its signature alone",
        "precondition_failed": "what `If-Match` names was the state once",
    },
}
FIELDS = {  # of what is valid by its schema and refused
    "url": "it must have a public host, hence be no address of ours",
    "headers": "some names are reserved, upper and lower case are one, and there is a limit to all",
    "expires_at": "it must be in the future",
    "allowed_cidrs": "what stands behind the prefix must be zero",
    "since": "what is to be recovered lies in the past",
    "until": "it must lie after `since`",
    "rate_limit": "a tenant has one of its own in the tier enterprise alone",
}


_numbers = itertools.count()


def _texts(*texts: str) -> strategies.SearchStrategy[str]:
    return strategies.sampled_from(texts)


schemathesis.openapi.format(
    "uri", _texts("https://example.com/hooks", "https://hooks.example.org:8443/in?tenant=1")
)

schemathesis.openapi.format("cidr", _texts("203.0.113.0/24", "198.51.100.7", "2001:db8::/32"))


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Spare what the walks go with, and let no example that is good but once get in the way.

    Each case comes from an address of its own: wrong keys are among them, and from one address too
    many would be answered with 429.
    """
    number = next(_numbers)
    case.headers["X-Forwarded-For"] = f"198.18.{number // 256 % 256}.{number % 256}"
    for name, value in case.path_parameters.items():
        if value in SPARED:
            case.path_parameters[name] = NOBODY[name]
    if case.headers.get("If-Match") == IF_MATCH_EXAMPLE:
        case.headers["If-Match"] = "*"
    if case.query.get("cursor") == CURSOR_EXAMPLE:
        del case.query["cursor"]
    if case.headers.get("Idempotency-Key") == KEY_EXAMPLE:
        case.headers["Idempotency-Key"] = f"{KEY_EXAMPLE}-{number}"


@schemathesis.hook
def filter_failure(
    _context: HookContext, failure: Failure, _case: Case[Any], response: Response
) -> bool:
    """Tell whether a failure is one."""
    content_type = response.headers.get("content-type", [""])[0]
    problem = response.json() if "problem+json" in content_type else {}
    if problem.get("code") in CODES.get(failure.code, ()):
        return False
    if failure.code == "ST201" and response.status_code == 207:
        return False  # what is wrong is refused item by item
    return failure.code != "ST202" or not _is_beyond_a_schema(problem)


def _is_beyond_a_schema(problem: dict[str, Any]) -> bool:
    errors = problem.get("errors", ())
    return bool(errors) and all(
        error["field"] in FIELDS
        # To JSON Schema 1.0 is an integer; to us it is not written as one.
        or error["issue"].startswith("is a number, must be an integer")
        for error in errors
    )
