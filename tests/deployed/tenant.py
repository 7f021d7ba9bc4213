"""A tenant of a running deployment: knows its address and a key, and does everything over HTTP."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import msgspec
import pytest
from msgspec import Struct
from standardwebhooks import Webhook as Verifier

from tests.deployed.journal import Journal
from tests.deployed.place import DeployedPlace

POLL_SECONDS = 0.1
PAGES_MAX = 50
REPEATABLE = frozenset({"GET", "PATCH", "DELETE"})
Seen = TypeVar("Seen")


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook of the run, for one type of event. `mark` ends the path of every request to it."""

    webhook_id: str
    event_type: str
    secret: str
    mark: str


class Received(Struct, frozen=True, kw_only=True):
    """A request, as the example receiver shows it."""

    received_ms: int
    path: str
    headers: dict[str, str]
    body: str
    status: int

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


class Tenant:
    """What the tests do, as one customer among others who may have the same key and receiver."""

    def __init__(
        self, place: DeployedPlace, client: httpx.AsyncClient, journal: Journal, seconds: float
    ) -> None:
        self.journal = journal
        self._place = place
        self._client = client
        self._seconds = seconds

    async def call(
        self, method: str, path: str, body: str | None = None, *, key: str = "", **headers: str
    ) -> httpx.Response:
        """Call the API, with another key if one is given; who is told to wait does, where that is safe."""
        own = {"authorization": f"Bearer {key or self._place.key}"}
        if body is not None:
            own["content-type"] = "application/json"
        own |= {name.replace("_", "-"): text for name, text in headers.items()}
        # After a 503 the call may have been done all the same.
        waits_for = {429, 503} if method in REPEATABLE or "idempotency_key" in headers else {429}
        until = time.monotonic() + self._seconds
        while True:
            answer = await self._client.request(
                method, self._place.api + path, content=body, headers=own
            )
            pause = float(answer.headers.get("retry-after", "1"))
            if answer.status_code not in waits_for or time.monotonic() + pause > until:
                return answer
            self.journal.told_to_wait[answer.status_code] += 1
            await asyncio.sleep(pause)

    async def ask(
        self, method: str, path: str, status: int, body: str | None = None, **headers: str
    ) -> Any:
        """Call the API, expect a status, and return the answer; None where it is empty."""
        answer = await self.call(method, path, body, **headers)
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    async def until(
        self, what: str, ask: Callable[[], Awaitable[Seen]], is_so: Callable[[Seen], object]
    ) -> Seen:
        """Ask again and again until it is so; fails with what was seen instead."""
        end = time.monotonic() + self._seconds
        while not is_so(seen := await ask()):
            if time.monotonic() > end:
                pytest.fail(f"{what}: not so within {self._seconds:g} s, but {seen}")
            await asyncio.sleep(POLL_SECONDS)
        return seen

    async def make_webhook(
        self, name: str, path: str = "/hook", retry: str | list[int] = "short"
    ) -> Webhook:
        """Make a webhook to a path of the receiver, for a type of event that only it is meant for."""
        event_type = f"{self.journal.name}.{name}"
        content = {
            "url": self._url(path, event_type),
            "event_types": [event_type],
            "retry": retry,
            "description": "made by make e2e, which takes it away",
        }
        made = await self.ask("POST", "/v1/webhooks", 201, msgspec.json.encode(content).decode())
        return Webhook(
            webhook_id=made["webhook_id"],
            event_type=event_type,
            secret=made["secret"],
            mark=f"run={event_type}",
        )

    async def redirect(self, webhook: Webhook, path: str) -> None:
        """Have a webhook go to another path of the receiver."""
        body = msgspec.json.encode({"url": self._url(path, webhook.event_type)}).decode()
        await self.ask("PATCH", f"/v1/webhooks/{webhook.webhook_id}", 200, body)

    async def take_webhooks_away(self) -> None:
        """Leave none of this run behind, not even one whose making was never confirmed."""
        listed = await self.ask("GET", "/v1/webhooks", 200)
        for webhook in listed["webhooks"]:
            if webhook["event_types"][0].startswith(f"{self.journal.name}."):
                answer = await self.call("DELETE", f"/v1/webhooks/{webhook['webhook_id']}")
                assert answer.status_code in {204, 404}, answer.text

    async def send(self, event_type: str, payload: str = '{"n": 1}') -> str:
        """Send an event; returns its id once it has been accepted."""
        body = f'{{"event_type": "{event_type}", "payload": {payload}}}'
        key = f"{event_type}.{secrets.token_hex(8)}"
        accepted = await self.ask("POST", "/v1/events", 202, body, idempotency_key=key)
        self.journal.sent.add(accepted["event_id"])
        return str(accepted["event_id"])

    async def comes_to(self, status: str, webhook: Webhook, event_id: str, attempts: int) -> Any:
        """Wait until a delivery has a status after so many attempts; returns the event."""

        def is_so(event: Any) -> bool:
            one = delivery(event, webhook)
            return (one.get("status"), one.get("attempts")) == (status, attempts)

        what = f"{event_id} {status} after {attempts} attempts"
        return await self.until(what, lambda: self.event(event_id), is_so)

    async def event(self, event_id: str) -> Any:
        """Return an event as the API shows it."""
        return await self.ask("GET", f"/v1/events/{event_id}", 200)

    async def listed(self, path: str, event_type: str) -> dict[str, Any]:
        """Return the events of one type, by their ids, from a list that may hold many others."""
        hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        query = {"event_type": event_type, "created_after": hour_ago, "limit": "100"}
        found: dict[str, Any] = {}
        for _ in range(PAGES_MAX):
            page = await self.ask("GET", f"{path}?{httpx.QueryParams(query)}", 200)
            found |= {event["event_id"]: event for event in page["events"]}
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]
        pytest.fail(f"GET {path} has more than {PAGES_MAX} pages of the last hour")

    async def received(self, webhook: Webhook) -> list[Received]:
        """Return what has come for a webhook, the oldest first, each verified as any receiver would."""
        answer = await self._client.get(f"{self._place.receiver}/requests")
        kept = msgspec.json.decode(answer.raise_for_status().content, type=list[Received])
        ours = [one for one in reversed(kept) if one.path.endswith(webhook.mark)]
        for one in ours:
            Verifier(webhook.secret).verify(one.body, one.headers)
            self.journal.verified.add((one.event_id, one.received_ms))
        return ours

    def _url(self, path: str, event_type: str) -> str:
        return f"{self._place.hook}{path}{'&' if '?' in path else '?'}run={event_type}"


def delivery(event: Any, webhook: Webhook) -> dict[str, Any]:
    """Return an event's delivery to a webhook; other webhooks may take the same event."""
    found = [one for one in event["deliveries"] if one["webhook_id"] == webhook.webhook_id]
    return found[0] if found else {}
