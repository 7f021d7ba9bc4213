"""All commands, and the table of them that stands in `docs/cli.md`.

`python -m triggers.cli.reference` prints it.
"""

from collections.abc import Iterator

import click

from triggers.cli.context import sentence_of
from triggers.cli.main import triggers


def commands(
    group: click.Group = triggers, path: str = "triggers"
) -> Iterator[tuple[str, click.Command]]:
    """Walk the commands, each with the words that call it; groups come before what is in them."""
    yield path, group
    for name in sorted(group.commands):
        command, words = group.commands[name], f"{path} {name}"
        if isinstance(command, click.Group):
            yield from commands(command, words)
        else:
            yield words, command


def reference() -> str:
    """Return the table of all that can be done, in Markdown."""
    rows = [
        f"| `{path}` | {sentence_of(command)} |"
        for path, command in commands()
        if not isinstance(command, click.Group)
    ]
    return "\n".join(("| command | what it does |", "| --- | --- |", *rows)) + "\n"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
