"""Which URLs a webhook may have: the lines B50 to B56 of the catalogue."""

import pytest

from triggers.networks import parse_networks
from triggers.webhook_urls import issue_with_url


def issue(url: str, *, is_development: bool = False, allowed: str = "") -> str | None:
    networks = parse_networks([allowed] if allowed else [])
    return issue_with_url(url, is_development=is_development, allowed=networks)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/",
        "https://example.com/a/b.c~d;e=f,g@h:i!$&'()*+",
        "https://example.com/a%20b?c=d%2Fe&f[]=g".replace("[]", "%5B%5D"),
        "https://example.com?a=b/c?d",
        "https://a-b.c_d.example.co.uk:8443/",
        "https://xn--bcher-kva.example.org/",
        "https://1and1.com/",
        "https://0x7f.example.com/",
        "https://example.com:1/",
        "https://example.com:65535/",
        "https://93.184.215.14/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:8443/a",
        "https://" + ".".join(["a" * 60] * 4) + ".com/",
    ],
)
def test_a_usual_url_may_be_a_webhooks(url: str) -> None:
    assert issue(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.com/",
        "HTTP://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "data:text/plain,x",
        "//example.com/",
        "example.com",
        "https:example.com",
        "https:/example.com",
        "https://",
        "https:///path",
        "wss://example.com",
    ],
)
def test_B50_other_schemes_are_refused(url: str) -> None:
    assert issue(url) == "must begin with https://" or issue(url, is_development=True) is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com:443@evil.com/",
        "https://a%40b@example.com/",
    ],
)
def test_B51_userinfo_is_refused(url: str) -> None:
    assert issue(url) == "has a user or a password"


@pytest.mark.parametrize(
    "port", ["", "0", "65536", "99999999999", "00443", "-1", "a", "443a", " 1"]
)
def test_B52_odd_ports_are_refused(port: str) -> None:
    assert issue(f"https://example.com:{port}/") is not None


PRIVATE = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0X7F.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.01",
    "127.0.0.1.",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "10.1",
    "172.16.0.1",
    "192.168.1.1",
    "192.168.257",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "169.254.43518",
    "0251.0376.0251.0376",
    "100.64.0.1",
    "168.63.129.16",
    "224.0.0.1",
    "255.255.255.255",
    "256.256.256.256",
    "1.2.3.4.5",
    "0x",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[::1",
    "::1",
    "[]",
    "[127.0.0.1]",
    "①②⑦.0.0.1",
    "１２７.0.0.1",
    "127。0。0。1",
    "%31%32%37.0.0.1",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_B53_a_private_address_is_refused_in_every_spelling(host: str) -> None:
    assert issue(f"https://{host}/") is not None
    assert issue(f"https://{host}:8443/a") is not None


def test_B53_an_address_of_an_allowed_network_may_be_used_in_its_plain_spelling() -> None:
    def in_development(host: str) -> str | None:
        return issue(f"http://{host}/", is_development=True, allowed="127.0.0.0/8")

    assert in_development("127.0.0.1") is None
    assert in_development("127.0.0.1:9000") is None
    assert in_development("[::ffff:127.0.0.1]") is None
    assert in_development("127.1") == "its host is an address in an unusual spelling"
    assert in_development("10.0.0.1") == "its address is private or reserved"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "metadata",
        "a.localhost",
        "printer.local",
        "db.internal",
        "metadata.google.internal",
        "Router.LAN",
        "nas.home.arpa",
        "x.corp",
        "localhost.localdomain",
        "ip6-localhost",
        "app",
        "ip-10-0-0-1.ec2.internal",
        "instance-data.ec2.internal",
        "api.triggers.internal",
    ],
)
def test_B54_names_of_private_networks_are_refused(host: str) -> None:
    assert issue(f"https://{host}/") is not None


@pytest.mark.parametrize("host", ["localhost", "receiver", "receiver.internal"])
def test_B54_names_of_the_own_network_may_be_used_in_development(host: str) -> None:
    assert issue(f"http://{host}:9000/", is_development=True) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/\r\nhost: evil",
        "https://example.com/\n",
        "https://example.com\n",
        "\nhttps://example.com/",
        " https://example.com/",
        "https://example.com/ ",
        "https://exa mple.com/",
        "https://exam\tple.com/",
        "https://example.com/\x00",
        "https://example.com/\x7f",
        "https://example.com\\@evil.com/",
        "https://example.com/\\..\\",
        "https://example.com#@evil.com/",
        "https://example.com/#fragment",
        "https://example.com/%",
        "https://example.com/%zz",
        "https://example.com/<a>",
        'https://example.com/"',
        "https://example.com/{a}",
        "https://example.com/a|b",
        "https://example.com/a^b`",
        "https://[example.com]/",
        "https://[::1].example.com/",
        "https://exämple.com/",
        "https://example.com/ä",
        "https://examp\u200ble.com/",
        "https://example。com/",
        "https://.example.com/",
        "https://example..com/",
        "https://-a.example.com/",
        "https://a-.example.com/",
        "https://" + "a" * 64 + ".com/",
        "https://" + ".".join(["a" * 60] * 5) + "/",
        "https://example.com,evil.com/",
        "https://example.com;evil.com/",
        "https://example.com&evil.com/",
        "https://*.example.com/",
    ],
)
def test_B55_what_two_parsers_may_read_differently_is_refused(url: str) -> None:
    assert issue(url) is not None
    assert issue(url, is_development=True) is not None


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "169.254.170.2", "[::1]", "[::]"])
def test_B54_our_own_address_is_refused(address: str) -> None:
    for port in ("", ":8080", ":8081"):
        assert issue(f"https://{address}{port}/v1/events") == "its address is private or reserved"


def test_B56_a_url_of_8_kb_is_refused() -> None:
    assert issue("https://example.com/" + "a" * (2048 - 20)) is None
    assert issue("https://example.com/" + "a" * 8192) == "longer than 2048 characters"
