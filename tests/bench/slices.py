"""Slices of a processor: processes that run for a part of the time alone, as on a smaller machine.

So they are the limit of what goes through, and not what they share with others.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

from tests.processes import Process

SLICE_SECONDS = 0.01


@asynccontextmanager
async def sliced(processes: Sequence[Process], slices: int) -> AsyncIterator[None]:
    """Let each process run in one slice of so many, at another time than the others as far as can be."""
    if slices == 1:
        yield
        return
    cutting = asyncio.create_task(_cut(processes, slices))
    try:
        yield
    finally:
        cutting.cancel()
        await asyncio.gather(cutting, return_exceptions=True)
        for process in processes:
            process.send(signal.SIGCONT)


async def _cut(processes: Sequence[Process], slices: int) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in count(1):
        for index, process in enumerate(processes):
            runs = (number + index * slices // len(processes)) % slices == 0
            process.send(signal.SIGCONT if runs else signal.SIGSTOP)
        await asyncio.sleep(begun + number * SLICE_SECONDS - loop.time())
