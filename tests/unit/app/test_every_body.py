"""Every route that takes a body against the catalogue's bad ones, B20 to B33.

Whatever is sent: a problem in time, nothing stored, nothing of it in a log, and the next good request works.
"""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from app.decoding import ONE_OBJECT
from tests.unit.app.api import Api, with_key
from tests.unit.app.walking import (
    WITH_BODY,
    Route,
    assert_problem,
    name_of,
    stored,
    things_of,
)

CANARY = "canary-in-the-body"
MALFORMED = (400, "malformed_json")
INVALID = (400, "validation_failed")
REFUSED = (MALFORMED, INVALID)  # what is wrong twice may be told as either
TOO_LARGE = (413, "payload_too_large")
NOT_JSON = (415, "unsupported_media_type")
Problem = tuple[int, str]
JSON = {"content-type": "application/json"}
MEDIA_TYPES = (
    *("", "text/plain", "application/xml", "application/json2", "application/problem+json"),
    *("application/jsonp, text/plain", "application/x-www-form-urlencoded"),
    *("multipart/form-data; boundary=x", "application/json; charset=utf-16"),
    "application/json; charset=latin-1",
)
ANSWER_BYTES_MAX = 10_000
# Any field may be sent as any of these; what comes of it is said by the field's own rules.
ODD_VALUES = (
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"7" * 5_000,
    b'""',
    '"\\u0000\\u001b\u200b"'.encode(),
    b'"\\ud83d"',
    b'"%s"' % (b"x" * 9_000),
    b"[]",
    b"[[[[[]]]]]",
    b"{}",
    b'{"a": {"a": {}}}',
)
# Nor is there a field in which these are JSON.
NO_VALUES = (
    *(b"NaN", b"Infinity", b"-Infinity", b"1.", b".5", b"+1", b"01", b"0x1", b"nul", b""),
    *(b'"a\x00b"', b'"a\x01b"', b'"a\nb"', b'"a\x1fb"', b'"\\x"', b"'a'"),
    *(b'"\xff"', b'"\xed\xa0\x80"', b'{"\xc3": 1}', b'{"a": "\xff"}'),
    *(b"[" * 30_000, b'{"a":' * 10_000, b"[" * 30_000 + b"]" * 30_000),
)


@pytest.fixture
def api(calm_api: Api) -> Api:
    return calm_api


async def endless() -> AsyncIterator[bytes]:
    """Send a body that never ends, without saying how long it is."""
    while True:
        yield b" " * 100_000
        await asyncio.sleep(0)


def bad_bodies(
    good: bytes,
) -> Iterator[tuple[str, Any, dict[str, str | None], tuple[Problem, ...]]]:
    """Yield by the catalogue's lines: a body, headers besides JSON's, and the problems it may be."""
    tail = b', "%s": 1}' % CANARY.encode()
    marked = good[:-1] + tail
    yield "B20", b"", {}, (MALFORMED,)
    for root in (b"null", b"[]", b"1", b'"x"', b"true", b'["%s"]' % CANARY.encode()):
        yield "B21", root, {}, (INVALID,)
    for text in (b"\xff\xfe", b'{"\xff": 1' + tail):
        yield "B22", text, {}, REFUSED
    yield "B23", b"[" * 30_000, {}, REFUSED
    for text in (marked + b"x", marked + b"\x00", good + good, good[:-1], good[:-3], b" ", b"{"):
        yield "B29", text, {}, REFUSED
    yield "B29", b"\xef\xbb\xbf" + good, {}, (MALFORMED,)
    yield "B30", b"", {"content-length": "1" + "0" * 9}, (TOO_LARGE,)
    yield "B30", endless(), {}, (TOO_LARGE,)
    for encoding in ("gzip", "deflate", "br", "gzip, identity", "x"):
        yield "B31", gzip.compress(good), {"content-encoding": encoding}, (NOT_JSON,)
    for media_type in MEDIA_TYPES:
        yield "B32", marked, {"content-type": media_type}, (NOT_JSON,)
    yield "B32", marked, {"content-type": None}, (NOT_JSON,)
    yield "B32", good.decode().encode("utf-16"), {}, (MALFORMED,)
    keys = b", ".join(b'"%s%d": 0' % (CANARY.encode(), number) for number in range(1_500))
    yield "B33", good[:-1] + b", " + keys + b"}", {}, (INVALID,)


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
async def test_B20_to_B33_a_bad_body_is_a_problem_and_leaves_no_trace(
    api: Api, route: Route, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ids = await things_of(api, api.tenant.tenant_id, api.key)
    good, before = route.body(ids), stored(api.resources)
    assert good is not None
    sent = JSON | with_key(route.key(api))
    for line, content, changes, problems in bad_bodies(good):
        if line == "B20" and not route.operation.body_required:
            continue
        headers = {n: v for n, v in (sent | changes).items() if v is not None}
        answer = await route.call(api, ids, content=content, headers=headers)
        assert_problem(answer, *problems)
        assert len(answer.content) < ANSWER_BYTES_MAX, line
        assert stored(api.resources) == before, line
    answer = await route.call(api, ids)
    assert answer.status_code < 400 or answer.status_code in (404, 409), answer.text
    told = "".join(f"{record.getMessage()}{record.__dict__}" for record in caplog.records)
    assert told
    for secret in (CANARY, route.key(api).rpartition("_")[2]):
        assert secret not in told


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
async def test_B22_to_B28_and_B45_no_value_of_any_field_is_a_fault_of_ours(
    api: Api, route: Route
) -> None:
    ids = await things_of(api, api.tenant.tenant_id, api.key)
    good, kind = json.loads(route.body(ids) or b""), route.operation.body
    assert kind is not None
    for name in (*kind.__struct_encode_fields__, "unknown"):
        before, _, after = json.dumps(good | {name: "…"}, ensure_ascii=False).partition('"…"')
        for value in (*NO_VALUES, *ODD_VALUES):
            content = before.encode() + value + after.encode()
            answer = await route.call(api, ids, content=content)
            if value in NO_VALUES or name == "unknown":
                assert_problem(answer, *REFUSED)
            elif answer.status_code >= 400:
                # The second good one of a kind may be one too many.
                assert_problem(answer, *REFUSED, (404, "not_found"), (409, "recovery_running"))
            for error in answer.json().get("errors", ()) if answer.content else ():
                # Each field has a suggestion of its own.
                assert (error["suggestion"] == ONE_OBJECT) == (error["field"] == "body"), error
