"""Which addresses a webhook may be sent to, judged on the resolved address. Pure.

An explicit list rather than `ipaddress.is_global`, which calls NAT64, 6to4 and multicast addresses
global and answers differently between Python versions.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# IANA's special-purpose registries, multicast, reserved, and the metadata address of one cloud.
BLOCKED_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Of IPv6 only global unicast is let through, and of that not these: special purpose, documentation,
# 6to4, AS112.
GLOBAL_IPV6 = IPv6Network("2000::/3")
BLOCKED_IPV6 = tuple(
    IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_CIDR = re.compile(r"[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?")
_MAPPED = IPv6Network("::ffff:0:0/96")


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks in CIDR notation. Raises ValueError with the one that is wrong."""
    return tuple(ip_network(text) for text in texts)


def issue_with_cidr(text: str) -> str | None:
    """Return what is wrong with a network that a caller sent, or None."""
    if not _CIDR.fullmatch(text):
        return "is not a CIDR such as 203.0.113.0/24 or 2001:db8::/32"
    try:
        network = ip_network(text)
    except ValueError as error:
        bits = "has bits set behind its prefix; they must be zero"
        return bits if "host bits" in str(error) else "is not a network"
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return "is an IPv4 network written as IPv6; write it as IPv4"
    return None


def canonical_cidr(text: str) -> str:
    """Return the one way to write a network in which nothing is wrong."""
    return str(ip_network(text))


def is_blocked(address: str, allowed: tuple[Network, ...] = ()) -> bool:
    """Tell whether a resolved address must not be connected to.

    `allowed` are networks let through all the same, for development. What is no address is blocked.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    plain = parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed
    if any(plain in network for network in allowed):
        return False
    if isinstance(plain, IPv4Address):
        return any(plain in network for network in BLOCKED_IPV4)
    return plain not in GLOBAL_IPV6 or any(plain in network for network in BLOCKED_IPV6)
