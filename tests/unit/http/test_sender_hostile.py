"""Every receiver is hostile; whatever it does is an outcome, in time."""

import asyncio
import gzip
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.processes import until
from tests.raw_receivers import (
    Behaviour,
    Connection,
    answer,
    answering,
    deafness,
    dripping,
    flooding,
    never_accepting,
    receiving,
    resetting,
    saying,
    saying_before_reading,
    silence,
)
from tests.unit.http.sending import (
    CLOSED,
    NO_ANSWER,
    NOT_HTTP,
    TIMEOUT_SECONDS,
    attempt,
    make_request,
    open_sender,
    outcome_of,
)
from triggers.attempts import EXCERPT_BYTES_MAX
from triggers.http.sender import KEEPALIVE_SECONDS
from triggers.retries import Verdict, verdict_of

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LARGE = b'"' + 400 * 1024 * b"x" + b'"'
SAID = 1000  # bytes, more than there are
SOON_SECONDS = KEEPALIVE_SECONDS / 2  # well before an idle connection ends by itself


async def test_f60_a_receiver_that_never_accepts_is_given_up_in_time() -> None:
    with never_accepting() as url:
        outcome = await attempt(url, connect_seconds=0.2)
    assert outcome.error == "no connection within 0.2 seconds"
    assert outcome.timed_out
    assert verdict_of(outcome) is Verdict.RETRY


@pytest.mark.parametrize("body", [b"{}", LARGE], ids=["a small body", "a large body"])
@pytest.mark.parametrize("behaviour", [silence, deafness])
async def test_f61_a_receiver_that_never_answers_is_given_up_in_time(
    behaviour: Behaviour, body: bytes
) -> None:
    outcome = await outcome_of(behaviour, body=body)
    assert outcome.error == NO_ANSWER
    assert outcome.timed_out
    assert outcome.duration_ms == pytest.approx(1000 * TIMEOUT_SECONDS, abs=500)


@pytest.mark.parametrize("drip", [OK + b"X: " + 99 * b"y", CONTINUE, b"\r\n"])
async def test_f62_a_head_that_drips_is_given_up_in_time(drip: bytes) -> None:
    outcome = await outcome_of(dripping(b"", drip))
    assert outcome.error in (NO_ANSWER, NOT_HTTP)


@pytest.mark.parametrize("status", [200, 500])
async def test_f62_a_body_that_drips_leaves_the_status_as_it_is(status: int) -> None:
    outcome = await outcome_of(dripping(answer(status, length=SAID), b"drip "))
    assert outcome.status_code == status
    assert not outcome.timed_out
    assert outcome.excerpt.startswith("drip drip")


@pytest.mark.parametrize("say", [saying, resetting])
@pytest.mark.parametrize("data", [b"", b"HTTP", OK, OK + b"Content-Len"])
async def test_f63_a_connection_that_ends_before_the_head_does_is_a_failure(
    say: Callable[[bytes], Behaviour], data: bytes
) -> None:
    outcome = await outcome_of(say(data))
    assert (outcome.status_code, outcome.error) == (None, CLOSED)
    assert not outcome.timed_out


@pytest.mark.parametrize("say", [saying, resetting])
@pytest.mark.parametrize("status", [200, 500])
async def test_f63_a_body_that_breaks_off_leaves_the_status_as_it_is(
    say: Callable[[bytes], Behaviour], status: int
) -> None:
    outcome = await outcome_of(say(answer(status, b"half", length=SAID)))
    assert outcome.status_code == status
    assert outcome.excerpt in ("half", "")


ENDLESS = [
    (OK + b"\r\n", 65_536 * b"x"),
    (answer(200, length=10**18), 65_536 * b"x"),
    (OK + CHUNKED, b"1000\r\n" + 4096 * b"x" + b"\r\n"),
    (OK + CHUNKED, 1000 * b"1\r\nx\r\n"),
]


@pytest.mark.parametrize(("start", "flood"), ENDLESS)
async def test_f64_an_endless_body_is_cut_off(start: bytes, flood: bytes) -> None:
    async with receiving(flooding(start, flood)) as receiver:
        outcome = await attempt(receiver.url)
        await until(lambda: receiver.ended)
    assert outcome.excerpt == EXCERPT_BYTES_MAX * "x"
    assert outcome.duration_ms < 1000 * TIMEOUT_SECONDS


