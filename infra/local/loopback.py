"""Ports and small HTTP calls on this machine, with the standard library alone: a start must be quick."""

import asyncio
import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
POLL_SECONDS = 0.05
CALL_SECONDS = 10.0
READY_SECONDS_MAX = 30.0


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def why_not_free(port: int) -> str | None:
    """Say why no server could listen on a port now, or None. Closing connections do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return "needs rights that you do not have"
        except OSError:
            return "is taken"
        return None


async def call(
    method: str,
    url: str,
    *,
    key: str | None = None,
    content: Mapping[str, object] | None = None,
    seconds: float = CALL_SECONDS,
) -> tuple[int, Any]:
    """Send one request; return the status and the body, decoded when it is JSON.

    Raises OSError when nobody answers.
    """
    return await asyncio.to_thread(_call, method, url, key, content, seconds)


async def wait_until_ready(url: str, seconds: float = READY_SECONDS_MAX) -> None:
    """Ask an address until it answers 200. Raises TimeoutError, which names it."""
    try:
        async with asyncio.timeout(seconds):
            while not await _is_ready(url):
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"{url} has not answered 200 within {seconds:g} s") from None


async def _is_ready(url: str) -> bool:
    try:
        status, _ = await call("GET", url, seconds=1)
    except OSError:
        return False
    return status == 200


def _call(
    method: str, url: str, key: str | None, content: Mapping[str, object] | None, seconds: float
) -> tuple[int, Any]:
    address = urlsplit(url)
    headers = {"Content-Type": "application/json"} if content is not None else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    body = json.dumps(content) if content is not None else None
    connection = http.client.HTTPConnection(address.netloc, timeout=seconds)
    try:
        connection.request(method, address.path or "/", body, headers)
        response = connection.getresponse()
        return response.status, _decode(response.read())
    except http.client.HTTPException as error:
        raise OSError(f"{url} broke off: {error}") from error
    finally:
        connection.close()


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
