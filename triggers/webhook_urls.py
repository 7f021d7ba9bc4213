"""Which URLs a webhook may have. Pure, and stricter than any HTTP client.

Only what every parser reads in the same way is let through. It is an early word to whoever
mistypes; the true check of the address is at the socket, when a delivery connects.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from triggers.networks import Network, is_blocked

URL_CHARACTERS_MAX = 2048
HOST_CHARACTERS_MAX = 253

# RFC 3986 without userinfo and fragment; the host is a name or an address, IPv6 in brackets.
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]*))?"
    r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(
    r"[0-9]+|0[xX][0-9A-Fa-f]*"
)  # a last label that makes parsers see an IPv4 address
# Names that never mean a host on the internet (RFC 6761, RFC 8375, and what private networks use).
_INTERNAL_ENDINGS = (
    ".localhost",
    ".local",
    ".localdomain",
    ".internal",
    ".intranet",
    ".private",
    ".corp",
    ".home",
    ".lan",
    ".home.arpa",
)


def issue_with_url(url: str, *, is_development: bool, allowed: tuple[Network, ...]) -> str | None:
    """Say what forbids a URL for a webhook, or None.

    In development http is allowed, and so are names and addresses of the own network: the latter
    as `allowed` has them.
    """
    if len(url) > URL_CHARACTERS_MAX:
        return f"longer than {URL_CHARACTERS_MAX} characters"
    match = _URL.fullmatch(url)
    if match is None:
        return _why_malformed(url)
    if match["scheme"] == "http" and not is_development:
        return "must begin with https://"
    if match["port"] is not None and not _is_port(match["port"]):
        return "its port is not a number from 1 to 65535"
    return _issue_with_host(match["host"], is_development=is_development, allowed=allowed)


def _why_malformed(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        return "must begin with https://"
    if not all("!" <= character <= "~" for character in url):
        return "has a space, a control character or one outside of ASCII"
    if "\\" in url:
        return "has a backslash"
    if "#" in url:
        return "has a fragment, which is never sent"
    if "@" in re.split(r"[/?]", url.partition("://")[2])[0]:
        return "has a user or a password"
    return "is not a URL that every client reads in the same way"


def _is_port(text: str) -> bool:
    return text[:1] not in ("", "0") and len(text) <= 5 and int(text) <= 65_535


def _issue_with_host(
    host: str, *, is_development: bool, allowed: tuple[Network, ...]
) -> str | None:
    if host.startswith("["):
        return _issue_with_address(_ipv6(host[1:-1]), allowed)
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]) or (labels[-1] == "" and _NUMBER.fullmatch(labels[-2])):
        return _issue_with_address(_ipv4(host), allowed)
    if len(host) > HOST_CHARACTERS_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        return "its host is not a valid name"
    if not is_development and (len(labels) == 1 or host.lower().endswith(_INTERNAL_ENDINGS)):
        return "its host is a name of a private network"
    return None


def _issue_with_address(address: str | None, allowed: tuple[Network, ...]) -> str | None:
    if address is None:
        return "its host is an address in an unusual spelling"
    if is_blocked(address, allowed):
        return "its address is private or reserved"
    return None


def _ipv4(host: str) -> str | None:
    """Return an address if it is four plain decimal numbers; None for any other spelling."""
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        return None


def _ipv6(text: str) -> str | None:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        return None
