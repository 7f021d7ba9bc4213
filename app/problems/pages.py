"""What is told of each problem at its own address: a page for people, and the same for programs."""

import re
from collections.abc import Callable
from functools import cache
from html import escape
from http import HTTPStatus
from pathlib import Path

import msgspec
from msgspec import Struct

from app.assets import Content, content_of
from app.problems.kinds import Problem, example_answer
from app.problems.table import PROBLEMS
from app.wire.problems import PAGES, ProblemExample, ProblemList, ProblemOut

HTML, JSON = "text/html", "application/json"
FORMS = (HTML, JSON)  # the first for whoever has no wish

_CODE = re.compile("`([^`]+)`")
_HERE = Path(__file__).parent
_PAGE = (_HERE / "page.html").read_text()
_INDEX = (_HERE / "index.html").read_text()
_ROW = (_HERE / "row.html").read_text()
_RETRY = {
    True: "Send the same request again, after a pause.",
    False: "The same request again would not help.",
}


@cache
def page_of(code: str, form: str) -> Content:
    """Return what is told of a problem, in one of the `FORMS`. Raises KeyError."""
    problem = PROBLEMS[code]
    return _content(form, lambda: _html_of(code, problem), lambda: problem_to_wire(code, problem))


@cache
def index_of(form: str) -> Content:
    """Return what is told of all problems, in one of the `FORMS`."""
    return _content(form, _html_of_all, lambda: ProblemList(problems=all_to_wire()))


def all_to_wire() -> list[ProblemOut]:
    """Show all problems."""
    return [problem_to_wire(code, problem) for code, problem in PROBLEMS.items()]


def problem_to_wire(code: str, problem: Problem) -> ProblemOut:
    """Show a problem."""
    return ProblemOut(
        type=PAGES + code,
        code=code,
        status=problem.status,
        title=problem.title,
        cause=problem.cause,
        cure=problem.cure,
        retryable=problem.is_retryable,
        example=ProblemExample(
            given=problem.example.given,
            request=problem.example.curl,
            answer=example_answer(code, problem),
        ),
    )


def pretty(value: Struct) -> str:
    """Return JSON as people like to read it."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _content(form: str, html: Callable[[], str], struct: Callable[[], Struct]) -> Content:
    plain = html().encode() if form == HTML else msgspec.json.encode(struct())
    return content_of(plain, form)


def _html_of(code: str, problem: Problem) -> str:
    return _PAGE.format(
        code=code,
        status=problem.status,
        phrase=HTTPStatus(problem.status).phrase,
        title=_marked_up(problem.title),
        cause=_marked_up(problem.cause),
        cure=_marked_up(problem.cure),
        retry=_RETRY[problem.is_retryable],
        given=_marked_up(problem.example.given),
        request=escape(problem.example.curl),
        answer=escape(pretty(example_answer(code, problem))),
    )


def _html_of_all() -> str:
    rows = (
        _ROW.format(
            page=PAGES + code, code=code, status=problem.status, title=_marked_up(problem.title)
        )
        for code, problem in PROBLEMS.items()
    )
    return _INDEX.format(rows="".join(rows))


def _marked_up(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
