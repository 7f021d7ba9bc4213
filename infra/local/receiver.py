"""The example receiver: takes webhooks in, checks their signatures, and shows what came.

`POST /hook` answers 200, `POST /hook/{status}` that status, after `?delay=seconds`. With `?times=N` it does so the
first N times that a `webhook-id` comes to that path, then 200: a receiver that recovers.
`GET /` is a page that keeps itself fresh, `GET /requests` the same as JSON, newest first.
Settings: RECEIVER_HOST, RECEIVER_PORT, and WEBHOOK_SECRET, without which nothing is verified.
"""

import asyncio
import hmac
import math
import os
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import msgspec
from aiohttp import web
from msgspec import Struct

from triggers.signatures import sign

REQUESTS_MAX = 1000
BODY_BYTES_MAX = 2 << 20
DELAY_SECONDS_MAX = 120.0
# Standard Webhooks leaves the tolerance to the receiver; its libraries use five minutes.
TOLERANCE_SECONDS = 300
PAGE = Path(__file__).with_name("receiver.html")


class Received(Struct, frozen=True, kw_only=True):
    """One request as it came in, with what was answered. Header names are in small letters."""

    received_ms: int
    path: str
    headers: dict[str, str]
    body: str
    verified: bool
    status: int


RECEIVED = web.AppKey("received", deque[Received])
SECRET = web.AppKey("secret", str)
ENCODER = msgspec.json.Encoder()


def is_verified(secret: str, headers: Mapping[str, str], body: bytes, now_seconds: int) -> bool:
    """Tell whether one of the signatures is that of the secret, and the timestamp is of our time.

    The rules are those of Standard Webhooks; `headers` finds names in any case.
    """
    try:
        timestamp = int(headers["webhook-timestamp"])
        expected = sign([secret], headers["webhook-id"], timestamp, body)
        signatures = headers["webhook-signature"].split(" ")
    except (KeyError, ValueError):
        return False
    if abs(now_seconds - timestamp) > TOLERANCE_SECONDS:
        return False
    return any(hmac.compare_digest(one.encode(), expected.encode()) for one in signatures)


async def take_in(request: web.Request) -> web.Response:
    """Keep the request, wait when asked to, and answer with the status of the path."""
    delay_seconds, times = _delay_seconds(request), _times(request)
    body = await request.read()
    status = int(request.match_info.get("status", "200"))
    if _seen_before(request) >= times:
        status = 200
    secret = request.app[SECRET]
    now_ms = time.time_ns() // 1_000_000
    received = Received(
        received_ms=now_ms,
        path=request.path_qs,
        headers={name.lower(): text for name, text in request.headers.items()},
        body=body.decode(errors="replace"),
        verified=bool(secret) and is_verified(secret, request.headers, body, now_ms // 1000),
        status=status,
    )
    request.app[RECEIVED].append(received)
    await asyncio.sleep(delay_seconds)
    return web.Response(status=status)


async def list_requests(request: web.Request) -> web.Response:
    """Answer with what came in, newest first; `?limit=` shortens the list."""
    try:
        limit = int(request.query.get("limit", REQUESTS_MAX))
    except ValueError:
        raise web.HTTPBadRequest(text="limit must be a number") from None
    received = request.app[RECEIVED]
    newest_first = list(reversed(received))[: max(0, limit)]
    return web.Response(body=ENCODER.encode(newest_first), content_type="application/json")


async def show_page(_request: web.Request) -> web.Response:
    """Answer with the page, which fetches the list by itself."""
    return web.Response(text=PAGE.read_text(), content_type="text/html")


def create_receiver(secret: str = "") -> web.Application:
    """Make the receiver. Without a secret it verifies nothing."""
    receiver = web.Application(client_max_size=BODY_BYTES_MAX)
    receiver[RECEIVED] = deque(maxlen=REQUESTS_MAX)
    receiver[SECRET] = secret
    receiver.add_routes(
        [
            web.get("/", show_page),
            web.get("/requests", list_requests),
            web.post("/hook", take_in),
            web.post("/hook/{status:[2-5][0-9][0-9]}", take_in),
        ]
    )
    return receiver


def _delay_seconds(request: web.Request) -> float:
    try:
        delay_seconds = float(request.query.get("delay", "0"))
    except ValueError:
        delay_seconds = math.nan
    if not delay_seconds >= 0:  # which nan is not
        raise web.HTTPBadRequest(text="delay must be a number of seconds")
    return min(delay_seconds, DELAY_SECONDS_MAX)


def _times(request: web.Request) -> float:
    """Return how often the status of the path is answered."""
    if "times" not in request.query:
        return math.inf
    try:
        times = int(request.query["times"])
    except ValueError:
        times = -1
    if times < 0:
        raise web.HTTPBadRequest(text="times must be a number, 0 or more")
    return times


def _seen_before(request: web.Request) -> int:
    """Count the same event among what is kept, at the same path: other webhooks may get it as well."""
    webhook_id = request.headers.get("webhook-id")
    return sum(
        one.path == request.path_qs and one.headers.get("webhook-id") == webhook_id
        for one in request.app[RECEIVED]
    )


if __name__ == "__main__":
    web.run_app(
        create_receiver(os.environ.get("WEBHOOK_SECRET", "")),
        host=os.environ.get("RECEIVER_HOST", "127.0.0.1"),
        port=int(os.environ.get("RECEIVER_PORT", "9000")),
        shutdown_timeout=0.1,  # a request that is made to hang must not hold up the stop
        access_log=None,
        print=None,
    )
