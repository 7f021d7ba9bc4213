"""What is special about the bodies of events; what holds for every body is in test_every_body."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from app.decoding import decode_json
from app.surrogates import set_aside
from app.wire.drafts import ENVELOPE_BYTES_MAX, EventIn
from tests.unit.app.api import Api, running_api
from triggers.errors import MalformedJson

EVENT = b'{"event_type": "a", "payload": %s}'


async def send(api: Api, body: object, **headers: str) -> httpx.Response:
    return await api.post("/v1/events", body, **headers)


async def assert_refused(api: Api, answer: httpx.Response, status: int, code: str) -> None:
    """Check a problem with a stable code, nothing stored, and that the next request works."""
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert not api.resources.events.records
    assert (await send(api, EVENT % b"1")).status_code == 202


async def test_B20_an_empty_body_is_malformed_and_told_to_be_empty(api: Api) -> None:
    answer = await send(api, b"")
    assert answer.json()["detail"] == "The body is not valid JSON: it is empty"
    await assert_refused(api, answer, 400, "malformed_json")


@pytest.mark.parametrize("body", ["null", "[]", '[{"event_type": "a"}]', "1", '"x"', "true"])
async def test_B21_a_body_that_is_no_object_is_refused(api: Api, body: str) -> None:
    answer = await send(api, body)
    await assert_refused(api, answer, 400, "validation_failed")
    [error] = answer.json()["errors"]
    assert error["field"] == "body"
    assert error["issue"].endswith("must be an object")


async def test_B24_a_payload_33_deep_is_fine(api: Api) -> None:
    await api.accept("[" * 33 + "]" * 33)


async def test_B25_of_a_key_that_comes_twice_the_last_counts(api: Api) -> None:
    answer = await send(api, '{"event_type": "a", "event_type": "b", "payload": 1, "payload": 2}')
    assert answer.json()["event_type"] == "b"
    shown = await api.client.get(answer.headers["location"])
    assert b'"payload":2,' in shown.content


async def test_B26_and_B27_numbers_beyond_a_double_are_kept_in_the_payload(api: Api) -> None:
    for number in ("1e400", "-1e400", "9007199254740993", "7" * 5000):
        event_id = await api.accept(number)
        shown = await api.client.get(f"/v1/events/{event_id}")
        assert f'"payload":{number},'.encode() in shown.content


async def test_B27_a_number_beyond_a_double_is_no_timeout(api: Api) -> None:
    for number in ("1e400", "7" * 5000, "5.5"):
        body = f'{{"url": "https://example.com/", "timeout_seconds": {number}}}'
        answer = await api.post("/v1/webhooks", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


@pytest.mark.parametrize(
    "payload",
    [
        '"\\ud83d"',
        '"\\ude00 x"',
        '["\\uD800\\uD800", "\\\\ud800"]',
        '{"\\udfff": "\\ud83d\\ude00"}',
    ],
)
async def test_B28_a_lone_surrogate_in_the_payload_is_just_text(api: Api, payload: str) -> None:
    event_id = await api.accept(payload)
    shown = await api.client.get(f"/v1/events/{event_id}")
    assert f'"payload":{payload},'.encode() in shown.content


@pytest.mark.parametrize("start", ["", "\\\\ud83d", "\\ud83d"])
def test_B28_a_body_full_of_backslashes_does_not_hold_up_the_loop(start: str) -> None:
    body = EVENT % b'"%s' % (start.encode() + rb"\"" * 325_000)
    found, took_seconds = None, []
    for _ in range(5):  # the shortest counts: what else the machine does is not ours
        started = time.perf_counter()
        found = set_aside(body)
        took_seconds.append(time.perf_counter() - started)
    assert min(took_seconds) < 0.06
    assert (found is None) == (start != "\\ud83d")


async def test_B28_what_is_malformed_besides_a_surrogate_is_told_with_its_place(api: Api) -> None:
    body = b'{"event_type": "a", "payload": "\\ud83d and more", }'
    with pytest.raises(MalformedJson) as first:
        decode_json(EventIn, body)
    answer = await send(api, body)
    assert answer.json()["detail"] == first.value.detail
    await assert_refused(api, answer, 400, "malformed_json")


@pytest.mark.parametrize("field", ['"source": "\\ud83d"', '"metadata": {"\\ud83d": "x"}'])
async def test_B28_a_lone_surrogate_elsewhere_is_malformed(api: Api, field: str) -> None:
    body = f'{{"event_type": "a", "payload": "\\ud83d", {field}}}'
    await assert_refused(api, await send(api, body), 400, "malformed_json")


async def test_B28_escaped_control_characters_and_zero_width_ones_are_kept(api: Api) -> None:
    event_id = await api.accept('"\\u0000\\u001b\u200b\u202e"')
    shown = await api.client.get(f"/v1/events/{event_id}")
    assert '"payload":"\\u0000\\u001b\u200b\u202e"'.encode() in shown.content


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    """Send a body in chunks, without saying how long it is."""
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


async def test_B30_a_payload_at_the_limit_is_accepted_and_one_byte_more_is_not() -> None:
    async with running_api(payload_bytes_max=1000) as api:
        too_large = await send(api, EVENT % (b'"' + b"x" * 999 + b'"'))
        await assert_refused(api, too_large, 413, "payload_too_large")
        await api.accept('"' + "x" * 998 + '"')
        assert (await send(api, chunks(EVENT % (b'"' + b"x" * 999 + b'"')))).status_code == 413
        assert (await send(api, chunks(EVENT % (b'"' + b"x" * 998 + b'"')))).status_code == 202


async def test_B30_a_body_at_the_limit_is_accepted_and_one_byte_more_is_not(api: Api) -> None:
    limit = api.settings.payload_bytes_max + ENVELOPE_BYTES_MAX
    event = EVENT % b"1"
    padded = event + b" " * (limit - len(event))
    for body in (padded + b" ", chunks(padded + b" ")):
        assert (await send(api, body)).json()["code"] == "payload_too_large"
    for body in (padded, chunks(padded)):
        assert (await send(api, body)).status_code == 202


async def test_B30_a_body_that_says_that_it_is_too_large_is_not_even_read(api: Api) -> None:
    was_read = False

    async def watched() -> AsyncIterator[bytes]:
        nonlocal was_read
        was_read = True
        yield b""

    answer = await send(api, watched(), **{"content-length": "100000000"})
    await assert_refused(api, answer, 413, "payload_too_large")
    assert not was_read


async def test_B30_an_endless_body_is_not_read_to_its_end(api: Api) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 50_000
            yield b" " * 50_000

    await assert_refused(api, await send(api, endless()), 413, "payload_too_large")
    assert sent < 2 * (api.settings.payload_bytes_max + ENVELOPE_BYTES_MAX)


async def test_B30_the_largest_metadata_fits_whatever_its_spelling(api: Api) -> None:
    name, value = "\\u00e9" * 60, "\\ud83d\\ude00" * 512
    entries = (f'"{number:04d}{name}": "{value}"' for number in range(32))
    payload = '"' + "x" * (api.settings.payload_bytes_max - 2) + '"'
    body = f'{{"event_type": "a", "payload": {payload}, "metadata": {{{", ".join(entries)}}}}}'
    assert (await send(api, body)).status_code == 202


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json;charset=utf-8",
        'Application/JSON; Charset="UTF-8"',
        "application/json; v=1",
    ],
)
async def test_B32_json_in_utf8_may_be_spelt_as_http_allows(api: Api, content_type: str) -> None:
    answer = await send(api, EVENT % b"1", **{"content-type": content_type})
    assert answer.status_code == 202


@pytest.mark.parametrize("where", ['{%s, "payload": 1}', '{"payload": 1, "metadata": {%s}}'])
async def test_B33_very_many_keys_are_answered_shortly_and_soon(api: Api, where: str) -> None:
    keys = ", ".join(f'"event_typ{number}": 0' for number in range(25_000))
    started = time.perf_counter()
    answer = await send(api, where % keys)
    assert time.perf_counter() - started < 1
    assert len(answer.content) < 10_000
    await assert_refused(api, answer, 400, "validation_failed")


async def test_B33_very_many_keys_in_the_payload_are_fine(api: Api) -> None:
    await api.accept("{" + ", ".join(f'"{number}": 0' for number in range(30_000)) + "}")


async def test_a_body_that_does_not_arrive_in_time_is_a_timeout() -> None:
    stop = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"event_type":'
        await stop.wait()

    async with running_api(body_seconds=0.05, request_seconds=0.01) as api:
        await assert_refused(api, await send(api, slow()), 408, "request_timeout")


async def test_the_clients_time_does_not_count_against_ours() -> None:
    async def slow() -> AsyncIterator[bytes]:
        for byte in EVENT % b"1":
            await asyncio.sleep(0.01)
            yield bytes([byte])

    async with running_api(body_seconds=10, request_seconds=0.2) as api:
        assert (await send(api, slow())).status_code == 202


@pytest.mark.parametrize("path", ["/v1/webhooks", "/v1/keys"])
async def test_bodies_of_other_calls_have_their_own_small_limit(api: Api, path: str) -> None:
    answer = await api.post(path, b" " * (64 * 1024 + 1))
    assert answer.json()["code"] == "payload_too_large"
