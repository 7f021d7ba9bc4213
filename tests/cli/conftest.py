"""What the tests of the command line share: the real program, against the real service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program
from tests.local_service import PROMPT, run_local_service


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run the service for these tests."""
    with run_local_service(tmp_path_factory.mktemp("service"), **PROMPT) as ready:
        yield ready


@pytest.fixture
def operator(service: dict[str, Any], tmp_path: Path) -> Program:
    """The program with the operator's key."""
    return Program(api=service["api"], key=service["operator_key"], folder=tmp_path)


@pytest.fixture
def triggers(service: dict[str, Any], operator: Program) -> Program:
    """The program with the key of a tenant that only this test has."""
    key = operator.call("POST", "/v1/tenants", {"name": "Acme"})["key"]
    return Program(api=service["api"], key=key, folder=operator.folder)
