"""Every test of the contract runs against the fakes and against the real adapters."""

import pytest

from tests.contract.outsides import OpenOutside, open_emulated, open_fakes


@pytest.fixture(params=["fakes", "aws"])
def open_outside(request: pytest.FixtureRequest) -> OpenOutside:
    """Return what opens the outside that is tested."""
    if request.param == "fakes":
        return open_fakes
    request.getfixturevalue("aws")
    return open_emulated
