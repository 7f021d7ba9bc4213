"""Problems of who calls, what for, and how often."""

from app.problems.kinds import Example, Problem

OF_CALLERS = {
    "unauthenticated": Problem(
        401,
        "A valid key is needed",
        "There is no key in the request, or it is mistyped, revoked, expired, or not the only one.",
        "Send `Authorization: Bearer <key>` or `X-API-Key: <key>` with a key that is in force.",
        Example(
            path="/v1/events",
            has_key=False,
            detail="Send a key: Authorization: Bearer <key>, or X-API-Key: <key>",
        ),
    ),
    "signature_invalid": Problem(
        401,
        "The request is not signed as it must be",
        "The key demands signed requests, and the signature is missing, wrong, used before, or its "
        "time is more than 5 minutes off.",
        "Sign each request anew, with the present time, over exactly what is sent.",
        Example(
            path="/v1/events",
            given="The key was made with `require_signature`.",
            detail="The key demands signed requests: X-Triggers-Timestamp is missing",
        ),
    ),
    "forbidden": Problem(
        403,
        "The key may not do this",
        "The key is valid, but it lacks the scope that `detail` names, or may not be used from this "
        "address.",
        "Use a key that has the scope, or create one; or call from an address that the key allows.",
        Example(
            path="/v1/inbox",
            given="The key has the scope `events:write` alone.",
            detail="The key lacks the scope inbox",
        ),
    ),
    "not_found": Problem(
        404,
        "There is no such thing",
        "The path or the id does not exist, has expired, or belongs to another tenant.",
        "Check the path against /docs, and the id against what the API gave out.",
        Example(
            path="/v1/events/evt_01KAN72XQV8YJ4T6Z0M3S5B7C9",
            detail="There is no event evt_01KAN72XQV8YJ4T6Z0M3S5B7C9",
        ),
    ),
    "method_not_allowed": Problem(
        405,
        "The method is not allowed here",
        "The path exists, but not for this HTTP method.",
        "Use one of the methods in the `Allow` header.",
        Example(method="DELETE", path="/v1/inbox"),
    ),
    "rate_limited": Problem(
        429,
        "Too many requests",
        "The tenant or its key has used up what it may do in this time, or too many wrong keys came "
        "from the address.",
        "Wait for the seconds in `Retry-After`; the `RateLimit-…` headers tell how much is left. A "
        "bulk call of more items than may be sent at once needs to be split.",
        Example(
            path="/v1/events",
            given="The tenant has made 200 calls at once.",
            detail="The tenant may make 100 calls a second, 200 at once; wait for 1 s, then call "
            "more slowly",
        ),
        is_retryable=True,
    ),
}
