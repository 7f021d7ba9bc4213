"""The programs of the guide that send go on until the event is stored, and no longer than that makes sense."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from infra.local.loopback import HOST
from tests.guide.files import run, save

EVENT = '{"event_type": "order.created", "payload": {"order": 7}}'
SENDERS = {
    "send.py": ("python3", "send.py", "7"),
    "send.sh": ("bash", "send.sh", "order-7", EVENT),
}
STORED = b'{"event_id": "evt_1"}'


def answer(status: int, body: bytes = b"{}", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} x\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body


NO_ANSWER = b""
HALF_AN_ANSWER = answer(202, STORED)[:-5]
WAIT = "Retry-After: 1\r\n"


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Have an API with these answers, one a connection; yields its address and what was asked."""
    left, asked = list(answers), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        asked.append(head + await reader.readexactly(length))
        writer.write(left.pop(0))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, HOST, 0) as server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}", asked


@pytest.mark.parametrize("file", SENDERS)
async def test_an_event_is_sent_until_it_is_stored_always_under_the_same_key(
    file: str, tmp_path: Path
) -> None:
    save(file, tmp_path)
    answers = (NO_ANSWER, HALF_AN_ANSWER, answer(503, headers=WAIT), answer(429, headers=WAIT))
    async with answering(*answers, answer(202, STORED)) as (api, asked):
        began = asyncio.get_running_loop().time()
        ran = await asyncio.to_thread(run, SENDERS[file], tmp_path, API=api, KEY="trg_k_s")
        assert asyncio.get_running_loop().time() - began >= 2.0  # as both have asked for
    assert ran.returncode == 0, ran.stderr
    assert "evt_1" in ran.stdout
    assert len(asked) == 5
    assert all(b"idempotency-key: order-7\r\n" in request.lower() for request in asked)
    assert len({request.partition(b"\r\n\r\n")[2] for request in asked}) == 1


@pytest.mark.parametrize("file", SENDERS)
@pytest.mark.parametrize(
    "refusal",
    [answer(409), answer(422), answer(429, headers="Retry-After: 86400\r\n")],
    ids=["deleted", "other content", "quota of the day used up"],
)
async def test_what_another_try_cannot_mend_is_told_at_once(
    file: str, refusal: bytes, tmp_path: Path
) -> None:
    save(file, tmp_path)
    async with answering(refusal) as (api, asked):
        ran = await asyncio.to_thread(run, SENDERS[file], tmp_path, API=api, KEY="trg_k_s")
    assert (ran.returncode, len(asked), ran.stdout) == (1, 1, "")
