"""Calls of the HTTP API: signed where the key demands it, tried again where that is safe."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from msgspec import Struct

from triggers import VERSION, request_signatures
from triggers.cli.errors import CommandFailed, NoAnswer, Problem, Refused
from triggers.cli.targets import Target

ANSWER_SECONDS_MAX = 45.0  # above the 30 s that a call may wait for deliveries
CONNECT_SECONDS_MAX = 5.0
TRIES_MAX = 4
PAUSE_SECONDS_MAX = 15
PAGE_ITEMS_MAX = 100
RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
AHEAD_SECONDS_MAX = 120  # of the 300 by which the time of a signature may differ
_SAFE = frozenset({"GET", "HEAD"})
_ERRNO = re.compile(r"\[Errno -?\d+\] ")
_UNDONE = frozenset({429})  # nothing of the call has happened
_TYPE = "application/problem+json"
NOT_THE_API = "The answer is not one of the Triggers API: is the address right?"

Query = Mapping[str, str | list[str]]


def path_of(*parts: str) -> str:
    """Return the path of a thing of version 1; what was typed as an id stays one part of it."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def is_passing(error: CommandFailed) -> bool:
    """Tell whether a call that failed may succeed later."""
    if not isinstance(error, Refused | NoAnswer):
        return False
    return error.status is None or error.status in RETRYABLE


class Answer(Struct, frozen=True):
    """What the API answered: its status, its headers, its body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        """The body, decoded. Raises NoAnswer."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            raise NoAnswer(NOT_THE_API, self.status) from None


