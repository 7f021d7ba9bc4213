"""A small HTTP proxy before the emulator, for what no emulator does: it loses, delays, refuses, throttles.

A fault sees a call and a way to forward it, and returns the answer; None breaks the connection off. Several
faults for a call stand one behind the other, the first laid is the outermost.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aiohttp import web

from infra.local.loopback import HOST, free_port

BODY_BYTES_MAX = 32 * 1024 * 1024
JSON = "application/x-amz-json-1.0"
ANY = "*"
_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "host"})


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of an AWS operation. `service` is `DynamoDB` or `SQS`."""

    service: str
    operation: str
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    def with_content(self, content: Any) -> "Call":
        return replace(self, body=json.dumps(content).encode())


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back for a call."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    body: bytes = b"{}"

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    def with_content(self, content: Any) -> "Answer":
        kept = {n: v for n, v in self.headers.items() if n.lower() != "x-amz-crc32"}
        return replace(self, body=json.dumps(content).encode(), headers=kept)


Forward = Callable[[Call], Awaitable[Answer | None]]
Fault = Callable[[Call, Forward], Awaitable[Answer | None]]


@dataclass(kw_only=True)
class Rule:
    """A fault that is laid for an operation, or for all of a service. `hits` counts what it met."""

    target: str
    fault: Fault
    times: int | None
    hits: int = 0

    def concerns(self, call: Call) -> bool:
        targeted = self.target in (ANY, call.service, call.operation)
        return targeted and (self.times is None or self.hits < self.times)


class FaultProxy:
    """The proxy. `calls` counts the calls that came, by operation."""

    def __init__(self, upstream: str, session: aiohttp.ClientSession) -> None:
        self.calls: Counter[str] = Counter()
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._upstream = upstream
        self._session = session
        self._rules: list[Rule] = []
        self._runner: web.AppRunner | None = None

    async def accept(self) -> None:
        """Listen, again after `refuse`."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0.01, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port, reuse_address=True).start()

    async def refuse(self) -> None:
        """Close every connection and refuse new ones, as a host without the service does."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def lay(self, target: str, fault: Fault, *, times: int | None = None) -> Rule:
        """Lay a fault for an operation, a service or ANY; `times` is how many calls it meets."""
        rule = Rule(target=target, fault=fault, times=times)
        self._rules.append(rule)
        return rule

    def lift(self, rule: Rule) -> None:
        """Take a fault away."""
        self._rules.remove(rule)

    @contextmanager
    def laid(self, target: str, fault: Fault) -> Iterator[Rule]:
        """Lay a fault while the context is open."""
        rule = self.lay(target, fault)
        try:
            yield rule
        finally:
            self.lift(rule)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        service, _, operation = request.headers.get("X-Amz-Target", ".").partition(".")
        call = Call(
            service="SQS" if service == "AmazonSQS" else service.partition("_")[0],
            operation=operation,
            headers={n: v for n, v in request.headers.items() if n.lower() not in _HOP_BY_HOP},
            body=await request.read(),
        )
        self.calls[operation] += 1
        rules = [rule for rule in self._rules if rule.concerns(call)]
        for rule in rules:
            rule.hits += 1
        answer = await self._pass(call, rules)
        if answer is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _pass(self, call: Call, rules: list[Rule]) -> Answer | None:
        if not rules:
            return await self._forward(call)
        rule, *others = rules
        return await rule.fault(call, lambda passed: self._pass(passed, others))

    async def _forward(self, call: Call) -> Answer:
        async with self._session.post(
            self._upstream, data=call.body, headers=call.headers
        ) as answer:
            headers = {n: v for n, v in answer.headers.items() if n.lower() not in _HOP_BY_HOP}
            return Answer(status=answer.status, headers=headers, body=await answer.read())


