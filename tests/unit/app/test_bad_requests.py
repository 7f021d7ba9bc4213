"""What is no good request of HTTP, on raw sockets against the real server: B01 to B13 of the catalogue."""

import asyncio
from collections.abc import Iterator
from itertools import permutations

from tests.unit.app.serving import JSON, Process, problem_in, running
from tests.unit.app.walking import ANSWER_SECONDS_MAX

GOOD = '{"event_type": "good", "payload": 1}'
EVENT = b'{"event_type": "smuggled", "payload": 1}'
CHUNKS = b"28\r\n" + EVENT + b"\r\n0\r\n\r\n"
LENGTH = b"content-length: 40"
CHUNKED = b"transfer-encoding: chunked"
Row = tuple[str, bytes, int]


def post(
    *headers: bytes,
    body: bytes = EVENT,
    line: bytes = b"POST /v1/events HTTP/1.1",
    host: bytes = b"host: x",
) -> bytes:
    """Return a request that would store an event, were it not for what is wrong with it."""
    usual = [host, b"x-api-key: {key}", b"content-type: application/json", b"connection: close"]
    return b"\r\n".join([line, *usual, *headers]) + b"\r\n\r\n" + body


def framings() -> Iterator[Row]:
    """Yield requests whose end two servers may see in different places."""
    yield from (("B01", post(*both, body=CHUNKS), 400) for both in permutations((LENGTH, CHUNKED)))
    yield "B01", post(b"transfer-encoding: identity", LENGTH), 400
    yield from (("B02", post(LENGTH, b"content-length: " + n), 400) for n in (b"3", b"40"))
    lengths = [*b"-1 +40 0x28 40,40 4_0 1e3 \xd9\xa3".split(), b"", b"40 5", b"9" * 30]
    yield from (("B03", post(b"content-length: " + length), 400) for length in lengths)
    yield "B03", post(b"content-length: 1000000000"), 413
    codings = b"identity xchunked chunkedx chunked;q=1 \x0bchunked chunked,chunked".split(b" ")
    for coding in (*codings, b"", b"gzip, chunked", b"chunked, gzip", b"chunked, identity"):
        yield "B04", post(b"transfer-encoding: " + coding, body=CHUNKS), 400
    yield "B04", post(CHUNKED, b"transfer-encoding: identity", body=CHUNKS), 400
    yield "B04", post(CHUNKED, body=CHUNKS, line=b"POST /v1/events HTTP/1.0"), 400
    sizes = (b"zz", b"-28", b"0x28", b"f" * 20, b" 28", b"28 ", b"27", b"29", b"", b'28;a="\x00"')
    for size in sizes:
        yield "B10", post(CHUNKED, body=size + CHUNKS[2:]), 400
    yield "B10", post(CHUNKED, body=CHUNKS.replace(b"\r\n", b"\n")), 400
    yield "B10", post(CHUNKED, body=CHUNKS.replace(b"\r\n0", b"0")), 400


def heads() -> Iterator[Row]:
    """Yield requests whose head is none."""
    yield "B05", post(LENGTH).replace(b"\r\n", b"\n"), 400
    for header in (b"a: b\nc: d", b"a: b\r\n c", b"a : b", b" a: b", b"bad header", b": b"):
        yield "B05", post(LENGTH, header), 400
    yield "B05", post(b"content-length:\r\n 40"), 400
    yield "B05", post(b"content-length : 40"), 400
    for byte in (b"\x00", b"\r", b"\r\r\n", b"\n", b"\x7f", b"\x01"):
        yield "B06", post(LENGTH, b"a: b" + byte + b"c"), 400
        yield "B06", post(LENGTH, b"a" + byte + b": b"), 400
    hosts = (b"a b", b"http://x/", b"x/../y", b"\xff", b"[::1", b"x:y", b"x,y", b"x@y", b"x:999999")
    for host in (b"a: b", b"host: x\r\nHost: y", *(b"host: " + host for host in hosts)):
        yield "B08", post(LENGTH, host=host), 400
    yield "B09", post(LENGTH, line=b"POST /v1/events?" + b"x" * 70_000 + b" HTTP/1.1"), 431


def requests() -> Iterator[Row]:
    """Yield requests for what is not served."""
    expect = b"expect: 100-continue"
    yield "B11", post(expect, body=b""), 400
    yield "B11", post(expect, LENGTH, body=b""), 408
    yield "B12", post(b"upgrade: websocket", b"connection: upgrade", LENGTH), 400
    yield "B12", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400
    yield "B12", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400
    for version in (b"HTTP/2.0", b"HTTP/9.9", b"HTTP/0.9", b"http/1.1", b"HTTP/1.1 x", b"X", b""):
        yield "B12", post(LENGTH, line=b"POST /v1/events " + version), 400
    for method in (b"FOO", b"post", b"PO ST", b"POST\x00", b"X" * 1000, b""):
        yield "B13", post(LENGTH, line=method + b" /v1/events HTTP/1.1"), 400
    for method in (b"PROPFIND", b"TRACE", b"PURGE", b"PUT"):
        yield "B13", post(LENGTH, line=method + b" /v1/inbox HTTP/1.1"), 405
    for target in (b"evil:80", b"/v1/inbox"):
        yield "B13", post(LENGTH, line=b"CONNECT " + target + b" HTTP/1.1"), 400
    override = b"x-http-method-override: POST"
    yield "B13", post(override, LENGTH, line=b"PUT /v1/webhooks HTTP/1.1"), 405


async def refusal(process: Process, request: bytes) -> bytes:
    """Send a request; return the answer, of which the first bytes must come within a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    writer.write(request.replace(b"{key}", process.key.encode()))
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        first = await reader.readuntil(b"\r\n\r\n")
        if first.startswith(b"HTTP/1.1 100 "):
            first = await reader.readuntil(b"\r\n\r\n")
        length = int(first.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
    writer.close()
    return first + body


async def test_B01_to_B06_and_B08_to_B13_what_is_no_good_request_is_a_problem_and_stores_nothing() -> (
    None
):
    async with running(body_seconds=0.3) as process, process.client() as client:
        for line, request, status in (*framings(), *heads(), *requests()):
            answer = await refusal(process, request)
            assert answer.startswith(b"HTTP/1.1 %d " % status), (line, request[:300], answer)
            problem_in(answer)
            good = await client.post("/v1/events", content=GOOD, headers=JSON)
            assert good.status_code == 202
        inbox = (await client.get("/v1/inbox?limit=100")).json()["events"]
        assert {event["event_type"] for event in inbox} == {"good"}
        assert not any(process.key in line or "smuggled" in line for line in process.lines[1:])
