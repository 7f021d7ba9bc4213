"""Signatures of requests: the string that is signed, its form, and the times in which it counts."""

import secrets

import pytest

from tests.factories import NOW_MS
from triggers.request_signatures import (
    REMEMBERED_SECONDS,
    SKEW_SECONDS_MAX,
    is_signed_by,
    issue_with_form,
    issue_with_timestamp,
    make_signing_secret,
    sign,
    string_to_sign,
)

SECRET = "sig_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
BODY = b'{"event_type":"order.created","payload":{"order":1}}'
NOW_S = NOW_MS // 1000


def test_the_vector_of_the_documentation_holds() -> None:
    # Made with `openssl dgst -sha256 -hmac "$SECRET" -binary | base64`.
    signed = string_to_sign("1795325340", "POST", b"/v1/events?a=1&b=%20", BODY)

    assert signed == (
        b"1795325340.POST./v1/events?a=1&b=%20."
        b"b7720fb2165e698a5da684855ee036f59c559ba6bbc7f0011a1dabab3fc21d12"
    )
    assert sign(SECRET, signed) == "v1,ayP1eUg8W4JlqGZPqWeDnMHgkHm7D9TzbAehZ7VdBbc="


def test_a_secret_is_256_random_bits_and_shows_what_it_is() -> None:
    known = int.from_bytes(bytes(range(32)), "big")

    assert make_signing_secret(lambda bits: known if bits == 256 else 0) == SECRET
    assert make_signing_secret(secrets.randbits) != make_signing_secret(secrets.randbits)


def test_one_of_the_secrets_is_enough() -> None:
    signature = sign(SECRET, b"signed")

    assert is_signed_by((SECRET,), b"signed", signature)
    assert is_signed_by(("sig_other", SECRET), b"signed", signature)
    assert not is_signed_by(("sig_other",), b"signed", signature)
    assert not is_signed_by((SECRET,), b"signed ", signature)
    assert not is_signed_by((), b"signed", signature)


@pytest.mark.parametrize(
    ("timestamp", "issue"),
    [
        (f"{NOW_S}", None),
        (f"{NOW_S - SKEW_SECONDS_MAX}", None),
        (f"{NOW_S + SKEW_SECONDS_MAX}", None),
        (f"{NOW_S - SKEW_SECONDS_MAX - 1}", f"300 seconds old; the time here is {NOW_S}"),
        (f"{NOW_S + SKEW_SECONDS_MAX + 1}", f"300 seconds ahead; the time here is {NOW_S}"),
        (f"{NOW_MS}", "must be a time in seconds"),
        *(
            (text, "must be a time in seconds")
            for text in ("", "-1", "1.5", "now", " 1", "١٢", "1\n")
        ),
    ],
)
def test_B63_a_signature_counts_for_five_minutes_around_its_time(
    timestamp: str, issue: str | None
) -> None:
    found = issue_with_timestamp(timestamp, NOW_MS)

    assert (found is None) if issue is None else (found is not None and issue in found)


def test_a_signature_is_remembered_for_longer_than_it_counts() -> None:
    assert REMEMBERED_SECONDS > 2 * SKEW_SECONDS_MAX + 2 * 5  # and the skew of two machines


@pytest.mark.parametrize(
    "signature", ["", "v1", "v1,", "v2," + "A" * 43 + "=", "A" * 43 + "=", "v1," + "A" * 44, "v1,é"]
)
def test_B63_what_is_no_signature_is_told_so(signature: str) -> None:
    assert issue_with_form(signature) is not None
    assert issue_with_form(sign(SECRET, b"")) is None
