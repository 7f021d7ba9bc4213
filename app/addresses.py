"""From which address a request comes. Pure.

It is the rightmost untrusted one of `X-Forwarded-For`, which counts only when a trusted proxy has
sent it: what stands further left anybody may have written.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from app.context import headers_of
from triggers.networks import Network, parse_networks

HOPS_MAX = 32

_FORM = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?"
    r"|(?P<v4>[0-9.]+)(?::[0-9]{1,5})?"
    r"|(?P<v6>[0-9A-Fa-f:.]+)"
)

Address = IPv4Address | IPv6Address


def client_address(scope: Mapping[str, Any], trusted: Sequence[Network]) -> Address | None:
    """Return the address of a request's client; None when it is not known."""
    peer = scope.get("client")
    return address_of(peer[0] if peer else "", headers_of(scope, b"x-forwarded-for"), trusted)


def address_of(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """Return the first address that is not trusted, from the peer to the left of the headers.

    When all are, the last one looked at. What is no address ends the search: nobody knows then.
    """
    address = parse_address(peer)
    hops = ",".join(forwarded).rsplit(",", HOPS_MAX - 1) if forwarded else []
    while hops and address is not None and is_in(address, trusted):
        address = parse_address(hops.pop())
    return address


def parse_address(text: str) -> Address | None:
    """Read an address as proxies write it: with a port, in brackets, an IPv4 one as IPv6."""
    form = _FORM.fullmatch(text.strip(" \t"))
    if form is None:
        return None
    try:
        address = ip_address(form[form.lastgroup or 0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    """Tell whether an address is in one of the networks."""
    return any(address in network for network in networks)


def is_allowed(address: Address | None, cidrs: tuple[str, ...]) -> bool:
    """Tell whether a key with these CIDRs may be used from an address. None: from everywhere."""
    return not cidrs or (address is not None and is_in(address, _networks(cidrs)))


@lru_cache(maxsize=1_000)  # as many keys; to read 50 CIDRs takes longer than all else
def _networks(cidrs: tuple[str, ...]) -> tuple[Network, ...]:
    return parse_networks(cidrs)