async def test_f64_a_compressed_body_is_not_unpacked() -> None:
    bomb = gzip.compress(10_000_000 * b"0")
    outcome = await outcome_of(saying(answer(200, bomb, "Content-Encoding: gzip")))
    assert verdict_of(outcome) is Verdict.DELIVERED
    assert "000" not in outcome.excerpt


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd, gzip", "nonsense"])
async def test_f64_an_encoding_that_is_none_does_no_harm(encoding: str) -> None:
    outcome = await outcome_of(saying(answer(200, b"plain", f"Content-Encoding: {encoding}")))
    assert (outcome.status_code, outcome.excerpt) == (200, "plain")


HEADERS = {
    "an endless status line": (b"HTTP/1.1 200 ", 65_536 * b"y"),
    "an endless header": (OK + b"X: ", 65_536 * b"y"),
    "endless headers": (OK, 1000 * b"X: y\r\n"),
    "endless folding": (OK + b"X: y\r\n", 1000 * b" y\r\n"),
    "endless blank lines": (b"", 1000 * b"\r\n"),
    "endless garbage": (b"", 65_536 * b"y"),
}


@pytest.mark.parametrize(("start", "flood"), HEADERS.values(), ids=HEADERS)
async def test_f64_huge_and_endless_headers_are_cut_off(start: bytes, flood: bytes) -> None:
    async with receiving(flooding(start, flood)) as receiver:
        outcome = await attempt(receiver.url)
        await until(lambda: receiver.ended)
    assert (outcome.status_code, outcome.error) == (None, NOT_HTTP)


@pytest.mark.parametrize("body", [b"{}", LARGE], ids=["a small body", "a large body"])
async def test_an_answer_that_does_not_wait_for_the_body_counts(body: bytes) -> None:
    outcome = await outcome_of(saying_before_reading(answer(200, b"early")), body=body)
    assert (outcome.status_code, outcome.excerpt) == (200, "early")
    assert outcome.duration_ms < 1000 * TIMEOUT_SECONDS


async def test_a_connection_on_which_a_request_is_half_sent_is_not_used_again() -> None:
    early = saying_before_reading(answer(200, b"early"))
    async with receiving(early) as receiver, open_sender() as sender:
        request = make_request(receiver.url, body=50 * LARGE)  # more than the kernel takes
        outcomes = [await sender.send(request) for _ in range(2)]
    assert [outcome.status_code for outcome in outcomes] == [200, 200]
    assert len(receiver.connections) == 2


@pytest.mark.parametrize(
    "status", ["", "0", "20", "99", "1000", "-200", "+200", "2OO", "200200", "200.0", "0xC8"]
)
async def test_b70_a_status_that_is_none_is_a_failure(status: str) -> None:
    outcome = await outcome_of(saying(answer(status)))
    assert (outcome.status_code, outcome.error) == (None, NOT_HTTP)


@pytest.mark.parametrize("status", ["000", "101", "600", "999"])
async def test_b70_a_status_that_means_nothing_is_a_failure(status: str) -> None:
    outcome = await outcome_of(saying(f"HTTP/1.1 {status} Odd\r\n\r\n".encode()))
    assert outcome.status_code == int(status)
    assert outcome.error is None
    assert verdict_of(outcome) is Verdict.RETRY


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("status", [100, 102, 103, 199])
async def test_b70_informational_answers_without_end_are_given_up(status: int, end: str) -> None:
    flood = f"HTTP/1.1 {status} Wait{end}Link: x{end}{end}".encode()
    outcome = await outcome_of(flooding(b"", 2000 * flood), timeout_seconds=30)
    assert (outcome.status_code, outcome.error) == (None, NOT_HTTP)


async def test_b70_some_informational_answers_before_the_one_that_counts_are_fine() -> None:
    outcome = await outcome_of(saying(3 * CONTINUE + answer(200, b"at last")))
    assert (outcome.status_code, outcome.excerpt) == (200, "at last")


@pytest.mark.parametrize("status", [204, 304])
async def test_b70_a_body_where_there_may_be_none_leaves_the_status_as_it_is(status: int) -> None:
    async with receiving(answering(answer(status, b"hello"))) as receiver, open_sender() as sender:
        for _ in range(3):
            outcome = await sender.send(make_request(receiver.url))
            assert (outcome.status_code, outcome.error) == (status, None)


