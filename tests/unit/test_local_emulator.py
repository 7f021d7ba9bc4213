"""What the emulator of a local run reads once instead of again and again."""

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.emulator import parsing_once, remember_texts
from infra.local.settings import ROOT
from tests.emulator import PYTHON

SELECT = 'SELECT * FROM "events" WHERE pk = ?'


class Ministack:
    """The two modules of ministack, which count what they read."""

    def __init__(self) -> None:
        self.tokenized: list[str] = []
        self.checked: list[str] = []
        self.parsed: list[tuple[str, Any]] = []
        self.partiql = SimpleNamespace(_tokenize=self._tokenize)
        self.dynamodb = SimpleNamespace(
            _tokenize=self._tokenize,
            _condition_syntax_error=self._check,
            parse_partiql_statement=self.parse,
        )

    def _tokenize(self, text: str) -> list[str]:
        self.tokenized.append(text)
        return text.split()

    def _check(self, text: str, slot: str) -> str:
        self.checked.append(text)
        return f"Invalid {slot}"

    def parse(self, text: str, parameters: Any) -> dict[str, Any]:
        self.parsed.append((text, parameters))
        return {"op": "SELECT", "where": parameters}


@pytest.fixture
def ministack() -> Ministack:
    return Ministack()


def test_each_module_takes_a_text_apart_once(ministack: Ministack) -> None:
    remember_texts(ministack.partiql, ministack.dynamodb)
    for module in (ministack.partiql, ministack.dynamodb, ministack.partiql, ministack.dynamodb):
        assert module._tokenize(SELECT) == SELECT.split()
    assert ministack.tokenized == [SELECT, SELECT]


def test_a_condition_is_checked_once_for_each_place_it_stands_in(ministack: Ministack) -> None:
    remember_texts(ministack.partiql, ministack.dynamodb)
    for slot in ("KeyConditionExpression", "FilterExpression", "FilterExpression"):
        assert ministack.dynamodb._condition_syntax_error("a = :a", slot) == f"Invalid {slot}"
    assert len(ministack.checked) == 2


def test_a_batch_parses_a_statement_once(ministack: Ministack) -> None:
    remember_texts(ministack.partiql, ministack.dynamodb)
    parameters = [{"S": "a"}]
    checked = ministack.dynamodb.parse_partiql_statement(SELECT, parameters)
    checked["conditions"] = "added by who checks"
    carried_out = ministack.dynamodb.parse_partiql_statement(SELECT, parameters)
    assert carried_out == {"op": "SELECT", "where": parameters}
    assert len(ministack.parsed) == 1


def test_other_parameters_are_parsed_anew(ministack: Ministack) -> None:
    parse = parsing_once(ministack.parse)
    first, equal, other = [{"S": "a"}], [{"S": "a"}], [{"S": "b"}]
    assert [parse(SELECT, parameters)["where"] for parameters in (first, equal, other)] == [
        first,
        equal,
        other,
    ]
    assert len(ministack.parsed) == 3


def test_what_was_parsed_is_given_out_once(ministack: Ministack) -> None:
    """A third look comes from another call, and what the second got is in use."""
    parse = parsing_once(ministack.parse)
    parameters = [{"S": "a"}]
    for _ in range(3):
        parse(SELECT, parameters)
    assert len(ministack.parsed) == 2


def test_the_ministack_of_the_lock_has_what_is_replaced() -> None:
    program = """
from infra.local.emulator import remember_texts
from ministack.services import _dynamodb_keywords as partiql, dynamodb
remember_texts(partiql, dynamodb)
parameters = [{"S": "a"}]
for _ in range(2):
    dynamodb._parse_partiql('SELECT * FROM "events" WHERE pk = ?', parameters)
told = partiql._tokenize.cache_info()
print(told.hits, told.misses)
dynamodb._parse_partiql('SELECT * FROM "events" WHERE pk = ?', [{"S": "b"}])
print(partiql._tokenize.cache_info().hits)
for _ in range(3):
    dynamodb._evaluate_condition("a = :a", {"a": {"S": "x"}}, {":a": {"S": "x"}}, {})
print(dynamodb._tokenize.cache_info().hits, dynamodb._condition_syntax_error.cache_info().hits)
"""
    printed = subprocess.run(
        [PYTHON, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == ["0", "1", "1", "2", "2"]
