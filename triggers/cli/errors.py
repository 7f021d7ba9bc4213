"""What keeps a command from doing what it was asked to: exit code 1. Wrong usage is click's, exit code 2.

CommandFailed
├── NoAnswer     nobody answered, or not as the API does
└── Refused      the service answered with a problem (RFC 9457)
"""

from collections.abc import Iterator
from typing import Any

import click

from triggers.cli.printable import printable


class CommandFailed(click.ClickException):
    """A command could not do what it was asked to; the text says why, and what to do."""

    exit_code = 1


class NoAnswer(CommandFailed):
    """Nobody answered, or not as the API does."""


class Refused(CommandFailed):
    """The service answered with a problem. `cure` is what the page of its kind says, if it answered."""

    def __init__(self, problem: dict[str, Any], page: str, cure: str | None) -> None:
        # The title, where its errors tell the details.
        names = ("title", "detail") if problem.get("errors") else ("detail", "title")
        super().__init__(next((str(problem[n]) for n in names if n in problem), "refused"))
        self.problem = problem
        self.page = page
        self.cure = cure

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return int(self.problem.get("status", 0))

    @property
    def code(self) -> str:
        """The kind of problem, `not_found`."""
        return str(self.problem.get("code"))

    def lines(self) -> Iterator[str]:
        """Say what the problem's document says, and what to do about it."""
        for error in self.problem.get("errors", []):
            yield f"  {printable(str(error.get('field')))}: {printable(str(error.get('issue')))}"
            if "suggestion" in error:
                yield f"    {printable(str(error['suggestion']))}"
        if self.cure and not self.problem.get("errors"):
            yield f"  {printable(self.cure)}"
        yield f"  {printable(self.page)} ({printable(str(self.problem.get('request_id')))})"
