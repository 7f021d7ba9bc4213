"""Group commit: items that wait while a call is in the air go together in the next one.

No added latency when idle; batches that grow by themselves under load. A call costs
about the same CPU for 25 items as for one, so this is the main lever on speed and cost. Where more
wait than a batch holds, tenants take turns.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from triggers.errors import Overloaded
from triggers.lines import Lines

Item = TypeVar("Item")
Answer = TypeVar("Answer")

Flush = Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]]
"""Sends a batch; returns an answer or an error for each item, in order, or raises for them all."""


def _nobody(_: object) -> None:
    """Whose items are that know no tenant."""


class Batcher(Generic[Item, Answer]):
    """Gathers items into batches. Each caller gets its own answer or its own error.

    At most `flights_max` batches of at most `batch_max` items are in the air; at most `waiting_max`
    items wait. `identity` names what must not be twice in a batch: a second one waits for the next.
    `tenant` names whose an item is: a batch takes one of each tenant in turn, the oldest first.
    `pace_seconds` is for what has time: after a launch a batch that is not full waits that long.
    """

    def __init__(
        self,
        flush: Flush[Item, Answer],
        *,
        batch_max: int,
        flights_max: int,
        waiting_max: int,
        identity: Callable[[Item], Hashable] = id,
        tenant: Callable[[Item], Hashable] = _nobody,
        pace_seconds: float = 0,
    ) -> None:
        self._flush = flush
        self._batch_max = batch_max
        self._flights_max = flights_max
        self._waiting_max = waiting_max
        self._identity = identity
        self._tenant = tenant
        self._pace_seconds = pace_seconds
        self._not_before = 0.0  # of the loop's clock
        self._waiting: Lines[tuple[Item, asyncio.Future[Answer]]] = Lines()
        self._flights: set[asyncio.Task[None]] = set()
        self._launch_at: asyncio.Handle | None = None
        self._closing = False

    async def submit(self, item: Item) -> Answer:
        """Send an item with the next batch, return its answer. Raises Overloaded, or its error."""
        return await self.enqueue(item)

    def enqueue(self, item: Item) -> asyncio.Future[Answer]:
        """Do the same without waiting: the future gets the answer. Raises Overloaded."""
        if len(self._waiting) >= self._waiting_max:
            raise Overloaded
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.put(self._tenant(item), (item, answer))
        self._schedule()
        return answer

    async def close(self) -> None:
        """Send what waits and return when nothing is in the air."""
        self._closing = True
        while self._waiting or self._flights:
            self._launch()
            await asyncio.gather(*self._flights, return_exceptions=True)

    def _schedule(self) -> None:
        """Launch at the end of this turn of the loop: what is submitted in it goes together."""
        if len(self._flights) >= self._flights_max:
            return
        loop = asyncio.get_running_loop()
        is_early = self._pace_seconds and not self._closing and loop.time() < self._not_before
        if is_early and len(self._waiting) < self._batch_max:
            self._launch_at = self._launch_at or loop.call_at(self._not_before, self._launch)
        elif self._launch_at is None or is_early:
            self._forget_launch()
            self._launch_at = loop.call_soon(self._launch)

    def _launch(self) -> None:
        self._forget_launch()
        self._not_before = asyncio.get_running_loop().time() + self._pace_seconds
        while self._waiting and len(self._flights) < self._flights_max:
            batch = self._gather()
            if batch:
                flight = asyncio.create_task(self._fly(batch), name="batch")
                self._flights.add(flight)
                flight.add_done_callback(self._landed)

    def _forget_launch(self) -> None:
        if self._launch_at is not None:
            self._launch_at.cancel()
            self._launch_at = None

    def _gather(self) -> list[tuple[Item, asyncio.Future[Answer]]]:
        """Take the next batch; whoever gave up waiting is left out."""
        batch: dict[Hashable, tuple[Item, asyncio.Future[Answer]]] = {}
        again: list[tuple[Item, asyncio.Future[Answer]]] = []
        while self._waiting and len(batch) < self._batch_max:
            item, answer = self._waiting.take()
            if answer.done():
                continue
            identity = self._identity(item)
            if identity in batch:
                again.append((item, answer))
            else:
                batch[identity] = (item, answer)
        for item, answer in reversed(again):
            self._waiting.put_back(self._tenant(item), (item, answer))
        return list(batch.values())

    async def _fly(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._flush([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 it is passed on to every caller
            answers = [error] * len(batch)
        if len(answers) != len(batch):  # nobody knows whose they are, and nobody must wait for ever
            wrong = RuntimeError(f"a flush of {len(batch)} items gave {len(answers)} answers")
            answers = [wrong] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        if self._waiting:
            self._schedule()
