"""The receivers of the guide let in what is genuine and nothing else, whatever comes."""

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.local.loopback import HOST
from tests.guide.files import listening, run, save
from triggers.signatures import sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
BODY = b'{"event_id":"evt_1","event_type":"order.created","payload":{"order":1.0}}'
RECEIVERS = {
    "receive.py": ("python3", "receive.py"),
    "receive.mjs": ("node", "receive.mjs"),
    "receive.go": ("./receiver",),
}


def signed(*secrets: str, age: int = 0, **changes: str) -> dict[str, str]:
    at = int(time.time()) - age
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(at),
        "webhook-signature": sign(secrets or (SECRET,), "evt_1", at, BODY),
        "content-length": str(len(BODY)),
    } | {name.replace("_", "-"): text for name, text in changes.items()}


async def status_of(port: int, headers: Mapping[str, str], body: bytes) -> int:
    """Send a request as it is, and return the status of the answer."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(HOST, port)
        lines = [
            "POST / HTTP/1.1",
            f"host: {HOST}",
            "connection: close",
            *(f"{n}: {t}" for n, t in headers.items()),
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        answer = await reader.read()
        writer.close()
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("file", RECEIVERS)
async def test_a_receiver_of_the_guide_lets_in_what_is_genuine_and_nothing_else(
    file: str, tmp_path: Path
) -> None:
    tool = {"receive.mjs": "node", "receive.go": "go"}.get(file)
    if tool and shutil.which(tool) is None:
        pytest.skip(f"not run, since this machine has no {tool}")
    save(file, tmp_path)
    if tool == "go":
        built = run(("go", "build", "-o", "receiver", file), tmp_path)
        assert built.returncode == 0, built.stderr
    genuine = [signed(), signed(OTHER, SECRET), signed(SECRET, OTHER), signed(age=200)]
    refused = [
        {"content-length": str(len(BODY))},
        signed(OTHER),
        signed(age=310),
        signed(age=-310),
        signed(webhook_id="evt_2"),
        *(signed(webhook_signature=text) for text in ("", "v1", "v1,", "v2,abc", "é ²", " ")),
        *(signed(webhook_timestamp=text) for text in ("", "²", "-1", "1e9", "nan", "9" * 5000)),
        *(signed(content_length=text) for text in ("-1", "x", "²", "9" * 30)),
    ]
    command = (str(tmp_path / "receiver"),) if tool == "go" else RECEIVERS[file]
    async with listening(command, tmp_path, SECRET=SECRET) as (port, process):
        for headers in refused:
            assert 400 <= await status_of(port, headers, BODY) < 500, headers
        assert await status_of(port, signed(), BODY.replace(b"1.0", b"2.0")) == 401
        for headers in genuine:
            assert await status_of(port, headers, BODY) == 204, headers
        assert process.printed.count("evt_1 order.created") == len(genuine)
        assert process.printed.count("\n") == len(genuine), process.printed
