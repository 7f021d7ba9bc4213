"""`triggers listen`: what arrives is shown once; what is forwarded is never lost."""

import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.cli.program import Program, normal, stored
from tests.processes import Process, until
from tests.receiver import Holding, Received, Receiver, run_receiver
from triggers.cli.api import Api
from triggers.cli.arrivals import EVENTS, Arrivals
from triggers.cli.errors import NoAnswer, Problem, Refused
from triggers.cli.listening import PAUSE_SECONDS_MAX, listen_to
from triggers.cli.output import Output
from triggers.cli.targets import Target
from triggers.ids import make_event_id
from triggers.times import rfc3339

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAYLOAD = '{"order": 1.50, "text": "é\\u001b[2J"}'


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as running:
        yield running


def send(triggers: Program, event_type: str, *options: str) -> str:
    ran = triggers("events", "send", event_type, "-d", PAYLOAD, "--json", *options)
    return str(ran.document["event_id"])


def inbox(triggers: Program) -> list[str]:
    return [event["event_id"] for event in triggers("inbox", "list", "--json").documents]


async def listening(process: Process) -> None:
    await until(lambda: "listening" in process.printed or not process.is_alive)
    assert process.is_alive, process.printed


async def ended(process: Process) -> str:
    process.send(signal.SIGINT)
    assert await process.end() == 0, process.printed
    return process.printed


async def test_what_arrives_from_now_on_is_shown(triggers: Program) -> None:
    send(triggers, "order.before")
    with triggers.started("listen", "--type", "order.*") as process:
        await listening(process)
        send(triggers, "order.created", "--source", "sh\nop")
        send(triggers, "report.ready")
        last = send(triggers, "order.paid")
        await until(lambda: last in process.printed)
        printed = await ended(process)
    assert normal(printed) == stored("listen", printed)


async def test_what_is_forwarded_is_what_a_webhook_would_send(
    triggers: Program, receiver: Receiver
) -> None:
    content = {"url": receiver.url("/webhook"), "event_types": ["paid.*"], "secret": SECRET}
    triggers.call("POST", "/v1/webhooks", content)
    refusals = iter([503, 404])

    async def fail_first(received: Received) -> int:
        return next(refusals, 200)

    receiver.behaviours["/hook"] = fail_first
    options = ("listen", "--forward", receiver.url("/hook"), "--json")
    with triggers.started(*options, TRIGGERS_WEBHOOK_SECRET=SECRET) as process:
        await listening(process)
        ours, theirs = send(triggers, "order.created"), send(triggers, "paid.order.1")
        await receiver.has(ours, theirs)
        await until(lambda: ours not in inbox(triggers))
        printed = await ended(process)
    assert receiver.counts("/hook") == {ours: 3}
    assert "503 in " in printed
    assert "404 in " in printed
    assert "1 forwarded and acknowledged\n" in printed
    forwarded, delivered = receiver.of(ours)[-1], receiver.of(theirs)[0]
    forwarded.verify(SECRET)
    assert forwarded.headers.keys() == delivered.headers.keys()
    assert PAYLOAD.encode() in forwarded.body
    assert _without_own(forwarded) == _without_own(delivered)


def _without_own(received: Received) -> bytes:
    """Return a body without what differs from event to event."""
    _, _, tail = received.body.partition(b'"source"')
    return tail.partition(b'"created_at":')[0] + tail.partition(b',"metadata"')[2]


async def test_a_kill_while_the_receiver_works_loses_nothing(
    triggers: Program, receiver: Receiver
) -> None:
    holding = receiver.behaviours["/hook"] = Holding()
    options = ("listen", "--forward", receiver.url("/hook"))
    with triggers.started(*options) as process:
        await listening(process)
        event_id = send(triggers, "order.created")
        await until(lambda: holding.held)
        process.kill()
    holding.release()
    assert inbox(triggers) == [event_id]
    with triggers.started(*options, "--waiting") as process:
        await until(lambda: not inbox(triggers))
        await ended(process)
    assert receiver.counts() == {event_id: 2}


async def test_ctrl_c_waits_for_the_receiver_and_the_acknowledgement(
    triggers: Program, receiver: Receiver
) -> None:
    holding = receiver.behaviours["/hook"] = Holding()
    with triggers.started("listen", "--forward", receiver.url("/hook")) as process:
        await listening(process)
        send(triggers, "order.created")
        await until(lambda: holding.held)
        process.send(signal.SIGINT)
        await until(lambda: "ending with this one" in process.printed)
        holding.release()
        assert await process.end() == 0
        assert process.printed.endswith("1 forwarded and acknowledged\n")
    assert inbox(triggers) == []


