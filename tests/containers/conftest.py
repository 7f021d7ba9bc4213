"""What the tests of the containers share: one stack for all of them."""

from collections.abc import Callable, Iterator

import pytest

from tests.containers.engine import Stack, running_stack


@pytest.fixture(scope="session")
def stack(say: Callable[[object], None]) -> Iterator[Stack]:
    """Build the images and have the whole service running."""
    with running_stack(say) as running:
        yield running
