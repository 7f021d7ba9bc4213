"""Pulls the inbox: passes each event on to a receiver, and acknowledges what that took.

What it did not take stays in the inbox and is tried again, after pauses that grow. Events that a webhook wants are left
to it: to acknowledge one would cancel its delivery.
"""

import time

import msgspec
from msgspec import Struct

from triggers.cli.api import Api, is_passing, path_of
from triggers.cli.arrivals import Arrival, Arrivals, Arrived, read_arrival
from triggers.cli.errors import CommandFailed
from triggers.cli.forwarding import Answered, Forwarder
from triggers.cli.interruption import Interruption
from triggers.cli.output import Column, Output
from triggers.webhooks import matches_type

OPEN_MAX = 100  # events that were not taken; the others wait in the inbox until there are fewer
PAUSES = (1, 2, 4, 8, 16, 32, 60)  # seconds
_ENDED = ("acknowledged", "delivered")

FORWARDED: tuple[Column, ...] = (
    ("ACCEPTED", "created_at"),
    ("EVENT", "event_id"),
    ("ANSWER", "answer"),
    ("TYPE", "event_type"),
)
WIDTHS = (20, 30, 14)


class Open(Struct):
    """An event that is not done with: how often it was tried, when it is tried next, whether it was taken.

    `due` is on `time.monotonic`.
    """

    tries: int = 0
    due: float = 0.0
    taken: bool = False


class Webhook(Struct, frozen=True):
    """What is read of a webhook."""

    webhook_id: str
    event_types: list[str]


class Pulling:
    """One receiver, and the events that it gets, in the order of the inbox."""

    def __init__(
        self,
        api: Api,
        out: Output,
        arrivals: Arrivals,
        forwarder: Forwarder,
        interruption: Interruption,
    ) -> None:
        self._api = api
        self._out = out
        self._arrivals = arrivals
        self._forwarder = forwarder
        self._interruption = interruption
        self._open: dict[str, Open] = {}
        self._silent = Open()  # `tries`: how often in a row the receiver did not answer at all
        self._known: set[str] = set()
        self._show = out.stream(FORWARDED, WIDTHS)
        self._forwarded = 0

    @property
    def summary(self) -> str:
        """What came of it, in words."""
        done = f"{self._forwarded} forwarded and acknowledged"
        taken = sum(one.taken for one in self._open.values())
        waiting = len(self._open) - taken
        parts = [done] + [f"{waiting} not taken, and waiting in the inbox"] * bool(waiting)
        again = f"{taken} taken but not acknowledged, which will come again"
        return "; ".join(parts + [again] * bool(taken))

    @property
    def pause_seconds(self) -> float | None:
        """How long until an event is to be tried again; None: there is none."""
        dues = [max(one.due, self._silent.due) for one in self._open.values()]
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def begin(self) -> None:
        """Say which webhooks take events. Raises Refused, NoAnswer."""
        self._webhooks()

    def go_on(self) -> bool:
        """Pass on what came and what is due; tell whether anything came. Raises Refused, NoAnswer."""
        for event_id, one in list(self._open.items()):
            if one.due <= time.monotonic() >= self._silent.due:
                self._again(event_id, one)
        came = False
        if len(self._open) < OPEN_MAX:
            for arrivals in self._arrivals.fresh():
                if len(self._open) >= OPEN_MAX or self.pause_seconds == 0:
                    break
                came = True
                self._pass_on(arrivals)
        return came

    def _pass_on(self, arrivals: list[Arrival]) -> None:
        # Read after the events, so that none is missed that was there before them.
        webhooks = self._webhooks()
        for arrived, document in arrivals:
            if arrived.event_id not in self._open and not _belongs_to_webhook(arrived, webhooks):
                self._open[arrived.event_id] = Open()
                self._try(arrived, document)

    def _again(self, event_id: str, one: Open) -> None:
        if one.taken:
            self._acknowledge(event_id, one)
            return
        answer = self._api.call("GET", path_of("events", event_id), also=frozenset({404}))
        if answer.status == 404:
            del self._open[event_id]
            return
        arrived, document = read_arrival(answer.body)
        if arrived.status in _ENDED or arrived.is_delivered:  # somebody else's by now
            del self._open[event_id]
        else:
            self._try(arrived, document)

    def _try(self, arrived: Arrived, document: bytes) -> None:
        """Send an event, unless the receiver is given a pause, and acknowledge it if that took it."""
        if self._silent.due > time.monotonic():
            return
        one = self._open[arrived.event_id]
        with self._interruption.put_off():
            answered = self._forwarder.send(arrived)
            one.taken = answered.taken
            if answered.taken:
                self._silent = Open()
                row = msgspec.structs.asdict(arrived) | {"answer": answered.words}
                self._show(document, row)
                self._acknowledge(arrived.event_id, one)
            else:
                self._put_off(arrived, one, answered)

    def _put_off(self, arrived: Arrived, one: Open, answered: Answered) -> None:
        """Say why an event was not taken, and when it is tried again."""
        paused = self._silent if answered.status is None else one
        if answered.status is not None:
            self._silent = Open()
        seconds = _pause(paused)
        others = f", with {len(self._open) - 1} more" if len(self._open) > 1 else ""
        self._out.note(
            f"{arrived.event_id} {arrived.event_type}: {answered.words}; again in {seconds} s"
            + others * (answered.status is None)
        )

    def _acknowledge(self, event_id: str, one: Open) -> None:
        """Acknowledge what was taken; it is done with then. Raises Refused."""
        try:
            path = path_of("events", event_id, "ack")
            gone = frozenset({404, 409})  # deleted, or acknowledged by somebody else
            self._api.call("POST", path, also=gone, is_repeatable=True)
        except CommandFailed as error:
            if not is_passing(error):
                raise
            self._out.note(f"{event_id} was taken, not acknowledged: again in {_pause(one)} s")
        else:
            del self._open[event_id]
            self._forwarded += 1

    def _webhooks(self) -> list[Webhook]:
        """Read the webhooks, and say once of each that it takes events. Raises Refused, NoAnswer."""
        documents = self._api.whole(path_of("webhooks"), "webhooks")
        webhooks = [msgspec.json.decode(one, type=Webhook) for one in documents]
        for one in webhooks:
            if one.webhook_id not in self._known:
                types = ", ".join(one.event_types)
                self._out.note(f"not forwarded, since webhook {one.webhook_id} takes it: {types}")
        self._known = {one.webhook_id for one in webhooks}
        return webhooks


def _belongs_to_webhook(arrived: Arrived, webhooks: list[Webhook]) -> bool:
    """Tell whether an event is a webhook's, also when no worker has seen it yet."""
    patterns = (pattern for one in webhooks for pattern in one.event_types)
    return arrived.is_delivered or any(matches_type(p, arrived.event_type) for p in patterns)


def _pause(one: Open) -> int:
    """Put an event, or all, off for 1, 2, 4 … 60 s; return how long."""
    seconds = PAUSES[min(one.tries, len(PAUSES) - 1)]
    one.tries, one.due = one.tries + 1, time.monotonic() + seconds
    return seconds
