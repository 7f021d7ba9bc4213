"""The addresses that no webhook may reach, however they are spelled."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggers.networks import BLOCKED_IPV4, BLOCKED_IPV6, is_blocked, parse_networks

BAD_IPV4 = [
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.171",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
BAD_IPV6 = [
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::1%lo",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::FFFF:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]
NO_ADDRESSES = [
    "",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.0.0.01",
    "127.0.0.1.",
    " 127.0.0.1",
    "127.0.0.1\n",
    "127.0.0.1:80",
    "127.0.0.1/32",
    "１２７.0.0.1",
    "[::1]",
    "::1]",
    "8.8.8.8.8",
    "999.8.8.8",
]
GOOD = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "52.95.110.1",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "168.63.129.15",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a05:d018::1",
    "3ffe:ffff::1",
]


@pytest.mark.parametrize("address", BAD_IPV4 + BAD_IPV6)
def test_a_special_address_is_blocked(address: str) -> None:
    assert is_blocked(address)


@pytest.mark.parametrize("address", BAD_IPV4)
@pytest.mark.parametrize("form", ["::ffff:{}", "64:ff9b::{}", "::{}", "0:0:0:0:0:ffff:{}"])
def test_a_special_address_inside_another_is_blocked(address: str, form: str) -> None:
    assert is_blocked(form.format(address))


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_is_blocked(text: str) -> None:
    assert is_blocked(text)


@pytest.mark.parametrize("address", GOOD)
def test_a_public_address_is_let_through(address: str) -> None:
    assert not is_blocked(address)


@given(st.sampled_from(BLOCKED_IPV4 + BLOCKED_IPV6), st.integers(0, 2**128 - 1))
def test_every_address_of_every_blocked_network_is_blocked(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network, number: int
) -> None:
    assert is_blocked(str(network[number % network.num_addresses]))


@given(st.ip_addresses(v=6))
def test_nothing_outside_global_unicast_is_let_through(address: ipaddress.IPv6Address) -> None:
    in_global_unicast = address.packed[0] >> 5 == 1

    assert is_blocked(str(address)) or in_global_unicast or address.ipv4_mapped


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    assert is_blocked(text) in (True, False)


@pytest.mark.parametrize(
    ("address", "blocked"),
    [
        ("127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::1", False),
        ("127.1.0.1", True),
        ("10.0.0.1", True),
        ("localhost", True),
        ("fd00::1", True),
    ],
)
def test_development_lets_its_own_networks_through_and_no_other(
    address: str, *, blocked: bool
) -> None:
    allowed = parse_networks(["127.0.0.0/16", "::1/128"])

    assert is_blocked(address, allowed) is blocked


@pytest.mark.parametrize("text", ["", "127.0.0.1/8", "127.0.0.0/33", "loopback"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|network|host bits|CIDR|mask"):
        parse_networks([text])
