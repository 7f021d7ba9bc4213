"""A kind of error as the outside knows it, with a request that leads to it."""

import shlex

from msgspec import Struct

from app.wire.problems import PAGES, ProblemDocument
from triggers.errors import FieldError

REQUEST_ID = "req_7Z0M3S5B7C9KAN72XQV8"
CORRELATION_ID = "corr_7Z0M3S5B7C9KAN72XQV8"

_BREAK = " \\\n  "


class Example(Struct, frozen=True, kw_only=True):
    """A request that leads to a problem, and what its answer says.

    `given` is what must be so before. `method` is needed where curl would not choose it by itself.
    A body or a header that begins with `@` is read from a file, as curl does, and `given` says what
    that holds. Without `detail` the answer tells the cause.
    """

    path: str
    method: str = ""
    headers: tuple[str, ...] = ()
    body: str | None = None
    has_key: bool = True
    given: str = ""
    detail: str | None = None
    errors: tuple[FieldError, ...] = ()

    @property
    def curl(self) -> str:
        """The request as a command of the shell, where `API` is the address and `KEY` the key."""
        method = f"-X {self.method} " if self.method else ""
        key = ['-H "Authorization: Bearer $KEY"'] if self.has_key else []
        headers = [f"-H {shlex.quote(header)}" for header in self._headers()]
        body = [] if self.body is None else [f"-d {shlex.quote(self.body)}"]
        return _BREAK.join([f'curl {method}"$API{self.path}"', *key, *headers, *body])

    def _headers(self) -> tuple[str, ...]:
        is_told = any(header.startswith("Content-Type:") for header in self.headers)
        if self.body is None or is_told:
            return self.headers
        return ("Content-Type: application/json", *self.headers)


class Problem(Struct, frozen=True):
    """A kind of error: its name, where it comes from, how to cure it.

    `is_retryable` when the cure is to send the same request again, after a pause.
    """

    status: int
    title: str
    cause: str
    cure: str
    example: Example
    is_retryable: bool = False


def example_answer(code: str, problem: Problem) -> ProblemDocument:
    """Return what the request of a problem's example is answered with."""
    example = problem.example
    return ProblemDocument(
        type=PAGES + code,
        title=problem.title,
        status=problem.status,
        code=code,
        detail=example.detail or problem.cause,
        request_id=REQUEST_ID,
        correlation_id=CORRELATION_ID,
        errors=list(example.errors),
    )
