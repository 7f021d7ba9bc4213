"""SQS behind the domain's ports: hints, and the announcements of exhausted deliveries."""

import asyncio
import logging
from collections.abc import Sequence

from triggers import telemetry
from triggers.aws import keys
from triggers.aws.batcher import Batcher
from triggers.aws.clients import RECEIVE_WAIT_SECONDS, Clients, calling
from triggers.aws.operations import (
    DELETE_MESSAGE_BATCH,
    RECEIVE_MESSAGE,
    SEND_MESSAGE_BATCH,
    EntriesAnswer,
    Message,
)
from triggers.errors import Overloaded, StoreUnavailable
from triggers.messages import (
    HINT_EVENTS_MAX,
    DeadLetter,
    Hint,
    MalformedMessage,
    decode_hint,
    encode_message,
)
from triggers.ports import ReceivedHint
from triggers.times import Clock

MESSAGES_MAX = 10  # AWS limit of a batch and of a receive
HINT_PACE_SECONDS = 0.01
DELETE_PACE_SECONDS = 0.2
WAITING_MAX = 20_000
FLIGHTS_MAX = 2
SEND_FLIGHTS_MAX = 4

_logger = logging.getLogger(__name__)


class QueueAddress:
    """The URL of a queue, asked for on first use, so that a process starts while SQS is away."""

    def __init__(self, clients: Clients, plain_name: str) -> None:
        self._sqs = clients.sqs_send
        self._name = clients.name(plain_name)
        self._url: str | None = None

    async def url(self) -> str:
        """Return the URL. Raises StoreUnavailable."""
        if self._url is None:
            with calling("GetQueueUrl"):
                self._url = (await self._sqs.get_queue_url(QueueName=self._name))["QueueUrl"]
        return self._url


class _Sender:
    """Sends messages to a queue in batches, each with a result of its own."""

    def __init__(self, clients: Clients, plain_name: str) -> None:
        self._address = QueueAddress(clients, plain_name)
        self._calls = clients.hot_sqs_send
        self._batcher: Batcher[Hint | DeadLetter, None] = Batcher(
            self._flush,
            batch_max=MESSAGES_MAX,
            flights_max=SEND_FLIGHTS_MAX,
            waiting_max=WAITING_MAX,
            tenant=_whose,
        )

    async def send(self, message: Hint | DeadLetter) -> None:
        """Send a message. Raises StoreUnavailable, Overloaded."""
        await self._batcher.submit(message)

    async def close(self) -> None:
        """Send what waits."""
        await self._batcher.close()

    async def _flush(self, messages: Sequence[Hint | DeadLetter]) -> list[Exception | None]:
        url = await self._address.url()
        with calling("SendMessageBatch"):
            entries = [
                {"Id": str(number), "MessageBody": encode_message(message)} | _group(message)
                for number, message in enumerate(messages)
            ]
            request = {"QueueUrl": url, "Entries": entries}
            answer = await self._calls.call(SEND_MESSAGE_BATCH, request)
            return _results(answer, len(messages))


class _HintPart:
    """An event to be hinted at. A class and not a tuple, since batches tell items by identity."""

    __slots__ = ("event_id", "tenant_id", "traceparent")

    def __init__(self, tenant_id: str, event_id: str, traceparent: str | None) -> None:
        self.tenant_id = tenant_id
        self.event_id = event_id
        self.traceparent = traceparent


