"""What the tests of the containers share: one stack for all of them."""

from collections.abc import Iterator

import pytest

from tests.containers.engine import Stack, running_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Build the images and have the whole service running."""
    with running_stack() as running:
        yield running
