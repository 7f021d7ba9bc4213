"""The AWS emulator, started so that it reads a text once, as a database does.

Runs with the emulator's own Python, where ministack is and nothing of ours:
`python -m infra.local.emulator`. ministack takes the text of a statement apart anew with each call,
in a batch twice, and a condition once for every item that it looks at: together more than half of
what it does under a load. Nothing else of it is changed.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

TEXTS_MAX = 1000  # the service has some dozens: its values stand beside the text, not in it

Parameters = Sequence[dict[str, Any]]
Parsed = dict[str, Any]
Parse = Callable[[str, Parameters], Parsed]


def remember_texts(partiql: Any, dynamodb: Any) -> None:
    """Have both modules of ministack keep what a text alone tells: its tokens, and its faults."""
    for module, name in (
        (partiql, "_tokenize"),
        (dynamodb, "_tokenize"),
        (dynamodb, "_condition_syntax_error"),
    ):
        setattr(module, name, lru_cache(TEXTS_MAX)(getattr(module, name)))
    dynamodb.parse_partiql_statement = parsing_once(dynamodb.parse_partiql_statement)


def parsing_once(parse: Parse) -> Parse:
    """Return `parse` so that it answers twice from one look at a statement and its parameters.

    A batch parses each statement to check it, and again to carry it out.
    """
    kept: list[tuple[str, Parameters, Parsed]] = []

    def parse_once(text: str, parameters: Parameters) -> Parsed:
        if kept:
            kept_text, kept_parameters, parsed = kept.pop()
            if kept_text is text and kept_parameters is parameters:
                return parsed
        parsed = parse(text, parameters)
        kept.append((text, parameters, dict(parsed)))  # a caller adds to what it got
        return parsed

    return parse_once


def main() -> None:
    """Run the emulator until it is stopped."""
    services = "ministack.services"
    dynamodb = import_module(f"{services}.dynamodb")
    remember_texts(import_module(f"{services}._dynamodb_keywords"), dynamodb)
    import_module("ministack.app").main()


if __name__ == "__main__":
    main()