class Api:
    """The API of one service, called with one key, or with none."""

    def __init__(
        self,
        target: Target,
        *,
        notify: Callable[[str], None],
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._target = target
        self._notify = notify
        self._pause = pause
        self._signed_second = 0
        headers = {"user-agent": f"triggers-cli/{VERSION}", "accept": "application/json"}
        if target.key:
            headers["authorization"] = f"Bearer {target.key}"
        timeout = httpx.Timeout(ANSWER_SECONDS_MAX, connect=CONNECT_SECONDS_MAX)
        self._client = httpx.Client(
            base_url=target.api, headers=headers, timeout=timeout, transport=transport
        )

    def get(self, path: str, query: Query | None = None) -> Answer:
        """Read something. Raises Refused, NoAnswer."""
        return self.call("GET", path, query=query)

    def call(
        self,
        method: str,
        path: str,
        content: object = None,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        also: frozenset[int] = frozenset(),
        is_repeatable: bool = False,
    ) -> Answer:
        """Make a call; `content` is sent as JSON, bytes as they are. `also`: statuses that are no failure.

        A call that was refused because of too many others is tried again, up to four times in all; so is
        one that may be repeated, a read or one with idempotency keys, when nobody answers or the service
        asks to come back. Raises Refused, NoAnswer.
        """
        request = self._request(method, path, content, query, dict(headers or {}))
        if method in _SAFE or "idempotency-key" in request.headers:
            is_repeatable = True
        answer = self._answer(request, RETRYABLE - also, is_repeatable=is_repeatable)
        if not answer.is_success and answer.status_code not in also:
            raise self._refusal(answer)
        return Answer(answer.status_code, answer.headers, answer.content)

    def pages(self, path: str, name: str, query: Query, limit: int | None) -> Iterator[list[bytes]]:
        """Walk a list page by page; yield its items, each as it came. `limit`: at most so many; None: all."""
        asked, left = dict(query), limit
        while left is None or left > 0:
            asked["limit"] = str(PAGE_ITEMS_MAX if left is None else min(left, PAGE_ITEMS_MAX))
            items, cursor = _read_page(self.get(path, asked), name)
            yield items
            if cursor is None:
                return
            asked["cursor"] = cursor
            left = None if left is None else left - len(items)
        self._notify("there are more: --all shows them, or a higher --limit")

    def whole(self, path: str, name: str) -> list[bytes]:
        """Read a list that has one page; return its items, each as it came. Raises Refused, NoAnswer."""
        return _read_page(self.get(path), name)[0]

    def _request(
        self,
        method: str,
        path: str,
        content: object,
        query: Query | None,
        headers: dict[str, str],
    ) -> httpx.Request:
        body = content if isinstance(content, bytes) else None
        if content is not None and body is None:
            body = msgspec.json.encode(content)
        if body is not None:
            headers["content-type"] = "application/json"
        return self._client.build_request(method, path, params=query, content=body, headers=headers)

    def _answer(
        self, request: httpx.Request, retryable: frozenset[int], *, is_repeatable: bool
    ) -> httpx.Response:
        """Send until there is an answer to go by. Raises NoAnswer."""
        if not is_repeatable:
            retryable &= _UNDONE
        answer, trouble = self._try(request)
        for number in range(1, TRIES_MAX):
            seconds = _pause_seconds(answer, number)
            if seconds > PAUSE_SECONDS_MAX or not _is_to_repeat(
                answer, retryable, is_repeatable=is_repeatable
            ):
                break
            self._notify(f"{trouble}; trying again in {seconds:g} s")
            self._pause(seconds)
            answer, trouble = self._try(request)
        if self._is_used_up(answer):
            answer, trouble = self._try(request)
        if answer is None:
            raise NoAnswer(f"{self._target.api} does not answer: {trouble}; is it running?")
        return answer

    def _is_used_up(self, answer: httpx.Response | None) -> bool:
        """Tell whether another run may have made the same signature in the same second."""
        if answer is None or not self._target.signing_secret:
            return False
        return (
            answer.status_code == HTTPStatus.UNAUTHORIZED
            and b'"signature_invalid"' in answer.content
        )

    def _try(self, request: httpx.Request) -> tuple[httpx.Response | None, str]:
        """Send once; return the answer or None, and what went wrong, in words."""
        if self._target.signing_secret:
            request.headers.update(self._signature(request, self._target.signing_secret))
        try:
            answer = self._client.send(request)
        except httpx.TimeoutException:
            return None, "no answer in time"
        except (httpx.RequestError, UnicodeError) as error:
            return None, _ERRNO.sub("", str(error)) or type(error).__name__
        return answer, f"the service answered {answer.status_code}"

    def _signature(self, request: httpx.Request, secret: str) -> dict[str, str]:
        """Sign a request; each at a second of its own, since a signature is accepted once."""
        now = int(time.time())
        self._signed_second = max(now, self._signed_second + 1)
        if self._signed_second - now > AHEAD_SECONDS_MAX:
            self._pause(1.0)
        timestamp = str(self._signed_second)
        signed = request_signatures.string_to_sign(
            timestamp, request.method, request.url.raw_path, request.content
        )
        signature = request_signatures.sign(secret, signed)
        return {"x-triggers-timestamp": timestamp, "x-triggers-signature": signature}

    def _refusal(self, answer: httpx.Response) -> CommandFailed:
        if not answer.headers.get("content-type", "").startswith(_TYPE):
            where = f"{answer.request.method} {answer.request.url}"
            return NoAnswer(
                f"{where} answered {answer.status_code}, and not as the Triggers API does",
                answer.status_code,
            )
        try:
            problem = msgspec.json.decode(answer.content, type=Problem)
            page = str(answer.request.url.join(problem.type))
        except (msgspec.MsgspecError, httpx.InvalidURL):
            return NoAnswer(NOT_THE_API, answer.status_code)
        return Refused(problem, answer.content, page, self._cure(page))

    def _cure(self, page: str) -> str | None:
        """Ask the page of a problem what to do; it is no failure when that does not answer."""
        if urlsplit(page).netloc != urlsplit(self._target.api).netloc:
            return None
        try:
            answer = httpx.get(page, headers={"accept": "application/json"}, timeout=2.0)
            return str(answer.json()["cure"]) if answer.is_success else None
        except (httpx.HTTPError, ValueError, KeyError):
            return None


def _read_page(answer: Answer, name: str) -> tuple[list[bytes], str | None]:
    """Return the items of a page, and the cursor of the next."""
    try:
        page = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
        items = msgspec.json.decode(page[name], type=list[msgspec.Raw])
        cursor = msgspec.json.decode(page["next_cursor"], type=str | None)
    except (msgspec.MsgspecError, KeyError):
        raise NoAnswer(NOT_THE_API, answer.status) from None
    return [bytes(item) for item in items], cursor


def _is_to_repeat(
    answer: httpx.Response | None, retryable: frozenset[int], *, is_repeatable: bool
) -> bool:
    return is_repeatable if answer is None else answer.status_code in retryable


def _pause_seconds(answer: httpx.Response | None, number: int) -> float:
    """How long to wait before the next try: what the service says, else 0.5, 1, 2 s."""
    said = answer.headers.get("retry-after", "") if answer is not None else ""
    return float(said) if said.isascii() and said.isdigit() else 2.0 ** (number - 2)
