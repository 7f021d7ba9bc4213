"""When the requests in flight must be answered: one timer looks after all of them.

To set and stop a timer for each took 3 % of a request.
"""

import asyncio


class Deadlines:
    """Lets timeouts expire that many seconds after they began, unless they have ended by then.

    One that is rescheduled meanwhile has a timer of its own from then on.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[asyncio.Timeout, float] = {}  # the oldest first
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, timeout: asyncio.Timeout) -> float:
        """Look after a timeout that was entered. Returns when it expires, by the loop's clock."""
        loop = asyncio.get_running_loop()
        when = self._running[timeout] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(when, self._look)
        return when

    def end(self, timeout: asyncio.Timeout) -> None:
        """Forget a timeout before it is left."""
        self._running.pop(timeout, None)

    def _look(self) -> None:
        """Let expire what must, and come again when the next may have to."""
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._running:
            timeout, when = next(iter(self._running.items()))
            if when > loop.time():
                self._timer = loop.call_at(when, self._look)
                return
            del self._running[timeout]
            if timeout.when() is None:
                timeout.reschedule(when)
