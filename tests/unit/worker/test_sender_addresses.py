"""The address check, where the socket is made; and the names that lead there."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from tests.receivers import HOST, answer, answering, receiving
from tests.unit.worker.sending import (
    LOOPBACK,
    NOT_ALLOWED,
    FakeNames,
    attempt,
    make_request,
    open_sender,
)
from triggers.retries import Verdict, verdict_of

NOT_FOUND = "the name was not found"
NOT_MADE = "the request could not be made"  # aiohttp itself sees no host in it

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
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNames]:
    names = FakeNames()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    yield names
    names.over.set()


@pytest.mark.parametrize("host", SPELLINGS)
async def test_b53_no_spelling_of_our_own_address_is_connected_to(host: str) -> None:
    async with receiving(answering(answer())) as receiver:
        outcome = await attempt(f"http://{host}:{receiver.port}/", allowed=())
    assert outcome.status_code is None
    assert outcome.error in (NOT_ALLOWED, NOT_FOUND, NOT_MADE)
    assert not receiver.connections


@pytest.mark.parametrize("host", ELSEWHERE)
async def test_no_spelling_of_an_inner_address_is_connected_to(host: str) -> None:
    outcome = await attempt(f"http://{host}/", allowed=())
    assert outcome.error in (NOT_ALLOWED, NOT_MADE)
    assert verdict_of(outcome) is Verdict.RETRY
    assert not outcome.timed_out


ADDRESSES = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:10.0.0.1", "fe80::1%eth0"]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_name_that_leads_to_an_inner_address_is_refused(
    names: FakeNames, address: str
) -> None:
    names.addresses["hook.example"] = [address]
    assert (await attempt("http://hook.example/", allowed=())).error == NOT_ALLOWED


async def test_a_name_all_of_whose_addresses_are_inner_ones_is_refused(names: FakeNames) -> None:
    names.addresses["hook.example"] = ["10.0.0.1", "::1", "192.168.0.1"]
    assert (await attempt("http://hook.example/", allowed=())).error == NOT_ALLOWED


async def test_the_good_address_among_bad_ones_is_used(names: FakeNames) -> None:
    names.addresses["hook.example"] = ["127.0.0.2", "::1", HOST]
    async with receiving(answering(answer())) as receiver:
        outcome = await attempt(f"http://hook.example:{receiver.port}/", allowed=LOOPBACK)
    assert outcome.status_code == 200


async def test_allowed_networks_are_let_through_and_no_others() -> None:
    async with receiving(answering(answer())) as receiver:
        assert (await attempt(receiver.url, allowed=LOOPBACK)).status_code == 200
        url = f"http://127.0.0.2:{receiver.port}/"
        assert (await attempt(url, allowed=LOOPBACK)).error == NOT_ALLOWED


async def test_f67_a_name_that_comes_to_mean_an_inner_address_is_refused(names: FakeNames) -> None:
    names.addresses["hook.example"] = [HOST]
    async with receiving(answering(answer())) as receiver:
        url = f"http://hook.example:{receiver.port}/"
        assert (await attempt(url)).status_code == 200
        names.addresses["hook.example"] = ["127.0.0.2"]
        assert (await attempt(url)).error == NOT_ALLOWED


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure"),
        socket.gaierror(socket.EAI_NODATA, "No address associated with hostname"),
    ],
    ids=["no such name", "no answer", "a broken one", "an empty one"],
)
async def test_f67_a_name_that_is_not_found_is_a_failure(
    names: FakeNames, error: Exception
) -> None:
    names.errors["hook.example"] = error
    outcome = await attempt("http://hook.example/")
    assert outcome.error == NOT_FOUND
    assert not outcome.timed_out


async def test_f67_a_label_that_is_too_long_is_a_failure() -> None:
    outcome = await attempt(f"http://{64 * 'a'}.example/")
    assert outcome.error is not None


async def test_f67_a_look_up_that_hangs_is_given_up_in_time(names: FakeNames) -> None:
    names.hanging.add("slow.example")
    outcome = await attempt("http://slow.example/", connect_seconds=0.2)
    assert outcome.error == "no connection in time"
    assert outcome.timed_out


async def test_f67_look_ups_that_hang_do_not_hold_up_others(names: FakeNames) -> None:
    names.hanging = {f"slow{number}.example" for number in range(20)}
    names.addresses["hook.example"] = [HOST]
    async with receiving(answering(answer())) as receiver, open_sender() as sender:
        hanging = [
            asyncio.create_task(sender.send(make_request(f"http://{name}/")))
            for name in names.hanging
        ]
        await asyncio.sleep(0)
        outcome = await sender.send(make_request(f"http://hook.example:{receiver.port}/"))
        await asyncio.gather(*hanging)
    assert outcome.status_code == 200
