"""What is kept beside the events: attempts, the backlog, dead letters; and whether all is there."""

import asyncio

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, make_attempt, make_event, make_outcome, make_webhook
from triggers.attempts import Attempt, AttemptPage, position_of
from triggers.messages import DeadLetter

TENANT, OTHER = "ten_0000000000000001", "ten_0000000000000002"
EXPIRES_S = 2**32  # the emulator deletes what has expired by the true clock


async def test_attempts_are_read_newest_first(open_outside: OpenOutside) -> None:
    event_id = make_event().event_id
    one, two = make_webhook().webhook_id, make_webhook().webhook_id
    kept = [
        make_attempt(event_id=event_id, webhook_id=one, number=1, started_ms=NOW_MS),
        make_attempt(event_id=event_id, webhook_id=two, number=1, started_ms=NOW_MS + 1),
        make_attempt(event_id=event_id, webhook_id=one, number=2, started_ms=NOW_MS + 2),
        make_attempt(event_id=event_id, webhook_id=one, number=10, started_ms=NOW_MS + 3),
        make_attempt(event_id=event_id, webhook_id=two, number=2, started_ms=NOW_MS + 4),
    ]
    async with open_outside() as outside:
        attempts = outside.resources.attempts
        for attempt in (kept[2], kept[0], kept[4], kept[3], kept[1]):
            await attempts.record(TENANT, attempt, expires_s=EXPIRES_S)

        assert await attempts.read(TENANT, event_id) == kept[::-1]


async def test_an_attempt_keeps_its_outcome(open_outside: OpenOutside) -> None:
    outcomes = [
        make_outcome(200, duration_ms=1),
        make_outcome(503, retry_after_seconds=90, excerpt="<b>“ünwell”</b>\n\x7f 😀"),
        make_outcome(None, error="timed out", timed_out=True),
        make_outcome(500, excerpt="x" * 4_096),
    ]
    async with open_outside() as outside:
        attempts = outside.resources.attempts
        for outcome in outcomes:
            attempt = make_attempt(outcome=outcome)
            await attempts.record(TENANT, attempt, expires_s=EXPIRES_S)

            assert await attempts.read(TENANT, attempt.event_id) == [attempt]


async def test_the_same_attempt_again_overwrites(open_outside: OpenOutside) -> None:
    first = make_attempt()
    again = make_attempt(
        event_id=first.event_id, webhook_id=first.webhook_id, outcome=make_outcome(504)
    )
    async with open_outside() as outside:
        attempts = outside.resources.attempts
        await attempts.record(TENANT, first, expires_s=EXPIRES_S)
        await attempts.record(TENANT, again, expires_s=EXPIRES_S)

        assert await attempts.read(TENANT, first.event_id) == [again]


async def test_attempts_are_their_events_and_their_tenants_alone(
    open_outside: OpenOutside,
) -> None:
    attempt = make_attempt()
    async with open_outside() as outside:
        attempts = outside.resources.attempts
        await attempts.record(TENANT, attempt, expires_s=EXPIRES_S)

        assert await attempts.read(TENANT, make_event().event_id) == []
        assert await attempts.read(OTHER, attempt.event_id) == []


async def test_many_attempts_with_long_answers_are_read_whole(open_outside: OpenOutside) -> None:
    event_id = make_event().event_id
    kept = [
        make_attempt(
            event_id=event_id,
            webhook_id=f"wh_{webhook:020d}",
            number=number,
            started_ms=NOW_MS + 100 * number + webhook,
            outcome=make_outcome(500, excerpt="x" * 4_096),
        )
        for number in range(1, 13)
        for webhook in range(50)
    ]
    async with open_outside() as outside:
        attempts = outside.resources.attempts
        await asyncio.gather(*(attempts.record(TENANT, a, expires_s=EXPIRES_S) for a in kept))

        assert await attempts.read(TENANT, event_id) == kept[::-1]


async def test_the_attempts_of_a_webhook_are_read_newest_first_page_by_page(
    open_outside: OpenOutside,
) -> None:
    webhook_id = make_webhook().webhook_id
    kept = [
        make_attempt(
            event_id=make_event().event_id,
            webhook_id=webhook_id,
            number=number,
            started_ms=NOW_MS + number,
        )
        for number in range(1, 6)
    ]
    async with open_outside() as outside:
        attempts = outside.resources.attempts
        strange = (make_attempt(started_ms=NOW_MS + 9), make_attempt(started_ms=NOW_MS))
        for attempt in (*kept, *strange):
            await attempts.record(TENANT, attempt, expires_s=EXPIRES_S)

        read: list[Attempt] = []
        after = None
        for wanted in (2, 2, 1):
            page = await attempts.read_of_webhook(TENANT, webhook_id, after=after, limit=2)
            assert len(page.attempts) == wanted
            read += page.attempts
            after = page.position

        assert read == kept[::-1]
        assert after is None
        for other in ((OTHER, webhook_id), (TENANT, make_webhook().webhook_id)):
            page = await attempts.read_of_webhook(*other, after=None, limit=2)
            assert page == AttemptPage(attempts=(), position=None)


async def test_attempts_of_a_webhook_at_one_moment_are_each_read_once(
    open_outside: OpenOutside,
) -> None:
    webhook_id = make_webhook().webhook_id
    kept = [make_attempt(webhook_id=webhook_id, number=number) for number in (1, 1, 1, 2, 3)]
    async with open_outside() as outside:
        attempts = outside.resources.attempts
        await asyncio.gather(*(attempts.record(TENANT, a, expires_s=EXPIRES_S) for a in kept))

        page = await attempts.read_of_webhook(TENANT, webhook_id, after=None, limit=2)
        read = [*page.attempts]
        while page.position is not None:
            page = await attempts.read_of_webhook(TENANT, webhook_id, after=page.position, limit=2)
            read += page.attempts

        assert sorted(read, key=position_of) == sorted(kept, key=position_of)


async def test_a_marker_of_the_backlog_stands_until_the_next(open_outside: OpenOutside) -> None:
    webhook_id = make_webhook().webhook_id
    first, second = make_event().event_id, make_event().event_id
    async with open_outside() as outside:
        backlog = outside.resources.backlog
        await backlog.mark(TENANT, webhook_id, first, "failed", expires_s=EXPIRES_S)
        await backlog.mark(TENANT, webhook_id, second, "held", expires_s=EXPIRES_S)
        await backlog.mark(TENANT, webhook_id, first, "held", expires_s=EXPIRES_S)

        assert await outside.read_backlog(TENANT, webhook_id) == {first: "held", second: "held"}
        assert await outside.read_backlog(OTHER, webhook_id) == {}


async def test_a_dead_letter_can_be_read(open_outside: OpenOutside) -> None:
    letters = [
        DeadLetter(
            tenant_id=TENANT,
            event_id=make_event().event_id,
            webhook_id=make_webhook().webhook_id,
            attempts=12,
            last_error=error,
            failed_ms=NOW_MS,
        )
        for error in ("receiver answered 500", None)
    ]
    async with open_outside() as outside:
        await asyncio.gather(*(outside.resources.dead_letters.send(letter) for letter in letters))

        found = await outside.read_dead_letters()

    assert sorted(found, key=str) == sorted(letters, key=str)


async def test_all_is_reachable(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        await outside.resources.reachable.check()
        await outside.resources.reachable.check_queues()
