"""The life of the process: starting until the store answers, ready, draining after a signal."""

import logging
import time
from enum import StrEnum

from triggers.errors import Unavailable
from triggers.ports import Reachable
from triggers.telemetry import log
from triggers.waiting import wait_until_reachable

_logger = logging.getLogger(__name__)


class Phase(StrEnum):
    """Where the process is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Lifecycle:
    """The phase of this process, and how many requests are in the air."""

    def __init__(self) -> None:
        self.phase = Phase.STARTING
        self.in_flight = 0
        self._started = time.monotonic()

    @property
    def uptime_seconds(self) -> int:
        """How long the process has lived."""
        return int(time.monotonic() - self._started)

    @property
    def is_draining(self) -> bool:
        """Tell whether the process is about to end."""
        return self.phase is Phase.DRAINING

    def require_started(self) -> None:
        """Raise Unavailable until the store has answered for the first time."""
        if self.phase is Phase.STARTING:
            raise Unavailable("The service is starting; try again")

    def drain(self) -> None:
        """Say towards the balancer that this process is about to end."""
        self.phase = Phase.DRAINING
        log(_logger, "draining", in_flight=self.in_flight)

    async def start_when_reachable(self, reachable: Reachable) -> None:
        """Wait until the tables answer; then requests may come."""
        await wait_until_reachable(reachable, _logger)
        if self.phase is Phase.STARTING:
            self.phase = Phase.READY
            log(_logger, "ready", uptime_seconds=self.uptime_seconds)
