"""`python -m app.problems.reference`: all problems in Markdown, as docs/errors.md has them."""

from collections.abc import Iterator

from app.problems.kinds import Problem, example_answer
from app.problems.pages import pretty
from app.problems.table import PROBLEMS

_WHETHER = {True: "yes", False: "no"}


def reference() -> str:
    """Return a table of all problems, and what is told of each, in Markdown."""
    rows = ["| code | status | | send it again |", "| --- | --- | --- | --- |"]
    for code, problem in PROBLEMS.items():
        again = _WHETHER[problem.is_retryable]
        rows.append(f"| [`{code}`](#{code}) | {problem.status} | {problem.title} | {again} |")
    sections = ("\n".join(_section(code, problem)) for code, problem in PROBLEMS.items())
    return "\n".join(rows) + "\n\n" + "\n\n".join(sections)


def _section(code: str, problem: Problem) -> Iterator[str]:
    example = problem.example
    yield f"### {code}\n"
    yield f"{problem.status}: {problem.title}.\n"
    yield f"* Cause: {problem.cause}"
    yield f"* Cure: {problem.cure}\n"
    yield (f"{example.given}\n\n" if example.given else "") + f"```sh\n{example.curl}\n```\n"
    yield f"```json\n{pretty(example_answer(code, problem))}\n```"


if __name__ == "__main__":
    print(reference())  # noqa: T201 it is the command's output
