"""From where a request comes: the rightmost address that no trusted proxy vouches for."""

import pytest

from app.addresses import HOPS_MAX, address_of, client_address, is_allowed, parse_address
from triggers.networks import parse_networks

TRUSTED = parse_networks(("10.0.0.0/8", "fd00::/8"))
BALANCER = "10.0.0.1"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7\t", "203.0.113.7"),
        ("203.0.113.7:49152", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:49152", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:cb00:7107]:1", "203.0.113.7"),
        *(
            (text, None)
            for text in (
                *(
                    "",
                    "unknown",
                    "_hidden",
                    "203.0.113",
                    "203.0.113.256",
                    "0203.0.113.7",
                    "3405803783",
                ),
                *("203.0.113.7:", "203.0.113.7:x", "203.0.113.7:123456", "[2001:db8::1", "[]:1"),
                *(
                    "fe80::1%eth0",
                    "2001:db8::1]:1",
                    "203.0.113.7, 1",
                    '"203.0.113.7"',
                    "２０３.0.113.7",
                ),
            )
        ),
    ],
)
def test_an_address_is_read_as_proxies_write_it(text: str, address: str | None) -> None:
    found = parse_address(text)

    assert (str(found) if found else None) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        # Nobody vouches for the header: it is ignored.
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("203.0.113.7", ["garbage"], "203.0.113.7"),
        ("", ["198.51.100.1"], None),
        # The balancer appends who connected to it; what stands before, that one wrote.
        (BALANCER, ["203.0.113.7"], "203.0.113.7"),
        (BALANCER, ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (BALANCER, ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        (BALANCER, ["garbage, 203.0.113.7:4711"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        # More trusted proxies in a row.
        (BALANCER, ["203.0.113.7, fd00::2, 10.1.2.3"], "203.0.113.7"),
        (BALANCER, ["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
        (BALANCER, [], BALANCER),
        # What is no address ends the search.
        *(
            (BALANCER, [text], None)
            for text in (
                "",
                "unknown",
                "203.0.113.7, unknown",
                "203.0.113.7,",
                "203.0.113.7, ,10.1.1.1",
            )
        ),
    ],
)
def test_the_client_is_the_rightmost_that_is_not_trusted(
    peer: str, forwarded: list[str], address: str | None
) -> None:
    found = address_of(peer, forwarded, TRUSTED)

    assert (str(found) if found else None) == address


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert str(address_of(BALANCER, ["203.0.113.7"], ())) == BALANCER


def test_an_endless_row_of_proxies_is_not_followed() -> None:
    assert address_of(BALANCER, ["203.0.113.7" + ", 10.0.0.2" * HOPS_MAX], TRUSTED) is None


def test_a_scope_without_a_peer_has_no_address() -> None:
    assert client_address({"client": None, "headers": []}, TRUSTED) is None


@pytest.mark.parametrize(
    ("address", "cidrs", "allowed"),
    [
        ("203.0.113.7", (), True),
        ("", (), True),
        ("203.0.113.7", ("203.0.113.0/24",), True),
        ("203.0.113.7", ("2001:db8::/32", "203.0.113.7/32"), True),
        ("203.0.114.7", ("203.0.113.0/24",), False),
        ("2001:db8::1", ("0.0.0.0/0",), False),
        ("2001:db8::1", ("::/0",), True),
        ("203.0.113.7", ("::/0",), False),
        ("", ("0.0.0.0/0", "::/0"), False),
    ],
)
def test_a_key_is_used_from_its_networks_alone(
    address: str, cidrs: tuple[str, ...], *, allowed: bool
) -> None:
    assert is_allowed(parse_address(address), cidrs) is allowed
