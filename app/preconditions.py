"""Conditional requests (RFC 9110, 13): a caller says in which state it believes a thing to be."""

import re
from typing import Any

from litestar import Request

from app.context import headers_of
from triggers.errors import FieldError, ValidationFailed

TAGS_MAX = 50

_TAG = r'(?:W/)?"[!#-~\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")


def read_if_match(request: Request[Any, Any, Any]) -> frozenset[str] | None:
    """Return the entity tags that `If-Match` lists; None when any state will do.

    They are compared as strong ones, so a weak tag never matches. Raises ValidationFailed.
    """
    texts = headers_of(request.scope, b"if-match")
    text = ", ".join(texts)
    if not texts or text.strip() == "*":
        return None
    tags = re.findall(_TAG, text) if _TAGS.fullmatch(text) else []
    if not 1 <= len(tags) <= TAGS_MAX:
        suggestion = 'Send the ETag as it came: "7"; several with commas between; or *'
        issue = "is not a list of entity tags"
        raise ValidationFailed([FieldError(field="If-Match", issue=issue, suggestion=suggestion)])
    return frozenset(tags)
