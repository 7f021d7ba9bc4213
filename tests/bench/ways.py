"""What the functions on a stack are about: whose code it is, and which step of the way of an event.

The tables name modules and functions; a test holds that each of ours exists.
"""

import linecache
import re
from collections.abc import Mapping

from tests.bench.stacks import Frame, Stack, longest_prefix

OTHER = "other"
LIBRARY = "standard library, other"

# Whose code was running, by the module that it is in.
AREAS: Mapping[str, str] = {
    "app": "app",
    "worker": "worker",
    "triggers": "triggers, the domain",
    "triggers.aws": "triggers/aws",
    "triggers.exchanges": "triggers/http",
    "triggers.http": "triggers/http",
    "triggers.telemetry": "logging, telemetry",
    "logging": "logging, telemetry",
    "opentelemetry": "logging, telemetry",
    "uvicorn": "uvicorn, httptools",
    "litestar": "Litestar",
    **dict.fromkeys(("aiohttp", "yarl", "multidict", "propcache", "aiosignal"), "aiohttp"),
    **dict.fromkeys(("botocore", "aiobotocore", "aioboto3"), "botocore, aiobotocore"),
    **dict.fromkeys(("asyncio", "uvloop", "selectors"), "asyncio, uvloop"),
    **dict.fromkeys(("hashlib", "hmac", "cryptography"), "hashes, ciphers"),
    "json": "json",
}

# Code in C has no frames: a sample in it is at the line that calls it, whose text says what it is.
# Loggers write too, but theirs stays theirs.
CALLS: Mapping[str, re.Pattern[str]] = {
    "writes to sockets": re.compile(r"transport\.write(lines)?\("),
    "msgspec": re.compile(r"coder(\(\w+\))?\.(en|de)code\(|CODER\.|msgspec\.(json\.|convert)"),
    "uvicorn, httptools": re.compile(r"\.feed_data\("),
    "hashes, ciphers": re.compile(r"\b(hashlib|hmac)\.\w+\("),
}

# Steps by the innermost function that a table names; what stands further in goes to the step of
# the one that called it. The later tables are looked at when the ones before have nothing.
Steps = tuple[Mapping[str, str], ...]

_LOOP = {"asyncio.runners:Runner.run": "loop"}
_ARRIVES = {"aiohttp.client_proto:ResponseHandler.data_received": "answers of AWS arrive"}
_BATCHES = {
    "triggers.aws.batcher:Batcher._launch": "gather batches",
    "triggers.aws.batcher:Batcher._fly": "gather batches",
    "triggers.aws.batcher:Batcher._landed": "gather batches",
}

STEPS: Mapping[str, Steps] = {
    "app": (
        {
            "app.protocol": "read the request",
            "app.edge:Edge": "edge, handler",
            "app.short_way": "edge, handler",
            "app.routes.events:accept_event": "edge, handler",
            "app.authentication": "authenticate",
            "app.rate_limiting": "limit",
            "app.bodies": "decode",
            "app.wire.drafts": "decode",
            "triggers.idempotency": "insert",
            "triggers.intake": "insert",
            "triggers.aws.event_store": "insert",
            "triggers.aws.statements": "insert",
            "triggers.aws.queues": "hint",
            "app.routes.events:_answer": "answer",
            "app.wire.events": "answer",
            "app.answers": "answer",
            "app.edge:_Answer": "answer",
            "app.edge:_log_request": "access log",
        },
        _BATCHES,
        _ARRIVES,
        {"uvicorn.protocols.http.httptools_impl:RequestResponseCycle.run_asgi": "edge, handler"},
        _LOOP,
    ),
    "worker": (
        {
            "worker.consumer": "receive hints",
            "triggers.aws.queues": "receive hints",
            "triggers.aws.queues:HintQueue.delete": "delete hints",
            "triggers.aws.queues:HintQueue._delete_handles": "delete hints",
            "worker.dispatcher": "take from the queue",
            "worker.delivery:Deliverer._claim": "claim",
            "triggers.aws.event_store:EventStore.claim": "claim",
            "triggers.control_views": "views of tenants",
            "triggers.aws.items:Reads._flush": "views of tenants",
            "worker.rounds": "match",
            "triggers.webhook_requests:headers_to_send": "sign",
            "triggers.signatures": "sign",
            "worker.delivery:Deliverer": "attempt",
            "triggers.http.sender": "attempt",
            "triggers.http.answers": "attempt",
            "worker.finishing": "finish",
            "worker.webhook_health": "finish",
            "triggers.events:progress_of": "finish",
            "triggers.aws.statements:Statements._flush": "claims, finishes",
            "worker.sweeper": "sweep",
            "triggers.aws.shard_leases": "sweep",
            "worker.health": "answer health",
            "worker.rounds:Round.log": "log of attempts",
            "worker.delivery:_log_attempt": "log of attempts",
        },
        _BATCHES,
        _ARRIVES,
        _LOOP,
    ),
}

# These steps are calls of DynamoDB, and told in parts; what is in none of them is their building.
DIVIDED = ("insert", "claims, finishes")
CALL_PARTS: Mapping[str, str] = {
    "triggers.aws.hot_calls:HotCalls.call": "encode",
    "triggers.aws.hot_calls:HotCalls._call": "exchange",
    "triggers.aws.hot_calls:HotCalls._sign": "sign",
    "triggers.aws.statements:_read": "decode",
}
BUILD = "build"


def area_of(stack: Stack) -> str:
    """Return whose code was running."""
    frame = stack[-1]
    prefix = longest_prefix(frame.module, AREAS)
    area = LIBRARY if prefix is None else AREAS[prefix]
    return area if area == AREAS["logging"] else _called(frame) or area


def step_of(stack: Stack, tables: Steps) -> str:
    """Return the step of the way of an event that was being done."""
    step = next((step for table in tables if (step := _innermost(stack, table))), OTHER)
    return f"{step}: {_call_part(stack)}" if step in DIVIDED else step


def _call_part(stack: Stack) -> str:
    part = _innermost(stack, CALL_PARTS) or BUILD
    # The call reads the answer itself: what is decoded is no longer exchanged.
    return "decode" if part == "exchange" and _called(stack[-1]) == "msgspec" else part


def _innermost(stack: Stack, table: Mapping[str, str]) -> str | None:
    prefixes = (longest_prefix(frame.name, table) for frame in reversed(stack))
    return next((table[prefix] for prefix in prefixes if prefix is not None), None)


def _called(frame: Frame) -> str | None:
    """Return what the line calls that was running, if it is one of CALLS."""
    text = linecache.getline(frame.file, frame.line)
    return next((name for name, pattern in CALLS.items() if pattern.search(text)), None)
