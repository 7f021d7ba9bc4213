"""Where problems are explained: one address for people and programs, told apart by `Accept`."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.accept import preferred
from app.problems.kinds import example_answer
from app.problems.pages import FORMS, HTML, JSON, pretty
from app.problems.reference import reference
from app.problems.table import PROBLEMS
from tests.unit.app.api import Api
from tests.unit.app.documents import assert_valid, document_of

ERRORS = Path(__file__).parents[3] / "docs" / "errors.md"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ([], HTML),
        ([""], HTML),
        (["*/*"], HTML),
        ([BROWSER], HTML),
        (["application/json"], JSON),
        (["APPLICATION/JSON; charset=utf-8"], JSON),
        (["application/*"], JSON),
        (["application/json, text/plain, */*"], JSON),
        (["text/html;q=0.5, application/json;q=0.9"], JSON),
        (["text/html, application/json"], HTML),
        (["application/json;q=0.1", "text/html;q=0.2"], HTML),
        (["text/html;q=0, */*"], JSON),
        (["text/*;q=0.000, application/json;q=0.001"], JSON),
        (["application/json;q=0, */*;q=0.1"], HTML),
        (["application/json;q=0"], HTML),
        (["image/png, application/problem+json"], HTML),
        (["application/json;q=inf, application/json;q=nan, application/json;q=-1, /json"], HTML),
        (["application/json;q=9, application/json;q=0.1234, json, ;;,,, /"], HTML),
        (["application/" * 1_000 + ";" * 20_000], HTML),
    ],
)
def test_the_form_is_what_the_client_would_rather_have(accept: list[str], form: str) -> None:
    assert preferred(accept, FORMS) == form


@pytest.mark.parametrize("code", PROBLEMS)
async def test_every_problem_is_explained_to_people_and_to_programs(api: Api, code: str) -> None:
    problem, address = PROBLEMS[code], f"/docs/problems/{code}"
    page = await api.client.get(address, headers={"accept": BROWSER})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    seen = unescape(re.sub("<.*?>", "", page.text))
    example = (problem.example.given, problem.example.curl, pretty(example_answer(code, problem)))
    for text in (problem.title, problem.cause, problem.cure, *example):
        assert text.replace("`", "") in seen.replace("`", "")
    answer = await api.client.get(address, headers={"accept": "application/json"})
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert (told["type"], told["code"], told["status"]) == (address, code, problem.status)
    assert told["retryable"] == problem.is_retryable
    assert told["example"]["answer"] == msgspec.to_builtins(example_answer(code, problem))
    document: dict[str, Any] = await document_of(api)
    schema = document["components"]["schemas"]["ProblemOut"]
    assert_valid(told, schema | {"components": document["components"]}, code)


async def test_the_index_leads_to_all_of_them(api: Api) -> None:
    page = await api.client.get("/docs/problems")
    assert re.findall(r'"/docs/problems/(\w+)"', page.text) == list(PROBLEMS)
    answer = await api.client.get("/docs/problems", headers={"accept": "application/json"})
    assert [problem["code"] for problem in answer.json()["problems"]] == list(PROBLEMS)


@pytest.mark.parametrize("path", ["/docs/problems", "/docs/problems/not_found"])
async def test_each_form_is_kept_by_itself(api: Api, path: str) -> None:
    tags = []
    for form in FORMS:
        sent = {"accept": form}
        answer = await api.client.get(path, headers=sent)
        assert answer.headers["vary"] == "accept, accept-encoding"
        tags.append(answer.headers["etag"])
        again = await api.client.get(path, headers=sent | {"if-none-match": tags[-1]})
        assert (again.status_code, again.content) == (304, b"")
    assert tags[0] != tags[1]


async def test_the_pages_need_nothing_that_is_not_served(api: Api) -> None:
    for path in ("/docs/problems", "/docs/problems/validation_failed"):
        page = await api.client.get(path)
        assert not re.search(r"<script|<style|style=", page.text)
        for address in set(re.findall(r'(?:href|src)="([^"]+)"', page.text)):
            assert (await api.client.get(address)).status_code == 200, address


async def test_a_page_of_no_problem_is_not_found(api: Api) -> None:
    answer = await api.client.get("/docs/problems/<script>", headers={"accept": BROWSER})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_documentation_has_every_problem_as_it_is() -> None:
    assert ERRORS.read_text().endswith(f"\n{reference()}\n")
