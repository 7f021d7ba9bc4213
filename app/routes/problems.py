"""Where each kind of error is explained: the `type` of a problem leads here."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from app.accept import preferred
from app.assets import Content, answer_with
from app.operations import describe
from app.problems.pages import FORMS, index_of, page_of
from app.problems.table import PROBLEMS
from app.routes.docs import POLICY, TAG
from app.wire.problems import ProblemList, ProblemOut
from triggers.errors import NotFound

_HEADERS = {"vary": "accept, accept-encoding", "content-security-policy": POLICY}
_CACHED = {
    "request_headers": ("If-None-Match",),
    "headers": {"ETag": "Its present state; send it as `If-None-Match`"},
    "also": (304,),
}


@get(
    "/docs/problems",
    opt=describe(
        tag=TAG,
        summary="All problems",
        description="As a page for browsers, as JSON for who asks for it by `Accept`.",
        answer=ProblemList,
        is_page_too=True,
        **_CACHED,
    ),
)
async def list_problems(request: Request[Any, Any, Any]) -> Response[bytes]:
    """List all kinds of error."""
    return _answer(request, index_of)


@get(
    "/docs/problems/{code:str}",
    opt=describe(
        tag=TAG,
        summary="Cause and cure of a problem",
        description="As a page for browsers, as JSON for who asks for it by `Accept`. This is the "
        "`type` of each problem.",
        answer=ProblemOut,
        is_page_too=True,
        **_CACHED,
    ),
)
async def explain_problem(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[bytes]:
    """Explain one kind of error: the address is its `type`."""
    if code not in PROBLEMS:
        raise NotFound("problem", code)
    return _answer(request, lambda form: page_of(code, form))


def _answer(request: Request[Any, Any, Any], content: Callable[[str], Content]) -> Response[bytes]:
    form = preferred(request.headers.getall("accept", []), FORMS)
    return answer_with(content(form), request.headers, _HEADERS)


ROUTES = (
    list_problems,
    explain_problem,
)
