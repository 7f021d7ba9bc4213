"""The wait at the start of a process until the store answers."""

import asyncio
import logging
import time

from triggers.errors import TriggersError
from triggers.ports import Reachable
from triggers.telemetry import log

CHECK_SECONDS = 5.0
PAUSE_SECONDS = 0.25
SAY_SO_SECONDS = 5.0


async def wait_until_reachable(reachable: Reachable, logger: logging.Logger) -> None:
    """Return when the tables answer, saying every few seconds what is waited for.

    Whatever a check raises, the wait goes on: who gives up is the one who cancels it.
    """
    say_at = 0.0
    while (reason := await _unreachable_because(reachable)) is not None:
        if time.monotonic() >= say_at:
            log(logger, "waiting for the tables", level=logging.WARNING, reason=reason)
            say_at = time.monotonic() + SAY_SO_SECONDS
        await asyncio.sleep(PAUSE_SECONDS)


async def _unreachable_because(reachable: Reachable) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await reachable.check()
    except TriggersError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} seconds"
    except Exception as error:  # noqa: BLE001 whatever it is, the loop goes on and says so
        return f"{type(error).__name__}: {error}"
    return None
