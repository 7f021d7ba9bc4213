"""`python -m tests.accept_cost`: what accepting an event costs `app`, in milliseconds of processor time.

It starts `app` before the emulator, as it is deployed, and sends events over HTTP: some at once, and at a steady rate.
What the emulator and the producer use does not count. `--compare` measures another checkout in turn with this one, run
by run, so that both see the same moods of the machine.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from infra.local.loopback import HOST, call, free_port
from infra.local.settings import ROOT
from tests.deployment import OPERATOR_KEY
from tests.emulator import aws_environment, run_emulator
from tests.processes import PYTHON, Process, own_environment, running
from tests.testbed import own_prefix

RATE = 100  # events a second of a steady run
WARM_UP = 500
AFTER_SECONDS = 0.2  # for the hints, which go out after the answers
EVENT = (
    b'{"event_type": "order.created", "source": "shop", "metadata": {"region": "eu"},'
    b' "payload": {"order": 1, "lines": [{"sku": "a-1", "count": 2, "price": "19.90"}]}}'
)

# What an older checkout may not know, and would refuse.
NEWER = {"TRIGGERS_SECRETS_KEY": "secrets-key-of-the-tests-0123456789ab"}

Send = Callable[[], Coroutine[None, None, None]]
Costs = list[float]


@asynccontextmanager
async def running_app(tree: Path, emulator_url: str) -> AsyncIterator[tuple[Process, Send]]:
    """Run `app` of a checkout, with tables of its own; yields what sends one event to it."""
    url = f"http://{HOST}:{(port := free_port())}"
    own = {
        "TRIGGERS_ENVIRONMENT": "development",
        "TRIGGERS_NAME_PREFIX": own_prefix(),
        "TRIGGERS_OPERATOR_KEY": OPERATOR_KEY,
        "TRIGGERS_API_HOST": HOST,
        "TRIGGERS_API_PORT": str(port),
    }
    known = (tree / "triggers/settings.py").read_text()
    newer = {n: text for n, text in NEWER.items() if n.removeprefix("TRIGGERS_").lower() in known}
    environment = own_environment(aws_environment(emulator_url), own, newer)
    provision = (PYTHON, "-m", "triggers.aws.provision")
    await asyncio.to_thread(subprocess.run, provision, cwd=tree, env=environment, check=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running((PYTHON, "-m", "app"), environment, Path(folder) / "app.log", tree) as process,
    ):
        await process.says("ready")
        content = {"name": "Acme", "tier": "enterprise"}
        _, tenant = await call("POST", url + "/v1/tenants", key=OPERATOR_KEY, content=content)
        headers = {"Authorization": f"Bearer {tenant['key']}", "Content-Type": "application/json"}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def send() -> None:
                async with session.post(url + "/v1/events", data=EVENT) as answer:
                    assert answer.status == 202, await answer.text()
                    await answer.read()

            yield process, send


async def send_at_once(send: Send, events: int, concurrency: int) -> None:
    """Send so many events, that many of them in the air at any time."""
    left = iter(range(events))

    async def one_by_one() -> None:
        for _ in left:
            await send()

    await asyncio.gather(*(one_by_one() for _ in range(concurrency)))


async def send_steadily(send: Send, events: int) -> None:
    """Send RATE events a second, whatever becomes of those before."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(events):
            await asyncio.sleep(started + number / RATE - loop.time())
            group.create_task(send())


async def measure(process: Process, run: Awaitable[None], events: int) -> float:
    """Return the milliseconds of processor time that an event of this run costs."""
    before = process.processor_seconds
    await run
    await asyncio.sleep(AFTER_SECONDS)
    return (process.processor_seconds - before) * 1000 / events


async def compare(trees: list[Path], args: argparse.Namespace) -> dict[str, dict[Path, Costs]]:
    """Measure the checkouts in turn, by kind of run."""
    found: dict[str, dict[Path, Costs]] = {}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(run_emulator(folder)).url
        apps = {tree: await stack.enter_async_context(running_app(tree, url)) for tree in trees}
        for _, send in apps.values():
            await send_at_once(send, WARM_UP, args.concurrency)
        for number in range(args.rounds):
            for tree in trees if number % 2 == 0 else trees[::-1]:
                process, send = apps[tree]
                runs = {
                    f"{args.concurrency} at once": send_at_once(
                        send, args.events, args.concurrency
                    ),
                    f"{RATE} a second": send_steadily(send, args.events),
                }
                for kind, run in runs.items():
                    cost = await measure(process, run, args.events)
                    found.setdefault(kind, {}).setdefault(tree, []).append(cost)
    return found


def report(kind: str, found: dict[Path, Costs]) -> str:
    """Return what came of a kind of run: the median, the least and the most."""
    lines = [
        f"{kind}, {tree}: median {statistics.median(costs):.3f} ms"
        f" ({min(costs):.3f}–{max(costs):.3f})"
        for tree, costs in found.items()
    ]
    if len(found) > 1:
        # Neighbouring runs have seen the same mood of the machine.
        ratios = sorted(after / before for before, after in zip(*found.values(), strict=True))
        quarter = len(ratios) // 4
        lines.append(
            f"{kind}: after / before {statistics.median(ratios):.3f}"
            f" (half of the rounds: {ratios[quarter]:.3f}–{ratios[-1 - quarter]:.3f})"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.accept_cost", description=__doc__)
    parser.add_argument("--events", type=int, default=400, help="events of one run")
    parser.add_argument("--concurrency", type=int, default=16, help="how many are in the air")
    parser.add_argument(
        "--rounds", type=int, default=20, help="how often each checkout is measured"
    )
    parser.add_argument("--compare", type=Path, metavar="TREE", help="another checkout: the before")
    args = parser.parse_args()
    trees = [args.compare.resolve(), ROOT] if args.compare else [ROOT]
    for kind, found in asyncio.run(compare(trees, args)).items():
        sys.stdout.write(report(kind, found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