@pytest.mark.parametrize("status", [200, 500])
async def test_b70_a_broken_body_in_one_packet_with_the_head_leaves_the_status_as_it_is(
    status: int,
) -> None:
    head = f"HTTP/1.1 {status} Fine\r\n".encode()
    outcome = await outcome_of(saying(head + CHUNKED + b"3\r\nabc\r\nnonsense\r\n"))
    assert (outcome.status_code, outcome.excerpt) == (status, "abc")


async def test_b70_answers_that_nobody_asked_for_end_the_connection() -> None:
    async with (
        receiving(flooding(b"", 2000 * answer(200, b"x"))) as receiver,
        open_sender() as sender,
    ):
        for _ in range(2):
            outcome = await sender.send(make_request(receiver.url))
            assert (outcome.status_code, outcome.excerpt) == (200, "x")
        await until(lambda: receiver.ended == 2, SOON_SECONDS)


async def test_b70_answers_in_idle_time_end_the_connection() -> None:
    idle = asyncio.Event()

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer(200))
        await idle.wait()
        await connection.write(2000 * answer(500))
        await connection.until_closed()

    async with receiving(behave) as receiver, open_sender() as sender:
        assert (await sender.send(make_request(receiver.url))).status_code == 200
        idle.set()
        await until(lambda: receiver.ended == 1, SOON_SECONDS)


GARBAGE = {
    "words": b"garbage\r\n\r\n",
    "a page without a head": b"<html><body>HTTP/1.1 200 OK</body></html>",
    "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n",
    "another version": b"HTTP/9.9 200 OK\r\n\r\n",
    "another name": b"ICY 200 OK\r\n\r\n",
    "HTTP/2": b"\0\0\x12\4\0\0\0\0\0",
    "a TLS alert": b"\x15\3\1\0\2\2\x46",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a negative length": OK + b"Content-Length: -3\r\n\r\nabc",
    "a length without end": OK + b"Content-Length: " + 30 * b"9" + b"\r\n\r\nabc",
    "a length and chunks": OK + b"Content-Length: 3\r\n" + CHUNKED + b"0\r\n\r\n",
    "a NUL in a header": OK + b"X: a\0b\r\n\r\n",
    "a request": b"POST / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_b71_garbage_instead_of_http_is_a_failure(garbage: bytes) -> None:
    outcome = await outcome_of(saying(garbage))
    assert (outcome.status_code, outcome.error) == (None, NOT_HTTP)


PIECES = [
    b"HTTP/1.1 ",
    b"200",
    b" ",
    b"\r\n",
    b"\n",
    b"\r",
    b"Content-Length: 3",
    CHUNKED,
    b"3\r\nabc",
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=50)).map(b"".join))
async def test_b71_whatever_a_receiver_says_is_an_outcome(garbage: bytes) -> None:
    outcome = await outcome_of(saying(garbage))
    assert (outcome.status_code is None) == (outcome.error is not None)


HARMFUL = {
    "colours": (b"\x1b[31mred\x1b[0m", "�[31mred�[0m"),
    "a bell, a NUL, a return": (b"a\a\0\rb", "a���b"),
    "a line that turns around": ("a\u202eb\u2066c".encode(), "a�b�c"),
    "C1 controls": ("a\x9b31mb".encode(), "a�31mb"),
    "not UTF-8": (b"caf\xe9 \xff\xfe", "caf� ��"),
    "lone surrogates": (b"\xed\xa0\x80", "���"),
    "markup, which is text": (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    "lines and letters": ("a\n\tä€😀".encode(), "a\n\tä€😀"),
}


@pytest.mark.parametrize(("body", "excerpt"), HARMFUL.values(), ids=HARMFUL)
async def test_b73_the_body_is_made_harmless(body: bytes, excerpt: str) -> None:
    assert (await outcome_of(answering(answer(500, body)))).excerpt == excerpt


@pytest.mark.parametrize("unit", [b"x", b"\xff", b"\0", "€".encode(), "😀".encode()])
@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
async def test_b73_no_more_than_4_kb_of_it_are_kept(before: bytes, unit: bytes) -> None:
    outcome = await outcome_of(answering(answer(500, before + 10_000 * unit)))
    assert EXCERPT_BYTES_MAX - 4 <= len(outcome.excerpt.encode()) <= EXCERPT_BYTES_MAX
