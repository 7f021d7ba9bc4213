"""The address check, where the socket is made; and the names that lead there."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import TCPConnector
from aiohttp.resolver import AsyncResolver

from tests.raw_receivers import HOST, answer, answering, receiving
from tests.unit.http.sending import (
    NOT_ALLOWED,
    NOT_MADE,
    FakeNames,
    attempt,
    knowing_no_name,
    make_request,
    open_sender,
)
from triggers.http.sender import open_session
from triggers.retries import Verdict, verdict_of

NOT_FOUND = "the name was not found"

# Every way to write 127.0.0.1 and its like that some resolver or parser takes (B53).
SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "①②⑦.0.0.1",
]
ELSEWHERE = [
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
]


@pytest.fixture
async def no_names() -> AsyncIterator[AsyncResolver]:
    async with knowing_no_name() as resolver:
        yield resolver


@pytest.mark.parametrize("host", [*SPELLINGS, *ELSEWHERE])
async def test_b53_no_spelling_of_an_inner_address_is_connected_to(
    no_names: AsyncResolver, host: str
) -> None:
    async with receiving(answering(answer())) as receiver:
        url = f"http://{host}:{receiver.port}/"
        outcome = await attempt(url, allowed=(), resolver=no_names)
    assert outcome.error in (NOT_ALLOWED, NOT_FOUND, NOT_MADE)
    assert verdict_of(outcome) is Verdict.RETRY
    assert not outcome.timed_out
    assert not receiver.connections


INNER = [
    ["127.0.0.1"],
    ["169.254.169.254"],
    ["10.0.0.1"],
    ["::1"],
    ["::ffff:10.0.0.1"],
    ["fe80::1%eth0"],
    ["10.0.0.1", "::1", "192.168.0.1"],
]


@pytest.mark.parametrize("addresses", INNER, ids=" ".join)
async def test_a_name_that_leads_to_inner_addresses_only_is_refused(addresses: list[str]) -> None:
    outcome = await attempt("http://hook.example/", allowed=(), resolver=FakeNames(*addresses))
    assert outcome.error == NOT_ALLOWED


async def test_the_good_address_among_bad_ones_is_used() -> None:
    async with receiving(answering(answer())) as receiver:
        url = f"http://hook.example:{receiver.port}/"
        outcome = await attempt(url, resolver=FakeNames("127.0.0.2", "::1", HOST))
    assert outcome.status_code == 200


async def test_allowed_networks_are_let_through_and_no_others() -> None:
    async with receiving(answering(answer())) as receiver:
        assert (await attempt(receiver.url)).status_code == 200
        assert (await attempt(f"http://127.0.0.2:{receiver.port}/")).error == NOT_ALLOWED


async def test_f67_a_name_that_comes_to_mean_an_inner_address_is_refused() -> None:
    async with receiving(answering(answer())) as receiver:
        url = f"http://hook.example:{receiver.port}/"
        assert (await attempt(url, resolver=FakeNames(HOST))).status_code == 200
        assert (await attempt(url, resolver=FakeNames("127.0.0.2"))).error == NOT_ALLOWED


CODES = {"an empty answer": 0, "a server that fails": 2, "no such name": 3, "a refusal": 5}


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
async def test_f67_a_name_that_is_not_found_is_a_failure(code: int) -> None:
    async with knowing_no_name(code) as resolver:
        outcome = await attempt("http://hook.example/", resolver=resolver)
    assert (outcome.error, outcome.timed_out) == (NOT_FOUND, False)


async def test_f67_a_label_that_is_too_long_is_a_failure(no_names: AsyncResolver) -> None:
    outcome = await attempt(f"http://{64 * 'a'}.example/", resolver=no_names)
    assert outcome.error == NOT_FOUND


async def test_f67_a_look_up_that_hangs_is_given_up_in_time(no_names: AsyncResolver) -> None:
    outcome = await attempt("http://slow.example/", resolver=no_names, connect_seconds=0.2)
    assert (outcome.error, outcome.timed_out) == ("no connection within 0.2 seconds", True)


async def test_f67_look_ups_that_hang_do_not_hold_up_others(no_names: AsyncResolver) -> None:
    urls = [f"http://slow{number}.example/" for number in range(100)]
    async with open_session(connect_seconds=1, allowed=()) as session:
        connector = session.connector
        assert isinstance(connector, TCPConnector)
        assert isinstance(connector._resolver, AsyncResolver)
    async with open_sender(resolver=no_names) as sender, asyncio.TaskGroup() as group:
        hanging = [group.create_task(sender.send(make_request(url))) for url in urls]
        await asyncio.sleep(0)
        outcome = await sender.send(make_request("http://hook.example/"))
        assert outcome.error == NOT_FOUND
        assert not any(task.done() for task in hanging)


async def test_a_session_closes_its_resolver(no_names: AsyncResolver) -> None:
    async with open_sender(resolver=no_names):
        pass
    with pytest.raises(AttributeError):
        await no_names.resolve("hook.example")
