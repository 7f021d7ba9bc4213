"""The runs: what a load costs by the clock and the operating system, and in calls and write units of AWS."""

import asyncio
import time
from collections.abc import Mapping

from tests.bench.loads import Driver, Load
from tests.bench.measures import (
    Figures,
    Samples,
    machine_seconds,
    milliseconds,
    percentile,
    processor_seconds,
    resident_megabytes,
    sampling,
)
from tests.bench.targets import Service, Target
from tests.fault_proxy import Answer, Call, FaultProxy, Forward
from tests.write_units import WriteMeter
from triggers.aws import keys

WARM_UP_SECONDS_MAX = 3  # and at most a quarter of what is measured
COUNTING_SECONDS_MAX = 5
METERED_RATE, METERED_SECONDS = 20, 0.5  # a few events: each write is measured by itself
REST_SECONDS_MAX = 2
START_SECONDS = 2  # until what is done once has been done: the leases of due shards


async def rest(target: Target, seconds: int) -> Figures:
    """Return what a target costs that has nothing to do."""
    seconds = min(seconds, REST_SECONDS_MAX)
    await asyncio.sleep(START_SECONDS)
    before = processor_seconds(target.parts)
    await asyncio.sleep(seconds)
    used = {name: now - before[name] for name, now in processor_seconds(target.parts).items()}
    memory = resident_megabytes(target.parts)
    return {
        **{f"processor, {name} at rest, ms/s": s * 1000 / seconds for name, s in used.items()},
        **{f"memory, {name} at rest, MB": megabytes for name, megabytes in memory.items()},
    }


async def warm_up(driver: Driver, target: Target, rate: int | None, seconds: int) -> None:
    """Drive a load at a rate that does not count."""
    await driver.drive(target, rate, min(seconds / 4, WARM_UP_SECONDS_MAX))


async def measure(driver: Driver, target: Target, rate: int | None, seconds: int) -> Figures:
    """Return what a load at a rate comes to, after a warm-up."""
    await warm_up(driver, target, rate, seconds)
    processes = {**driver.processes, **target.beside}
    parts = {**target.parts, **{name: [process] for name, process in processes.items()}}
    began, machine_before, before = time.monotonic(), machine_seconds(), processor_seconds(parts)
    async with sampling(target.parts, target.liveness) as samples:
        load = await driver.drive(target, rate, seconds)
    used = {name: now - before[name] for name, now in processor_seconds(parts).items()}
    others = machine_seconds() - machine_before - sum(used.values())
    used["others"] = others * load.seconds / (time.monotonic() - began)
    return {**outcome_figures(load), **cost_figures(load, used), **sample_figures(samples)}


async def count(
    driver: Driver, target: Target, proxy: FaultProxy, rate: int | None, seconds: int
) -> Figures:
    """Return how many calls of AWS an event takes at a rate."""
    before = proxy.calls.copy()
    with proxy.laid("DynamoDB", pass_on) as dynamodb, proxy.laid("SQS", pass_on) as sqs:
        load = await driver.drive(target, rate, min(seconds, COUNTING_SECONDS_MAX))
    counts = {"DynamoDB": dynamodb.hits, "SQS": sqs.hits, **(proxy.calls - before)}
    events = len(load.received_ns)
    return {f"calls an event, {name}": number / events for name, number in counts.items()}


async def meter(driver: Driver, target: Service, proxy: FaultProxy) -> Figures:
    """Return how many write units an event costs, without those of leases and limits."""
    units = WriteMeter(target.name_prefix)
    with proxy.laid("DynamoDB", units):
        load = await driver.drive(target, METERED_RATE, METERED_SECONDS)
    del units.units[keys.COUNTERS]
    return {"write units an event": units.units.total() / len(load.received_ns)}


async def pass_on(call: Call, forward: Forward) -> Answer | None:
    """No fault: the call is only counted."""
    return await forward(call)


def outcome_figures(load: Load) -> Figures:
    """Return what became of the events, and when."""
    late_ns, received_ns = load.sent.late_ns, load.received_ns
    accepted = load.sent.accepted
    arrived = [
        (sent_ns, at_ns, received_ns[i]) for i, sent_ns, at_ns in accepted if i in received_ns
    ]
    return {
        "accepted, events": len(accepted),
        "refused, events": sum(load.sent.refused.values()),
        "lost, events": len(accepted) - len(received_ns),
        "repeated, requests": load.repeated,
        "accepted, events/s": len(accepted) / load.accept_seconds,
        "delivered, events/s": len(received_ns) / load.seconds,
        **milliseconds("accept", [at_ns - sent_ns for _, sent_ns, at_ns in accepted]),
        # Without storage between an event may arrive before its answer does.
        **milliseconds("accept to received", [max(0, come - at) for _, at, come in arrived]),
        **milliseconds("sent to received", [come - sent for sent, _, come in arrived]),
        **({"producer late p99, ms": percentile(late_ns, 99) / 1e6} if late_ns else {}),
    }


def cost_figures(load: Load, used_seconds: Mapping[str, float]) -> Figures:
    """Return the processor time of an event in the service, and how busy each process was."""
    events = len(load.received_ns)
    app, worker = used_seconds["app"], used_seconds["worker"]
    costs = {"app": app, "worker": worker, "both": app + worker}
    return {
        **{f"processor, {name}, ms/event": s * 1000 / events for name, s in costs.items()},
        # Of one processor; the others are all that runs on this machine besides.
        **{f"busy, {name}, %": s * 100 / load.seconds for name, s in used_seconds.items()},
    }


def sample_figures(samples: Samples) -> Figures:
    """Return what was seen from outside."""
    figures = {f"memory, {name}, MB": peak for name, peak in samples.peak_megabytes.items()}
    for name, lag_ns in samples.lag_ns.items():
        figures |= milliseconds(f"answer lag of /liveness, {name}", lag_ns)
    return figures
