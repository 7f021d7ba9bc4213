"""Signatures, checked against the vector of Standard Webhooks and by its own library."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from tests.factories import CountingBits
from triggers.signatures import (
    SECRET_BYTES_MAX,
    SECRET_BYTES_MIN,
    SECRET_PREFIX,
    make_secret,
    secret_bytes,
    sign,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1_614_265_330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

SECRETS = st.binary(min_size=SECRET_BYTES_MIN, max_size=SECRET_BYTES_MAX).map(
    lambda content: SECRET_PREFIX + base64.b64encode(content).decode()
)


def test_the_vector_of_the_standard() -> None:
    assert sign([SECRET], MESSAGE_ID, TIMESTAMP, BODY) == SIGNATURE


def test_every_secret_signs_with_one_space_between() -> None:
    other = make_secret(CountingBits())

    signatures = sign([SECRET, other], MESSAGE_ID, TIMESTAMP, BODY)

    assert signatures == f"{SIGNATURE} {sign([other], MESSAGE_ID, TIMESTAMP, BODY)}"


@given(secret=SECRETS, other=SECRETS, body=st.text(min_size=1).map(str.encode))
def test_the_library_of_the_standard_verifies_what_we_sign(
    secret: str, other: str, body: bytes
) -> None:
    now = int(time.time())
    headers = {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": str(now),
        "webhook-signature": sign([other, secret], MESSAGE_ID, now, body),
    }

    for receivers_secret in (secret, other):
        Webhook(receivers_secret).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers, json_parse=False)


def test_a_made_secret_has_24_bytes_and_no_padding() -> None:
    secret = make_secret(CountingBits())

    assert len(secret_bytes(secret)) == 24
    assert "=" not in secret


@pytest.mark.parametrize("length", [24, 25, 32, 48, 64])
def test_secrets_of_24_to_64_bytes_are_taken(length: int) -> None:
    content = bytes(range(length))

    assert secret_bytes(SECRET_PREFIX + base64.b64encode(content).decode()) == content


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("", "does not start with whsec_"),
        (SECRET.removeprefix(SECRET_PREFIX), "does not start with whsec_"),
        (SECRET.upper(), "does not start with whsec_"),
        ("whsec_", "24 to 64 bytes"),
        (f"whsec_{base64.b64encode(bytes(23)).decode()}", "24 to 64 bytes"),
        (f"whsec_{base64.b64encode(bytes(65)).decode()}", "24 to 64 bytes"),
        (f"{SECRET}=", "not base64"),
        (f"{SECRET}\n", "not base64"),
        (f"{SECRET[:-1]}!", "not base64"),
        (f"{SECRET[:-1]}é", "not base64"),
    ],
)
def test_other_secrets_are_refused_without_being_repeated(secret: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        secret_bytes(secret)

    assert secret.removeprefix(SECRET_PREFIX) not in str(refused.value) or len(secret) <= 6
