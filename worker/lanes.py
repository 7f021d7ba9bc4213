"""Isolation: how many attempts a webhook may have in the air, and until when the rest is put off.

The limit of a webhook adapts: halved by a timeout or an overload answer, raised by one by a success.
A delivery above the limit does not wait in a slot; it is postponed for as long as the webhook's
recent pace says that its backlog will take. So a dead receiver costs few slots, writes and reads.
"""

from collections import Counter
from collections.abc import Callable

from triggers.retries import Outcome, Verdict, verdict_of

FIRST_LIMIT = 32
SHARE_OF_PROCESS = 10  # a webhook gets a tenth at most
SHARE_OF_TENANT = 2  # all webhooks of a tenant together a half
POSTPONE_MS_MIN = 1_000
POSTPONE_MS_MAX = 300_000
JITTER_SHARE = 0.2
FIRST_DURATION_MS = 100.0
DURATION_WEIGHT = 0.2  # of the newest attempt in the moving average
LANES_MAX = 20_000


class _Lane:
    """One webhook's state. `backlog_ms` is the moment up to which its pace is spoken for.

    `moved_ms` is when an attempt last ended, or the first of those in the air began.
    """

    __slots__ = ("backlog_ms", "duration_ms", "in_flight", "limit", "moved_ms", "paused_ms")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0
        self.duration_ms = FIRST_DURATION_MS
        self.backlog_ms = 0.0
        self.moved_ms = 0
        self.paused_ms = 0

    def pace_ms(self, now_ms: int) -> float:
        """Return how long each delivery of its backlog takes, by what is known.

        A receiver that has just begun to hang is known by its silence, long before the first timeout.
        """
        silence_ms = now_ms - self.moved_ms if self.in_flight else 0
        return max(self.duration_ms, silence_ms) / self.limit


class Lanes:
    """The webhooks that this process has sent to. `random` returns values in [0, 1)."""

    def __init__(self, *, in_flight_max: int, random: Callable[[], float]) -> None:
        self._in_flight_max = in_flight_max
        self._limit_max = max(1, in_flight_max // SHARE_OF_PROCESS)
        self._tenant_max = max(1, in_flight_max // SHARE_OF_TENANT)
        self._random = random
        self._lanes: dict[str, _Lane] = {}
        self._in_flight = 0
        self._of_tenants: Counter[str] = Counter()

    @property
    def in_flight(self) -> int:
        """How many attempts are in the air in this process."""
        return self._in_flight

    def limit(self, webhook_id: str) -> int:
        """Return how many attempts a webhook may have in the air now."""
        return self._lane(webhook_id).limit

    def enter(self, tenant_id: str, webhook_id: str, now_ms: int) -> int | None:
        """Take a slot for an attempt, to be given back by `leave`; or return until when to postpone."""
        lane = self._lane(webhook_id)
        is_full = (
            lane.in_flight >= lane.limit
            or self._of_tenants[tenant_id] >= self._tenant_max
            or self._in_flight >= self._in_flight_max
        )
        if is_full or lane.paused_ms > now_ms:
            return self._postpone(lane, now_ms)
        if lane.in_flight == 0:
            lane.moved_ms = now_ms
        lane.in_flight += 1
        self._in_flight += 1
        self._of_tenants[tenant_id] += 1
        return None

    def leave(self, tenant_id: str, webhook_id: str, outcome: Outcome | None, now_ms: int) -> None:
        """Give a slot back and learn from the outcome; None: the attempt was broken off by us."""
        self._of_tenants[tenant_id] -= 1
        if not self._of_tenants[tenant_id]:
            del self._of_tenants[tenant_id]
        lane = self._lane(webhook_id)
        lane.in_flight -= 1
        lane.moved_ms = now_ms
        self._in_flight -= 1
        if outcome is None:
            return
        lane.duration_ms += DURATION_WEIGHT * (outcome.duration_ms - lane.duration_ms)
        if outcome.retry_after_seconds:
            lane.paused_ms = max(lane.paused_ms, now_ms + outcome.retry_after_seconds * 1000)
        if outcome.overloaded:
            lane.limit = max(1, lane.limit // 2)
        elif verdict_of(outcome) is Verdict.DELIVERED:
            lane.limit = min(self._limit_max, lane.limit + 1)

    def _postpone(self, lane: _Lane, now_ms: int) -> int:
        """Give the delivery the next place behind the webhook's backlog, with jitter."""
        start = max(now_ms, lane.paused_ms)
        place = max(lane.backlog_ms, start) + lane.pace_ms(now_ms)
        lane.backlog_ms = min(place, start + POSTPONE_MS_MAX)
        wait = max(lane.backlog_ms - start, POSTPONE_MS_MIN)
        return start + int(wait * (1 + JITTER_SHARE * self._random()))

    def _lane(self, webhook_id: str) -> _Lane:
        lane = self._lanes.get(webhook_id)
        if lane is None:
            if len(self._lanes) >= LANES_MAX:
                self._forget_idle()
            lane = self._lanes[webhook_id] = _Lane(min(FIRST_LIMIT, self._limit_max))
        return lane

    def _forget_idle(self) -> None:
        """Forget webhooks without an attempt in the air; those with a pause only when need be."""
        lanes = self._lanes.items()
        kept = {name: lane for name, lane in lanes if lane.in_flight or lane.paused_ms}
        if len(kept) >= LANES_MAX:
            kept = {name: lane for name, lane in lanes if lane.in_flight}
        self._lanes = kept
