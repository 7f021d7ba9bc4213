"""Trying again what a batch left out for the moment: a throttled statement, an unprocessed item."""

import backoff

from triggers.errors import StoreUnavailable

TRIES_MAX = 4
FIRST_PAUSE_SECONDS = 0.05


def _is_not_passing(error: Exception) -> bool:
    return not (isinstance(error, StoreUnavailable) and error.passing)


again_when_left_out = backoff.on_exception(
    backoff.expo,
    StoreUnavailable,
    max_tries=TRIES_MAX,
    factor=FIRST_PAUSE_SECONDS,
    giveup=_is_not_passing,
    logger=None,  # who gets the error says what it means
)