class HintQueue:
    """Both ends of the `deliveries` queue."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._address = QueueAddress(clients, keys.DELIVERIES_QUEUE)
        self._sender = _Sender(clients, keys.DELIVERIES_QUEUE)
        self._delete_calls = clients.hot_sqs_send
        self._receive_calls = clients.hot_sqs_receive
        self._clock = clock
        self._parts: Batcher[_HintPart, None] = Batcher(
            self._send_parts,
            batch_max=MESSAGES_MAX * HINT_EVENTS_MAX,
            flights_max=FLIGHTS_MAX,
            waiting_max=WAITING_MAX,
            tenant=lambda part: part.tenant_id,
            pace_seconds=HINT_PACE_SECONDS,
        )
        self._deletes: Batcher[str, None] = Batcher(
            self._delete_handles,
            batch_max=MESSAGES_MAX,
            flights_max=FLIGHTS_MAX,
            waiting_max=WAITING_MAX,
            identity=lambda handle: handle,
            pace_seconds=DELETE_PACE_SECONDS,
        )

    def send(self, tenant_id: str, event_id: str, traceparent: str | None) -> None:
        """Hint that an event may be due. Neither waits nor raises: a lost hint is only a metric."""
        try:
            sent = self._parts.enqueue(_HintPart(tenant_id, event_id, traceparent))
        except Overloaded:
            telemetry.hints_lost.add(1)
        else:
            sent.add_done_callback(_count_if_lost)

    async def receive(self) -> Sequence[ReceivedHint]:
        """Wait for hints, up to 20 s; empty when there are none."""
        url = await self._address.url()
        with calling("ReceiveMessage"):
            request = {
                "QueueUrl": url,
                "MaxNumberOfMessages": MESSAGES_MAX,
                "WaitTimeSeconds": RECEIVE_WAIT_SECONDS,
            }
            answer = await self._receive_calls.call(RECEIVE_MESSAGE, request)
            return [_received(message) for message in answer.get("Messages", [])]

    def delete(self, handle: str) -> None:
        """Delete a message that has been dealt with. Neither waits nor raises: if lost, it comes again."""
        try:
            deleted = self._deletes.enqueue(handle)
        except Overloaded as error:
            _log_not_deleted(error)
        else:
            deleted.add_done_callback(_log_if_not_deleted)

    async def close(self) -> None:
        """Send and delete what waits."""
        await asyncio.gather(self._parts.close(), self._deletes.close())
        await self._sender.close()

    async def _send_parts(self, parts: Sequence[_HintPart]) -> list[Exception | None]:
        """Send the parts. A message that is lost is the loss of its own parts alone."""
        hints = _hints(parts, self._clock())
        results = await asyncio.gather(
            *(self._sender.send(hint) for hint in hints), return_exceptions=True
        )
        errors = {
            event: error
            for hint, error in zip(hints, results, strict=True)
            if isinstance(error, Exception)
            for event in hint.events
        }
        return [errors.get((part.tenant_id, part.event_id)) for part in parts]

    async def _delete_handles(self, handles: Sequence[str]) -> list[Exception | None]:
        # A handle that is refused is gone: deleted before, or received again by somebody else.
        url = await self._address.url()
        with calling("DeleteMessageBatch"):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle}
                for number, handle in enumerate(handles)
            ]
            request = {"QueueUrl": url, "Entries": entries}
            await self._delete_calls.call(DELETE_MESSAGE_BATCH, request)
        return [None] * len(handles)


class DeadLetterQueue:
    """The `dead-letters` queue."""

    def __init__(self, clients: Clients) -> None:
        self._sender = _Sender(clients, keys.DEAD_LETTERS_QUEUE)

    async def send(self, letter: DeadLetter) -> None:
        """Announce an exhausted delivery."""
        await self._sender.send(letter)

    async def close(self) -> None:
        """Send what waits."""
        await self._sender.close()


def _whose(message: Hint | DeadLetter) -> str | None:
    """Return the tenant of a message; None when it names events of several."""
    return None if isinstance(message, Hint) and message.others else message.tenant_id


def _group(message: Hint | DeadLetter) -> dict[str, str]:
    """Put a message into its tenant's group, which on a standard queue is SQS's fairness.

    Without a group it is to SQS of a tenant of its own (Developer Guide, "How Amazon SQS fair queues
    work"): so one that names events of several is held back for none of them.
    """
    tenant_id = _whose(message)
    return {} if tenant_id is None else {"MessageGroupId": tenant_id}


def _results(answer: EntriesAnswer, messages: int) -> list[Exception | None]:
    """Return what became of each message: sent only if the answer says so."""
    sent = {entry["Id"] for entry in answer.get("Successful", [])}
    codes = {entry["Id"]: entry["Code"] for entry in answer.get("Failed", [])}
    return [
        None
        if number in sent
        else StoreUnavailable(f"SendMessageBatch: {codes.get(number, 'incomplete answer')}")
        for number in map(str, range(messages))
    ]


def _hints(parts: Sequence[_HintPart], now_ms: int) -> list[Hint]:
    """Name the events of a tenant that has several in messages of its own, all others together."""
    by_tenant: dict[str, list[_HintPart]] = {}
    for part in parts:
        by_tenant.setdefault(part.tenant_id, []).append(part)
    lone = [line[0] for line in by_tenant.values() if len(line) == 1]
    lines = [line for line in by_tenant.values() if len(line) > 1]
    return [_hint(chunk, now_ms) for line in (lone, *lines) for chunk in _chunks(line)]


def _hint(parts: Sequence[_HintPart], now_ms: int) -> Hint:
    """Name events that are either all of one tenant or each of another."""
    tenant_id = parts[0].tenant_id
    return Hint(
        tenant_id=tenant_id,
        event_ids=tuple(part.event_id for part in parts if part.tenant_id == tenant_id),
        sent_ms=now_ms,
        traceparents={part.event_id: part.traceparent for part in parts if part.traceparent},
        others={p.tenant_id: (p.event_id,) for p in parts if p.tenant_id != tenant_id},
    )


def _chunks(parts: list[_HintPart]) -> list[list[_HintPart]]:
    return [parts[i : i + HINT_EVENTS_MAX] for i in range(0, len(parts), HINT_EVENTS_MAX)]


def _received(message: Message) -> ReceivedHint:
    handle = message["ReceiptHandle"]
    try:
        return ReceivedHint(hint=decode_hint(message["Body"]), handle=handle)
    except MalformedMessage as error:
        telemetry.log(_logger, "malformed hint", level=logging.ERROR, reason=str(error)[:200])
        return ReceivedHint(hint=None, handle=handle)


def _log_if_not_deleted(deleted: "asyncio.Future[None]") -> None:
    if not deleted.cancelled() and (error := deleted.exception()) is not None:
        _log_not_deleted(error)


def _log_not_deleted(error: BaseException) -> None:
    # It comes again, and is dropped as too old.
    telemetry.log(_logger, "hint not deleted", level=logging.WARNING, reason=str(error))


def _count_if_lost(sent: "asyncio.Future[None]") -> None:
    if not sent.cancelled() and sent.exception() is not None:
        telemetry.hints_lost.add(1)
