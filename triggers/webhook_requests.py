"""One attempt to deliver an event, as the request that its receiver gets. Pure."""

from msgspec import Struct

from triggers import VERSION
from triggers.signatures import sign
from triggers.webhook_headers import is_reserved

USER_AGENT = f"Triggers/{VERSION}"


class Request(Struct, frozen=True, kw_only=True):
    """One attempt to make. `timeout_seconds` bounds it from the look-up to the last byte read.

    `timestamp` is that of the attempt, in seconds; `headers` are the webhook's own.
    `replay` is the number of the replay that it belongs to; 0: none.
    """

    url: str
    secrets: tuple[str, ...]
    timestamp: int
    headers: dict[str, str] = {}
    event_id: str
    correlation_id: str
    body: bytes
    timeout_seconds: float
    replay: int = 0


def headers_to_send(request: Request) -> dict[str, str]:
    """Return the headers of a request, but for what the client adds. Ours win."""
    own = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": request.event_id,
        "webhook-timestamp": str(request.timestamp),
        "webhook-signature": sign(
            request.secrets, request.event_id, request.timestamp, request.body
        ),
        "x-correlation-id": request.correlation_id,
    }
    if request.replay:
        own["webhook-replay"] = str(request.replay)
    if not request.headers:
        return own
    return {name: v for name, v in request.headers.items() if not is_reserved(name)} | own
