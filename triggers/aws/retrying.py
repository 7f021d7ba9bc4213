"""Trying again what a batch left out for the moment: a throttled statement, an unprocessed item."""

from triggers.errors import StoreUnavailable
from triggers.trying_again import try_again_on

TRIES_MAX = 4
FIRST_PAUSE_SECONDS = 0.05


def _is_not_passing(error: Exception) -> bool:
    return not (isinstance(error, StoreUnavailable) and error.passing)


again_when_left_out = try_again_on(
    StoreUnavailable,
    max_tries=TRIES_MAX,
    factor=FIRST_PAUSE_SECONDS,
    giveup=_is_not_passing,
)
