"""A certificate towards AWS must be of an authority that is trusted, and of the host that was called."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.factories import make_settings
from triggers.aws.clients import calling, open_clients
from triggers.aws.operations import BATCH_EXECUTE_STATEMENT
from triggers.aws.verified_session import VerifiedSession
from triggers.errors import StoreUnavailable

REQUEST = {"Statements": [{"Statement": "…"}]}


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate of its own authority for a name; returns it and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ("-subj", "/CN=aws", "-addext", f"subjectAltName={name}", "-days", "2")
    files = ("-keyout", str(key), "-out", str(certificate))
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files)
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@asynccontextmanager
async def aws_with(
    certificate: Path, key: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
) -> AsyncIterator[None]:
    """Have an AWS at localhost that answers everything with an empty object."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="{}", content_type="application/x-amz-json-1.0")

    application = web.Application()
    application.router.add_post("/", answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = TestServer(application, scheme="https", host="localhost")
    await server.start_server(ssl=context)
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(server.make_url("/")))
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        if trusted:
            monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        yield
    finally:
        await server.close()


@pytest.mark.parametrize(
    ("name", "trusted", "is_answered"),
    [
        ("DNS:localhost", True, True),
        ("DNS:dynamodb.us-east-1.amazonaws.com", True, False),
        ("DNS:localhost", False, False),
    ],
)
async def test_only_a_trusted_certificate_of_the_host_is_answered_to(
    name: str,
    trusted: bool,
    is_answered: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate, key = make_certificate(tmp_path, name)
    async with (
        aws_with(certificate, key, monkeypatch, trusted=trusted),
        open_clients(make_settings()) as clients,
    ):
        if is_answered:
            assert await clients.hot_sqs_send.call(BATCH_EXECUTE_STATEMENT, REQUEST) == {}
            return
        with pytest.raises(StoreUnavailable, match="Certificate"):
            await clients.hot_sqs_send.call(BATCH_EXECUTE_STATEMENT, REQUEST)
        with pytest.raises(StoreUnavailable), calling("GetQueueUrl"):
            await clients.sqs_send.get_queue_url(QueueName="deliveries")


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:1", "http://proxy.example:3128"])
async def test_with_a_proxy_between_the_same_is_verified(proxy: str | None) -> None:
    proxies: Any = {"https": proxy} if proxy else None
    session: Any = VerifiedSession(verify=True, proxies=proxies)
    async with session:
        context = (await session._get_session(proxy)).connector._ssl
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.get_ca_certs() or context.cert_store_stats()["x509_ca"]
