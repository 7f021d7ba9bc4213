"""The calls of the hot path, without most of what botocore does for each: see decision 0016.

From the client come the endpoint, the credentials, and the HTTP session with its pool, certificates
and timeouts; it also makes sense of errors. Requests and answers are the services' own JSON (the AWS
JSON 1.0 protocol).
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError
from yarl import URL

from triggers import exchanges
from triggers.aws.operations import Answer, Operation
from triggers.aws.signing import Signer
from triggers.errors import StoreUnavailable

PAUSE_SECONDS = 0.5  # at most, before the second attempt; before each further one twice as long
# What botocore's standard mode tries again as well, of these services.
_PASSING_STATUSES = frozenset({500, 502, 503, 504})
_PASSING_CODES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)


class HotCalls:
    """Calls operations of a client's service with the client's own means."""

    def __init__(self, client: Any) -> None:
        self._client = client
        model = client.meta.service_model
        self._address = URL(f"{client.meta.endpoint_url.rstrip('/')}/", encoded=True)
        self._destination = exchanges.Destination(self._address)
        # How proxies are told is the matter of the client's HTTP sessions, one for each proxy.
        self._sessions = client._endpoint.http_session  # noqa: SLF001 aiobotocore is pinned
        self._proxy: str | None = self._sessions._proxy_config.proxy_url_for(str(self._address))  # noqa: SLF001 as above
        self._target = f"{model.metadata['targetPrefix']}."
        self._signer = Signer(
            self._address, service=model.signing_name, region=client.meta.region_name
        )
        self._unsigned = {
            "User-Agent": client.meta.config.user_agent,
            "Accept-Encoding": "identity",
        }
        self._attempts_max: int = client.meta.config.retries["total_max_attempts"]

    async def call(self, operation: Operation[Answer], request: Mapping[str, Any]) -> Answer:
        """Call an operation; what may pass is tried again, as often as the client would.

        Raises StoreUnavailable when there is no answer or none that can be read, and ClientError
        for one that says no.
        """
        body = msgspec.json.encode(request)
        for attempt in range(self._attempts_max - 1):
            try:
                return await self._call(operation, body)
            except StoreUnavailable:
                pass
            except ClientError as error:
                if not _may_pass(error):
                    raise
            # With full jitter: who was throttled together must not come back together.
            await asyncio.sleep(random.random() * PAUSE_SECONDS * 2**attempt)  # noqa: S311 no secret
        return await self._call(operation, body)

    async def _call(self, operation: Operation[Answer], body: bytes) -> Answer:
        headers = await self._sign(operation.name, body)
        try:
            answer = await self._post(headers, body)
        except exchanges.FAILURES as error:
            raise StoreUnavailable(f"{operation.name}: {type(error).__name__}") from error
        if answer.status != 200:
            raise await self._error(operation.name, answer)
        try:
            return operation.decoder.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # broken off on its way
            raise StoreUnavailable(f"{operation.name}: unreadable answer") from error

    async def _sign(self, operation: str, body: bytes) -> dict[str, str]:
        """Return all headers of a call. Temporary credentials are renewed when it is time.

        Raises NoCredentialsError.
        """
        credentials = self._client._request_signer._credentials  # noqa: SLF001 as above
        if credentials is None:
            raise NoCredentialsError
        frozen = await credentials.get_frozen_credentials()
        return self._signer.sign(frozen, self._target + operation, body) | self._unsigned

    async def _post(self, headers: dict[str, str], body: bytes) -> exchanges.WholeAnswer:
        session = await self._sessions._get_session(self._proxy)  # noqa: SLF001 aiobotocore is pinned
        if self._proxy is not None:
            return await exchanges.post_by_proxy(session, self._proxy, self._address, headers, body)
        # Without one aiohttp's own way is left out: it took a third of a call.
        return await exchanges.post(
            session.connector, self._destination, headers, body, session.timeout
        )

    async def _error(self, operation: str, answer: exchanges.WholeAnswer) -> ClientError:
        """Return what an answer says, as the client would understand it. Raises StoreUnavailable."""
        model = self._client.meta.service_model
        parser = self._client._response_parser  # noqa: SLF001 as above
        told = {
            "status_code": answer.status,
            "headers": answer.headers,
            "body": answer.body,
            "context": {"operation_name": operation},
        }
        try:
            parsed = await parser.parse(told, model.operation_model(operation).output_shape)
            # What comes with this error alone, as the item that stands there.
            details = model.shape_for_error_code(parsed["Error"]["Code"])
            if details is not None:
                parsed.update(await parser.parse(told, details))
        except (ResponseParserError, AttributeError, KeyError, TypeError) as error:
            # The parser takes for granted that what comes from AWS is an object.
            raise StoreUnavailable(f"{operation}: unreadable answer") from error
        return ClientError(parsed, operation)


def _may_pass(error: ClientError) -> bool:
    told: Any = error.response
    status = told.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in _PASSING_STATUSES or told.get("Error", {}).get("Code") in _PASSING_CODES
