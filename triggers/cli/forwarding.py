"""Events as a webhook would get them, sent to a receiver of one's own: same body, same headers, signed alike."""

import time

import httpx
from msgspec import Struct

from triggers.cli.arrivals import Arrived
from triggers.events import Event, body_to_send
from triggers.webhook_requests import Request, headers_to_send


class Answered(Struct, frozen=True):
    """How a receiver answered, and in words. `status` None: it did not."""

    status: int | None
    words: str

    @property
    def taken(self) -> bool:
        """Whether it took the event."""
        return self.status is not None and 200 <= self.status <= 299


class Forwarder:
    """Sends events to one address, each with a signature of every secret, the newest first."""

    def __init__(self, url: str, secrets: tuple[str, ...], timeout_seconds: int) -> None:
        self._url = url
        self._secrets = secrets
        self._timeout_seconds = timeout_seconds
        # As the service does: no proxy, no redirect, no certificate but one that is trusted.
        self._client = httpx.Client(trust_env=False, timeout=timeout_seconds)

    def send(self, arrived: Arrived) -> Answered:
        """Send an event. Whatever the receiver does is an answer."""
        request = self._request(arrived)
        started = time.monotonic()
        try:
            answer = self._client.send(request, stream=True)
            answer.close()  # its status says all
        except httpx.TimeoutException:
            return Answered(None, f"no answer within {self._timeout_seconds} s")
        except httpx.TransportError as error:
            return Answered(None, _words(error))
        milliseconds = int((time.monotonic() - started) * 1000)
        return Answered(answer.status_code, f"{answer.status_code} in {milliseconds} ms")

    def _request(self, arrived: Arrived) -> httpx.Request:
        attempt = Request(
            url=self._url,
            secrets=self._secrets,
            timestamp=int(time.time()),
            event_id=arrived.event_id,
            correlation_id=arrived.correlation_id,
            body=body_to_send(_event_of(arrived)),
            timeout_seconds=self._timeout_seconds,
        )
        # Not made by the client, which would add headers of its own.
        headers = headers_to_send(attempt)
        return httpx.Request("POST", self._url, headers=headers, content=attempt.body)


def _event_of(arrived: Arrived) -> Event:
    return Event(
        event_id=arrived.event_id,
        event_type=arrived.event_type,
        source=arrived.source,
        metadata=arrived.metadata,
        correlation_id=arrived.correlation_id,
        payload=bytes(arrived.payload).decode(),
    )


def _words(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ConnectError):
        return f"no connection: {error}"
    return str(error) or "the connection was closed before an answer"
