"""What keeps a command from doing what it was asked to: exit code 1. Wrong usage is click's, exit code 2.

CommandFailed
├── NoAnswer     nobody answered, or not as the API does
└── Refused      the service answered with a problem (RFC 9457)
"""

from collections.abc import Iterator

import click
from msgspec import Struct

from triggers.cli.printable import printable

# Where the cure is another from here than for who calls the API.
CURES = {
    "unauthenticated": "The key came from --key, else TRIGGERS_KEY, else the profile: see triggers profiles "
    "list. After a restart of make run: triggers profiles set local --from .local/ready.json",
    "signature_invalid": "Set TRIGGERS_SIGNING_SECRET, or keep it in the profile: triggers profiles set NAME "
    "--signing-secret -",
    "forbidden": "Use another key or profile: the operator's may do what belongs to tenants as such, and "
    "nothing of theirs; a tenant's has the scopes that triggers keys list shows",
    "not_found": "Check the id, and with triggers profiles list whose key was used: other tenants' things "
    "are not found either",
}


class CommandFailed(click.ClickException):
    """A command could not do what it was asked to; the text says why, and what to do."""

    exit_code = 1


class NoAnswer(CommandFailed):
    """Nobody answered, or not as the API does; then `status` is what did."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class WrongField(Struct, frozen=True):
    """What is wrong with one field, as a problem tells it."""

    field: str = ""
    issue: str = ""
    suggestion: str = ""


class Problem(Struct, frozen=True):
    """What is read of the document of a problem."""

    type: str = ""
    title: str = ""
    status: int = 0
    code: str = ""
    detail: str = ""
    request_id: str = ""
    errors: list[WrongField] = []

    def wrong_fields(self) -> Iterator[str]:
        """Say which fields are wrong, and what to do about each."""
        for error in self.errors:
            yield f"  {printable(error.field)}: {printable(error.issue)}"
            if error.suggestion:
                yield f"    {printable(error.suggestion)}"


class Refused(CommandFailed):
    """The service answered with a problem, `document` as it came. `cure` is what the page of its kind says, if it answered."""

    def __init__(self, problem: Problem, document: bytes, page: str, cure: str | None) -> None:
        # The title, where its errors tell the details.
        words = problem.title if problem.errors else problem.detail
        super().__init__(words or problem.title or "refused")
        self.problem = problem
        self.document = document
        self.page = page
        self.cure = cure

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return self.problem.status

    @property
    def code(self) -> str:
        """The kind of problem, `not_found`."""
        return self.problem.code

    def lines(self) -> Iterator[str]:
        """Say what the problem's document says, and what to do about it."""
        yield from self.problem.wrong_fields()
        if not self.problem.errors and (cure := CURES.get(self.code, self.cure)):
            yield f"  {printable(cure)}"
        yield f"  {printable(self.page)} ({printable(self.problem.request_id)})"