@asynccontextmanager
async def run_fault_proxy(upstream: str) -> AsyncIterator[FaultProxy]:
    """Run a proxy before the emulator at an address while the context is open."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        proxy = FaultProxy(upstream, session)
        await proxy.accept()
        try:
            yield proxy
        finally:
            await proxy.refuse()


async def lose_request(call: Call, forward: Forward) -> Answer | None:
    """The call never gets there."""
    return None


async def lose_answer(call: Call, forward: Forward) -> Answer | None:
    """The call is carried out, but nobody hears of it."""
    await forward(call)
    return None


async def hang(call: Call, forward: Forward) -> Answer | None:
    """The connection is accepted and nothing comes, ever."""
    await asyncio.Event().wait()
    return None


async def unreadable(call: Call, forward: Forward) -> Answer | None:
    """A 200 comes with a body that is no JSON and no UTF-8."""
    await forward(call)
    return Answer(body=b"<html>\xff\xfe")


async def truncated(call: Call, forward: Forward) -> Answer | None:
    """A 200 comes whose JSON breaks off."""
    answer = await forward(call)
    return replace(answer, body=answer.body[:-5]) if answer else None


def delay(seconds: float) -> Fault:
    """Return the fault of a call that takes that much longer."""

    async def fault(call: Call, forward: Forward) -> Answer | None:
        await asyncio.sleep(seconds)
        return await forward(call)

    return fault


def fail(status: int, code: str = "InternalServerError") -> Fault:
    """Return the fault of a call that is answered with an error and not carried out."""

    async def fault(call: Call, forward: Forward) -> Answer | None:
        body = json.dumps({"__type": f"com.amazonaws#{code}", "message": "a fault was laid"})
        return Answer(status=status, body=body.encode())

    return fault


def refuse_statements(code: str, *, every: int = 1, tries: int = 1) -> Fault:
    """Return the fault of a batch in which single statements are refused, inside a 200.

    Every so many-th statement is refused the first `tries` times that it comes.
    """
    seen: Counter[str] = Counter()
    chosen: dict[str, bool] = {}

    def refused(statement: Any) -> bool:
        name = json.dumps(statement, sort_keys=True)
        chosen.setdefault(name, len(chosen) % every == 0)
        seen[name] += 1
        return chosen[name] and seen[name] <= tries

    async def fault(call: Call, forward: Forward) -> Answer | None:
        content = call.content
        errors = [refused(statement) for statement in content["Statements"]]
        kept = [s for s, error in zip(content["Statements"], errors, strict=True) if not error]
        answer: Answer | None = Answer(body=b'{"Responses": []}')
        if kept:
            answer = await forward(call.with_content({**content, "Statements": kept}))
        if answer is None or answer.status != 200:
            return answer
        responses = iter(answer.content["Responses"])
        error_answer = {"Error": {"Code": code, "Message": "a fault was laid"}}
        merged = [error_answer if error else next(responses) for error in errors]
        return answer.with_content({**answer.content, "Responses": merged})

    return fault


async def strip_items(call: Call, forward: Forward) -> Answer | None:
    """A batch of statements comes back without any item, neither written nor refused ones."""
    answer = await forward(call)
    if answer is None or answer.status != 200:
        return answer
    content = answer.content
    for response in content["Responses"]:
        response.pop("Item", None)
        response.get("Error", {}).pop("Item", None)
    return answer.with_content(content)


async def leave_unprocessed(call: Call, forward: Forward) -> Answer | None:
    """A BatchGetItem or BatchWriteItem leaves out the last request of every table."""
    content = call.content
    kept: dict[str, Any] = {}
    left_out: dict[str, Any] = {}
    for table, requests in content["RequestItems"].items():
        if isinstance(requests, list):
            kept[table], left_out[table] = requests[:-1], requests[-1:]
        else:
            kept[table] = {**requests, "Keys": requests["Keys"][:-1]}
            left_out[table] = {**requests, "Keys": requests["Keys"][-1:]}
    kept = {t: r for t, r in kept.items() if (r if isinstance(r, list) else r["Keys"])}
    answer: Answer | None = Answer(body=b'{"Responses": {}}')
    if kept:
        answer = await forward(call.with_content({**content, "RequestItems": kept}))
    if answer is None or answer.status != 200:
        return answer
    name = "UnprocessedItems" if call.operation == "BatchWriteItem" else "UnprocessedKeys"
    return answer.with_content({**answer.content, name: left_out})
