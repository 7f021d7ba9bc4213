"""Which of the forms that a thing has a client would rather have (RFC 9110, 12.5.1).

Litestar's own reading takes `q=0` for a wish, and a `q` without end for a fault of ours.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

_TOKEN = r"[!#$%&'*+.^_`|~\w-]+"  # noqa: S105 it is HTTP's word for a word
_RANGE = re.compile(rf"\s*({_TOKEN})/({_TOKEN})\s*((?:;.*)?)", re.ASCII)
_QUALITY = re.compile(r";\s*q\s*=\s*([^;\s]*)", re.IGNORECASE)
_QUALITY_VALUE = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?", re.ASCII)

# A media range with how much it is wished for, from 0 to 1.
_Wish = tuple[str, str, float]


def preferred(accept: Iterable[str], offered: Sequence[str]) -> str:
    """Return the media type, of those offered, that a client wishes for most.

    `accept` are the values of its `Accept` headers. Of types that it wishes for alike the one that
    it names most exactly is taken, then the first offered; so is that when it wants none of them.
    """
    wishes = [wish for text in accept for wish in _wishes(text)]
    return max(offered, key=lambda media_type: _liking(media_type, wishes))


def _wishes(text: str) -> Iterator[_Wish]:
    """Read a header. What is not understood in it is left out."""
    for part in text.lower().split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            continue
        told = _QUALITY.search(match[3])
        quality = told[1] if told else "1"
        if _QUALITY_VALUE.fullmatch(quality):
            yield match[1], match[2], float(quality)


def _liking(media_type: str, wishes: Sequence[_Wish]) -> tuple[float, int]:
    """Return how much a type is wished for, and how exactly it is named: the most exact counts."""
    exactness = {media_type: 2, f"{media_type.partition('/')[0]}/*": 1, "*/*": 0}
    told = [
        (exactness[name], quality)
        for kind, subtype, quality in wishes
        if (name := f"{kind}/{subtype}") in exactness
    ]
    exact, quality = max(told, default=(0, 0.0))
    return (quality, exact) if quality else (0.0, 0)
