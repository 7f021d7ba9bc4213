"""What the readers of the documents have before them: the service, and a folder of their own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_service import run_local_service


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run the service for these tests."""
    with run_local_service(tmp_path_factory.mktemp("service")) as ready:
        yield ready


@pytest.fixture
def folder(service: dict[str, Any], tmp_path: Path) -> Path:
    """Return a folder in which the service has left word where it is."""
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/ready.json").write_text(json.dumps(service))
    return tmp_path
