"""What the OpenAPI document says in words: the API as a whole, its parts, its keys."""

from typing import Any

from triggers import VERSION

_DESCRIPTION = """Send an event with one POST. It is kept safe until it has been pushed to every
webhook that wants it, or pulled from the inbox and acknowledged.

**Answers.** JSON in UTF-8, times in RFC 3339 UTC with milliseconds. Every answer carries
`X-Request-ID`, and `X-Correlation-ID`: yours if you sent one of 1–128 visible ASCII characters.
Every error is `application/problem+json` (RFC 9457); its `type` leads to one of
[all problems](/docs/problems), with cause, cure and an example, a page for browsers and JSON for
programs. Unknown fields and unknown query parameters are refused.

**Keys.** `Authorization: Bearer <key>` or `X-API-Key: <key>`; each operation names the scope that
it needs. A key may be bound to addresses, have a rate limit of its own, and demand signed requests.

**Lists.** `next_cursor` leads to the next page, and is null at the end. A cursor is good only for
the list, the filters and the tenant that it was given out for.

**Versions.** The path carries the major version; within `v1` there are only additions, so ignore
fields that you do not know. What is to go is marked deprecated here and answers with `Deprecation`
and `Sunset` headers (RFC 9745, RFC 8594) at least six months before it goes."""

INFO: dict[str, Any] = {
    "title": "Triggers API",
    "version": VERSION,
    "summary": "Events in with one POST; out to webhooks, signed, or through an inbox.",
    "description": _DESCRIPTION,
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}

# In the order in which a newcomer needs them.
TAGS = {
    "Events": "What producers send: accepted, kept, delivered, and shown with what became of it.",
    "Inbox": "Events that are neither delivered nor acknowledged, for consumers that pull.",
    "Webhooks": "Where events are pushed to: filter, secret, retries, and what receivers answered.",
    "Keys": "Who may call, for what, from where, and how often.",
    "Audit": "Every change of keys, webhooks and the tenant: who made it, and when.",
    "Tenants": "The customers of the service, for its operator.",
    "Service": "How the service is, for balancers and for those who watch it.",
    "Documentation": "This document and its pages.",
}

_BEARER = """A key: `trg_<key id>_<secret>`. It is shown once, when it is made.

A key with `require_signature` also demands that each request is signed, and each signature is
accepted once. Two headers: `X-Triggers-Timestamp`, seconds since 1970, at most 300 away from the
service's clock; and `X-Triggers-Signature: v1,<signature>`, which is the base64 of the HMAC-SHA256 of

`{timestamp}.{METHOD}.{path?query as sent}.{hex SHA-256 of the body}`

whose key is the text of the signing secret as it was shown, `sig_` included."""

SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "trg_<key id>_<secret>",
        "description": _BEARER,
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key, for clients that cannot set `Authorization`.",
    },
}
