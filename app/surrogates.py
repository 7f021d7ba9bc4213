r"""Lone surrogate escapes (`"\ud83d"`) in a payload.

The grammar of JSON allows them, JavaScript writes one when it cuts an emoji in half, and our
decoder refuses them. A payload is only text to us, so it may hold them: they are set aside for the
decoding and put back.
"""

import re
import secrets

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"(?:[^\\]++|\\(?!u[dD][89a-fA-F]).)++"  # all else, as much as there is at a time
    rb"|\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair is a character
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})"  # one without the other
    rb"|.)",
    re.DOTALL,
)


def set_aside(body: bytes) -> tuple[bytes, bytes] | None:
    """Return the body with a mark for each lone surrogate's backslash, and the mark.

    None when there is none.
    """
    if not _SURROGATE.search(body):
        return None  # to look at each backslash takes long where there are many
    mark = b"surrogate-" + secrets.token_hex(16).encode()
    marked = _ESCAPE.sub(lambda m: mark + m[1] if m[1] else m[0], body)
    return (marked, mark) if marked != body else None


def put_back(text: bytes, mark: bytes) -> bytes:
    """Return the text as it was before its lone surrogates were set aside."""
    return text.replace(mark, b"\\")
