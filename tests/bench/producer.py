"""`python -m tests.bench.producer PORT`: sends events as each plan says that is posted to it, and tells what became of them.

At a rate the schedule is open: an event is sent when its moment has come, whatever became of those before,
so that queueing shows. Without one so many requests are always in the air.
"""

import asyncio
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from functools import partial
from itertools import count

import msgspec
import uvloop
from msgspec import Struct

from tests.bench.wire import OK, Answer, Connection, Messages, connect, request_of, serve

CONNECTIONS = 128  # at a rate; what finds none idle waits, and its wait counts
ANSWER_SECONDS = 15.0  # the last answers have come by then; the API's own deadline is 10
TIMER_SECONDS = 0.0005  # half of what the loop's timers can tell apart
PAYLOAD_BYTES_MIN = 40

_ID = b"evt_"
_ID_LENGTH = 30


class Plan(Struct, frozen=True, kw_only=True):
    """What to send. `rate` is events a second; None: `at_once` requests are always in the air.

    Without a rate no more than `events_max` are sent, or than are in the air at once.
    """

    url: str
    keys: list[str]
    rate: int | None
    at_once: int
    events_max: int
    seconds: float
    payload_bytes: int


class Sent(Struct, kw_only=True):
    """What came of it.

    `accepted` are (event id, sent, answered) on the monotonic clock in nanoseconds; `late_ns` is how much
    later than by the schedule each was sent; `refused` counts other answers by status, 0: none came.
    """

    accepted: list[tuple[str, int, int]] = []
    late_ns: list[int] = []
    refused: dict[int, int] = {}


_plans = msgspec.json.Decoder(Plan)


class Producer:
    """Sends over kept connections, tenant by tenant."""

    def __init__(self, connections: list[Connection], requests: Iterator[bytes]) -> None:
        self.accepted: list[tuple[str, int, int]] = []
        self.refused: Counter[int] = Counter()
        self.all_answered = asyncio.Event()
        self.until_ns = 0  # until then an answer leads to the next request,
        self.left = 0  # at most so often
        self.waiting: deque[int] = deque()
        self._idle = deque(connections)
        self._open = len(connections)
        self._requests = requests

    @property
    def in_the_air(self) -> int:
        return self._open - len(self._idle)

    def send(self) -> None:
        """Send the next event, now or as soon as a connection is idle."""
        self.all_answered.clear()
        self.waiting.append(time.monotonic_ns())
        self._launch()

    def _launch(self) -> None:
        while self.waiting and self._idle:
            connection = self._idle.popleft()
            answer = connection.ask(next(self._requests))
            answer.add_done_callback(partial(self._answered, connection, self.waiting.popleft()))

    def _answered(
        self, connection: Connection, sent_ns: int, future: asyncio.Future[Answer]
    ) -> None:
        if connection.transport.is_closing():
            self._open -= 1
        else:
            self._idle.append(connection)
        if future.exception() is not None:
            self.refused[0] += 1
        elif (answer := future.result()).status == 202:
            self.accepted.append((event_id_in(answer.body), sent_ns, answer.at_ns))
        else:
            self.refused[answer.status] += 1
        if self.left and time.monotonic_ns() < self.until_ns:
            self.left -= 1
            self.send()
        self._launch()
        if not self.waiting and not self.in_the_air:
            self.all_answered.set()


async def produce(plan: Plan) -> Sent:
    """Carry out a plan."""
    connections = CONNECTIONS if plan.rate else plan.at_once
    opened = [await connect(plan.url) for _ in range(connections)]
    producer = Producer(opened, requests_of(plan))
    late_ns: list[int] = []
    if plan.rate:
        late_ns = await send_by_schedule(producer, schedule(plan.rate, plan.seconds))
    else:
        producer.left = max(0, plan.events_max - plan.at_once)
        producer.until_ns = time.monotonic_ns() + int(plan.seconds * 1e9)
        for _ in range(plan.at_once):
            producer.send()
    try:
        await asyncio.wait_for(producer.all_answered.wait(), plan.seconds + ANSWER_SECONDS)
    except TimeoutError:
        producer.refused[0] += producer.in_the_air + len(producer.waiting)
    for connection in opened:
        connection.transport.close()
    return Sent(
        accepted=producer.accepted,
        late_ns=late_ns,
        refused=dict(producer.refused),
    )


async def send_by_schedule(producer: Producer, moments: list[float]) -> list[int]:
    """Send an event at each moment; return how late each was, in nanoseconds."""
    started_ns, late_ns = time.monotonic_ns(), []
    for moment in moments:
        due_ns = started_ns + int(moment * 1e9)
        while (ahead := (due_ns - time.monotonic_ns()) / 1e9) > TIMER_SECONDS:
            await asyncio.sleep(ahead)
        late_ns.append(max(0, time.monotonic_ns() - due_ns))
        producer.send()
    return late_ns


def schedule(rate: int, seconds: float) -> list[float]:
    """Return when each event is due, in seconds from the start; the same each time.

    They come as from many producers who know nothing of each other: a Poisson process, given how many.
    """
    chance = random.Random(rate)
    return sorted(chance.uniform(0, seconds) for _ in range(max(1, round(rate * seconds))))


def requests_of(plan: Plan) -> Iterator[bytes]:
    """Yield requests without end, of each tenant in turn."""
    noise = random.Random(1).randbytes(plan.payload_bytes).hex()
    for number in count():
        start = f'{{"number": {number + 100_000_000}, "text": "'
        payload = start + noise[: plan.payload_bytes - len(start) - 2] + '"}'
        body = f'{{"event_type": "order.created", "source": "shop", "payload": {payload}}}'
        headers = {
            "Authorization": f"Bearer {plan.keys[number % len(plan.keys)]}",
            "Content-Type": "application/json",
        }
        yield request_of("POST", "/v1/events", headers, body.encode())


def event_id_in(body: bytes) -> str:
    """Return the first event id in the answer to a POST."""
    start = body.index(_ID)
    return body[start : start + _ID_LENGTH].decode()


class Intake(Messages):
    """One connection of the bench. Plans hold keys, which belong into no process list and no file."""

    _task: asyncio.Task[None] | None = None

    def take(self, head: bytes, body: bytes) -> None:
        """Begin to carry out a plan."""
        self._task = asyncio.create_task(self._carry_out(_plans.decode(body)))

    async def _carry_out(self, plan: Plan) -> None:
        answer = msgspec.json.encode(await produce(plan))
        self.transport.write(OK % (len(answer), answer))


if __name__ == "__main__":
    uvloop.run(serve(Intake, int(sys.argv[1])))
