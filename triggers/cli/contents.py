"""What a command is given to send: text, a file, or the standard input."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

CONTENT_BYTES_MAX = 16 << 20
SECRET_CHARACTERS_MAX = 4_096


def read_content(given: str) -> bytes:
    """Return the text itself, the content of `@file`, or of the standard input for `-` and `@-`.

    Raises click.UsageError.
    """
    if given in ("-", "@-"):
        return _read(sys.stdin.buffer)
    if not given.startswith("@"):
        return given.encode()
    try:
        with Path(given[1:]).open("rb") as file:
            return _read(file)
    except OSError as error:
        raise click.UsageError(f"{given[1:]}: {error.strerror}") from None


def _read(file: BinaryIO) -> bytes:
    """Read all there is. Raises click.UsageError for more than any call takes."""
    content = file.read(CONTENT_BYTES_MAX + 1)
    if len(content) > CONTENT_BYTES_MAX:
        raise click.UsageError(
            f"that is more than {CONTENT_BYTES_MAX >> 20} MB, and no call takes it"
        )
    return content


@contextmanager
def open_content(name: str) -> Iterator[BinaryIO]:
    """Open a file to be read piece by piece; `-` is the standard input. Raises click.UsageError."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 it is closed below; errors of use are not of opening
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror}") from None
    with file:
        yield file


def read_pairs(given: tuple[str, ...]) -> dict[str, str]:
    """Return `name=text` pairs. Raises click.UsageError."""
    pairs = [one.partition("=") for one in given]
    for one, (name, separator, _) in zip(given, pairs, strict=True):
        if not name or not separator:
            raise click.UsageError(f"{one!r} is not of the form name=text")
    return {name: text for name, _, text in pairs}


def given_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said of a thing, by its fields in the API; what is empty clears."""
    said = {name: value for name, value in options.items() if value not in (None, ())}
    return {name: value if value or value is False else None for name, value in said.items()}


def read_secret(option: str, given: str) -> str:
    """Return a line of the standard input; on a terminal it is asked for, and not shown.

    Raises click.UsageError, also when the secret itself was given: arguments are seen by others.
    """
    if given != "-":
        raise click.UsageError(
            f"{option} takes no text, which others on the machine could see: say {option} -, "
            "and it is read from stdin"
        )
    if sys.stdin.isatty():
        return str(click.prompt(option.strip("-").replace("-", " "), hide_input=True, err=True))
    secret = sys.stdin.readline(SECRET_CHARACTERS_MAX).strip()
    if not secret:
        raise click.UsageError(f"{option} -: no line came from stdin")
    return secret
