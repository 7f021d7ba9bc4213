"""Text from outside, made fit for a terminal: it may hold sequences that move the cursor or hide text."""

import re

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")
NOTHING = "–"


def printable(text: str) -> str:
    """Return the text with every character that is not printable written as its escape."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode()
        for one in text
    )


def shown(value: object) -> str:
    """Return a value of a JSON document as people read it: times without milliseconds, no braces."""
    if value in (None, "", [], {}):
        return NOTHING
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(shown(one) for one in value)
        case dict():
            return ", ".join(f"{name}={shown(one)}" for name, one in value.items())
        case str():
            return printable(_MOMENT.sub(r"\1 \2Z", value))
    return printable(str(value))
