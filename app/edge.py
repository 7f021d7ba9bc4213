"""The outermost layer: every request passes here, whatever becomes of it further in.

It gives the request its ids, a deadline and its one log line, and answers what nothing further in
has answered.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from app.bodies import ClientGone
from app.context import RequestContext, body_has_ended, context_of, make_context, put_context
from app.deadlines import Deadlines
from app.lifecycle import Lifecycle
from app.problems.answers import answer_to
from app.wire.problems import MEDIA_TYPE
from triggers.errors import RequestTimeout, Unavailable
from triggers.ids import RandomBits
from triggers.telemetry import log

PATH_CHARACTERS_MAX = 64
LINGER_SECONDS = 2.0
CLIENT_GONE = 499  # as nginx logs it; nobody is there to see it

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

_PROBES = frozenset({"/liveness", "/readiness"})

_logger = logging.getLogger("app.requests")


class Edge:
    """The ASGI application that the server runs; `inner` is Litestar."""

    def __init__(
        self,
        inner: AsgiApp,
        lifecycle: Lifecycle,
        *,
        request_seconds: float,
        random_bits: RandomBits,
    ) -> None:
        self.lifecycle = lifecycle
        self._inner = inner
        self._request_seconds = request_seconds
        self._deadlines = Deadlines(request_seconds)
        self._random_bits = random_bits

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Handle one request, or pass the lifespan on."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = time.perf_counter()
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}  # the server keeps its own, with the true method
        context = make_context(scope, self._random_bits)
        context.is_head = is_head
        put_context(scope, context)
        answer = _Answer(scope, receive, send, is_head=is_head, is_last=self.lifecycle.is_draining)
        self.lifecycle.in_flight += 1
        try:
            await self._handle(scope, receive, answer, context)
        finally:
            if context.body_hold is not None:
                context.body_hold.release()
            self.lifecycle.in_flight -= 1
            _log_request(scope, context, answer, time.perf_counter() - started)

    async def _handle(
        self, scope: Any, receive: Receive, answer: "_Answer", context: RequestContext
    ) -> None:
        """Let Litestar answer within the deadline; answer what it does not."""
        try:
            async with asyncio.timeout(None) as deadline:
                context.deadline, context.due_at = deadline, self._deadlines.begin(deadline)
                try:
                    await self._inner(scope, receive, answer.send)
                finally:
                    self._deadlines.end(deadline)
        except ClientGone:
            answer.status = answer.status or CLIENT_GONE
        except asyncio.CancelledError:
            # Past the drain the server cancels what is left; its client gets an answer.
            if not self.lifecycle.is_draining or answer.status is not None:
                raise
            await answer.refuse(Unavailable("The service is stopping; try again"))
        except TimeoutError as error:
            is_too_late = context.deadline is not None and context.deadline.expired()
            await answer.refuse(self._too_late(context) if is_too_late else error)
        except Exception as error:  # noqa: BLE001 the last resort: we get the trace
            await answer.refuse(error)

    def _too_late(self, context: RequestContext) -> Exception:
        if context.body_seconds is not None:
            return RequestTimeout(context.body_seconds)
        return Unavailable(f"There was no answer within {self._request_seconds:g} s; try again")


class _Answer:
    """The way of an answer out: it adds the request's ids, and remembers the status.

    To HEAD goes what GET would get, without the body (RFC 9110, 9.3.2).
    """

    def __init__(
        self, scope: Any, receive: Receive, send: Send, *, is_head: bool, is_last: bool
    ) -> None:
        self.status: int | None = None
        self.is_head = is_head
        self._is_last = is_last
        self.scope = scope
        self._receive = receive
        self._send = send

    async def send(self, message: Message) -> None:
        """Pass a message on to the server."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._headers()]
            await self._send(message)
            return
        if self.is_head:
            message["body"] = b""
        if not message.get("more_body", False) and not body_has_ended(self.scope):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def _headers(self) -> Iterator[tuple[bytes, bytes]]:
        context = context_of(self)
        yield b"x-request-id", context.request_id.encode()
        yield b"x-correlation-id", context.correlation_id.encode()
        yield b"x-content-type-options", b"nosniff"
        yield from context.rate_headers
        # The client opens its next connection to a process that stays; and what is left of a body
        # that nobody wants is not waited for, lest it be taken for the next request.
        if self._is_last or not body_has_ended(self.scope):
            yield b"connection", b"close"

    async def _linger(self) -> None:
        """Take in for a while what the client still sends.

        To close at once would reset the connection, and the answer might be lost (RFC 9112, 9.6).
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not body_has_ended(self.scope):
                    if (await self._receive())["type"] == "http.disconnect":
                        return

    async def refuse(self, error: Exception) -> None:
        """Answer with a problem, unless an answer has begun: then it stays cut off."""
        answer = answer_to(error, context_of(self))
        if self.status is not None:
            return
        headers = {
            "content-type": MEDIA_TYPE,
            "content-length": str(len(answer.body)),
            **answer.headers,
        }
        start = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        await self.send(start)
        await self.send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _log_request(scope: Any, context: RequestContext, answer: _Answer, seconds: float) -> None:
    """Write the request's line. The path is the route's: no ids, and no values of a query."""
    path = scope.get("path_template") or scope["path"][:PATH_CHARACTERS_MAX]
    if path in _PROBES and answer.status == 200 and not _logger.isEnabledFor(logging.DEBUG):
        return
    fields: dict[str, Any] = {
        "method": "HEAD" if answer.is_head else scope["method"],
        "path": path,
        "status": answer.status,
        "milliseconds": round(seconds * 1000, 2),
        "request_id": context.request_id,
        "correlation_id": context.correlation_id,
    }
    if context.caller is not None and context.caller.view is not None:
        fields["tenant_id"] = context.caller.view.tenant_id
    if context.event_id is not None:
        fields["event_id"] = context.event_id
    if context.problem is not None:
        fields["problem"] = context.problem
    log(_logger, "request", **fields)
