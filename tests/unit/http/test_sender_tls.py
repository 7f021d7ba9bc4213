"""TLS: verified against the name, 1.2 or newer, or not at all."""

import ssl
import warnings

import pytest

from tests.raw_receivers import (
    Behaviour,
    Connection,
    answer,
    answering,
    deafness,
    receiving,
    saying_before_reading,
)
from tests.unit.http.certificates import Certificates
from tests.unit.http.sending import attempt
from triggers.retries import Outcome, Verdict, verdict_of


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def _trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))


async def outcome_with(context: ssl.SSLContext) -> Outcome:
    """Make an attempt at a receiver with this certificate, which gets no request if it fails."""
    async with receiving(answering(answer(200, b"safe")), tls=context) as receiver:
        outcome = await attempt(receiver.url, timeout_seconds=2)
    assert bool(receiver.requests) == (outcome.status_code is not None)
    return outcome


async def test_a_certificate_that_is_in_order_is_accepted(certificates: Certificates) -> None:
    outcome = await outcome_with(certificates.good())
    assert (outcome.status_code, outcome.excerpt) == (200, "safe")


CLOSED_DURING_TLS = "the connection was closed while TLS was agreed on"
BAD = {
    "expired": "certificate has expired",
    "self_signed": "self-signed certificate",
    "of_another_host": "IP address mismatch, certificate is not valid for '127.0.0.1'.",
}


@pytest.mark.parametrize(("kind", "error"), BAD.items())
async def test_f66_a_bad_certificate_is_a_failure(
    certificates: Certificates, kind: str, error: str
) -> None:
    outcome = await outcome_with(getattr(certificates, kind)())
    assert outcome.error == f"the certificate is not valid: {error}"
    assert verdict_of(outcome) is Verdict.RETRY


async def test_f66_an_authority_that_nobody_knows_is_a_failure(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    outcome = await outcome_with(certificates.good())
    assert outcome.error == (
        "the certificate is not valid: its issuer is not known, or an intermediate certificate is "
        "not sent along"
    )


async def test_f66_an_old_version_of_tls_is_a_failure(certificates: Certificates) -> None:
    context = certificates.good()
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as it should be
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert (await outcome_with(context)).error == CLOSED_DURING_TLS


async def test_tls_1_2_is_good_enough(certificates: Certificates) -> None:
    context = certificates.good()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert (await outcome_with(context)).status_code == 200


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (deafness, "no connection within 0.3 seconds"),
        (saying_before_reading(answer()), "TLS could not be agreed on"),
    ],
    ids=["stalled", "no TLS at all"],
)
async def test_f66_a_handshake_that_does_not_end_well_is_a_failure(
    behaviour: Behaviour, error: str
) -> None:
    async with receiving(behaviour) as receiver:
        url = receiver.url.replace("http://", "https://")
        outcome = await attempt(url, connect_seconds=0.3, timeout_seconds=2)
    assert outcome.error == error


async def test_f66_a_handshake_that_is_broken_off_is_a_failure() -> None:
    async def behave(connection: Connection) -> None:
        connection.reset()

    async with receiving(behave) as receiver:
        outcome = await attempt(receiver.url.replace("http://", "https://"))
    assert outcome.error == CLOSED_DURING_TLS
    assert not outcome.timed_out