async def test_a_receiver_that_is_away_is_asked_for_all_at_once(
    triggers: Program, receiver: Receiver
) -> None:
    send(triggers, "order.created"), send(triggers, "order.paid")
    nobody = ("listen", "--waiting", "--forward", "http://127.0.0.1:1/hook")
    with triggers.started(*nobody) as process:
        await until(lambda: "again in 2 s" in process.printed)
        printed = await ended(process)
    assert "no connection" in printed
    assert "2 not taken, and waiting in the inbox" in printed
    assert len(inbox(triggers)) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--waiting",), "go with --forward"),
        (("--forward", "ftp://127.0.0.1"), "--forward: an address begins"),
        (("--forward", "http://u:p@127.0.0.1/"), "--forward: has a user"),
        (("--forward", "http://127.0.0.1/", "--secret", SECRET), "takes no text"),
        (("--forward", "http://127.0.0.1/", "--secret", "-"), "the secret does not start"),
    ],
)
def test_wrong_options_are_named_and_no_secret_is_repeated(
    triggers: Program, options: tuple[str, ...], said: str
) -> None:
    ran = triggers("listen", *options, text="c2VjcmV0")
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert "c2VjcmV0" not in ran.err


def _event(accepted_ms: int, number: int) -> dict[str, Any]:
    texts = dict.fromkeys(("event_type", "status", "correlation_id"), "x")
    texts["created_at"] = rfc3339(accepted_ms)
    event_id = make_event_id(accepted_ms, 1, lambda _: number << 8)
    return {"event_id": event_id, "source": None, "metadata": {}, "deliveries": []} | texts


def test_events_of_one_millisecond_and_late_ones_come_once_each() -> None:
    now = 1_795_000_000_000
    moments = (now, now, now, now - 15_000, now + 60_000)
    events = [_event(moment, number) for number, moment in enumerate(moments)]
    lists = iter([events[:1], events[:1], events[:2], [events[3], *events[:3]], events])

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"events": next(lists), "next_cursor": None})

    transport = httpx.MockTransport(answer)
    api = Api(Target(api="http://x"), notify=print, transport=transport)
    arrivals = Arrivals(api, EVENTS, types=(), query={})
    arrivals.begin_now()
    came = [[one[0].event_id for page in arrivals.fresh() for one in page] for _ in range(3)]
    expected = [[events[1]], [events[3], events[2]], [events[4]]]
    assert came == [[event["event_id"] for event in some] for some in expected]


def test_what_came_does_not_come_again_when_later_ones_leave_the_inbox() -> None:
    now = 1_795_000_000_000
    first, second, third = (_event(now + 15_000 * number, number) for number in range(3))
    waiting = iter([[first], [first, second, third], [first, second], [first, second]])

    def answer(request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("created_after", "")
        events = [one for one in next(waiting) if one["created_at"] > after]
        return httpx.Response(200, json={"events": events, "next_cursor": None})

    api = Api(Target(api="http://x"), notify=print, transport=httpx.MockTransport(answer))
    arrivals = Arrivals(api, "/v1/inbox", types=(), query={})
    came = [one[0].event_id for _ in range(4) for page in arrivals.fresh() for one in page]
    assert came == [event["event_id"] for event in (first, second, third)]


class Failing:
    """A source that comes, is away for a moment, and then refuses."""

    summary, pause_seconds = "", None

    def __init__(self) -> None:
        self._steps: Iterator[Exception | bool] = iter(
            [
                True,
                NoAnswer("away"),
                Refused(Problem(status=503), b"{}", "", None),
                False,
                Refused(Problem(status=401), b"{}", "", None),
            ]
        )

    def go_on(self) -> bool:
        step = next(self._steps)
        if isinstance(step, Exception):
            raise step
        return step


def test_a_service_that_is_away_is_asked_again_and_a_refusal_ends_it() -> None:
    paused: list[float] = []
    with pytest.raises(Refused) as refused:
        listen_to(Failing(), Output(as_json=True), sleep=paused.append)
    assert refused.value.status == 401
    assert paused.count(PAUSE_SECONDS_MAX) == 2
