"""The loops of a running worker: kept until the stop, then drained."""

import asyncio

from triggers.control_views import ControlViews
from worker.consumer import Consumer
from worker.dispatcher import Dispatcher
from worker.sweeper import Sweeper
from worker.webhook_health import WebhookHealth


class Loops:
    """Consumer, sweeper, dispatcher and the health of webhooks, which live and end together."""

    def __init__(
        self,
        consumer: Consumer,
        sweeper: Sweeper,
        dispatcher: Dispatcher,
        webhook_health: WebhookHealth,
        views: ControlViews,
    ) -> None:
        self._consumer = consumer
        self._sweeper = sweeper
        self._dispatcher = dispatcher
        self._webhook_health = webhook_health
        self._views = views

    @property
    def in_flight(self) -> int:
        """How many events are in work."""
        return self._dispatcher.in_flight

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the loops until `stop` is set. Raises what a loop died of."""
        loops = [
            asyncio.create_task(self._consumer.run(), name="consumer"),
            asyncio.create_task(self._sweeper.run(), name="sweeper"),
            asyncio.create_task(self._dispatcher.run(), name="dispatcher"),
            asyncio.create_task(self._webhook_health.run(), name="webhook health"),
        ]
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait({*loops, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = [loop for loop in loops if loop.done()]
            for task in (*loops, stopped):
                task.cancel()
            await asyncio.gather(*loops, stopped, return_exceptions=True)
        for loop in ended:
            loop.result()

    async def drain(self, seconds: float) -> None:
        """Finish what is in the air, release the rest."""
        await self._sweeper.release()
        await self._dispatcher.drain(seconds)
        await self._views.close()
