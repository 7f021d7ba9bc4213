"""Where the end-to-end suite goes."""

import pytest

from infra.local.errors import LocalRunError
from tests.deployed.place import RECEIVER, DeployedPlace, find_place, read_seconds


@pytest.mark.parametrize(
    ("own", "receiver", "hook"),
    [
        ({}, RECEIVER, RECEIVER),
        ({"RECEIVER": "http://r/"}, "http://r", "http://r"),
        ({"HOOK": "http://receiver:9000"}, RECEIVER, "http://receiver:9000"),
    ],
)
def test_the_service_reaches_the_receiver_as_we_do_unless_it_is_told_otherwise(
    own: dict[str, str], receiver: str, hook: str
) -> None:
    place = find_place({"API": "https://api/", "KEY": "trg_k_s"} | own)
    assert place == DeployedPlace(api="https://api", key="trg_k_s", receiver=receiver, hook=hook)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "601", "soon"])
def test_a_time_limit_that_is_none_is_refused(text: str) -> None:
    assert read_seconds({}) == 30
    assert read_seconds({"E2E_SECONDS": "600"}) == 600
    with pytest.raises(LocalRunError, match=f"E2E_SECONDS={text} is no number of seconds"):
        read_seconds({"E2E_SECONDS": text})
