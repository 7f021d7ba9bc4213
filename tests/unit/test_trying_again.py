"""How often a call is made that fails."""

import pytest

from triggers.errors import Overloaded, StoreUnavailable, TriggersError
from triggers.trying_again import try_again_on

PASSING, LASTING = StoreUnavailable("left out", passing=True), StoreUnavailable("no table")


@pytest.mark.parametrize(
    ("failures", "ends_well", "calls"),
    [
        ([], True, 1),
        ([PASSING, PASSING], True, 3),
        ([PASSING, PASSING, PASSING], False, 3),
        ([LASTING], False, 1),
        ([PASSING, LASTING], False, 2),
        ([Overloaded()], False, 1),
    ],
    ids=["well", "well at last", "never", "not passing", "passing no more", "another error"],
)
async def test_a_call_is_made_again_while_its_failure_passes_and_tries_are_left(
    *, failures: list[TriggersError], ends_well: bool, calls: int
) -> None:
    made = []

    @try_again_on(
        StoreUnavailable, max_tries=3, factor=0.001, giveup=lambda error: error is LASTING
    )
    async def call(number: int, *, word: str) -> str:
        made.append((number, word))
        if len(made) <= len(failures):
            raise failures[len(made) - 1]
        return "done"

    if ends_well:
        assert await call(1, word="one") == "done"
    else:
        with pytest.raises(TriggersError) as caught:
            await call(1, word="one")
        assert caught.value is failures[-1]
    assert made == [(1, "one")] * calls
