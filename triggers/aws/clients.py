"""The clients of DynamoDB, SQS and KMS, with every timeout said, and what their errors mean to us."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import aioboto3
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from triggers.aws.hot_calls import HotCalls
from triggers.aws.verified_session import VerifiedSession
from triggers.errors import StoreRefused, StoreUnavailable
from triggers.settings import Settings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_kms import KMSClient
    from types_aiobotocore_sqs import SQSClient

RECEIVE_WAIT_SECONDS = 20  # SQS's longest poll

CONDITION_FAILED = "ConditionalCheckFailedException"
INVALID = "ValidationError"  # of one statement or write among others
# What only a fault of ours can cause; everything else passes, or is somebody else's to mend.
_OUR_FAULTS = frozenset(
    {
        "ValidationException",
        "SerializationException",
        "InvalidParameterValue",
        "InvalidParameterCombination",
        "MissingParameter",
        # Of KMS: a data key that it did not wrap, or not for this tenant.
        "InvalidCiphertextException",
        "IncorrectKeyException",
    }
)

DYNAMODB_CONFIG = AioConfig(
    connect_timeout=1,
    read_timeout=2,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=64,
    tcp_keepalive=True,
    http_session_cls=VerifiedSession,
)
SEND_CONFIG = AioConfig(
    connect_timeout=0.5,
    read_timeout=0.5,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=32,
    tcp_keepalive=True,
    http_session_cls=VerifiedSession,
)
RECEIVE_CONFIG = AioConfig(
    connect_timeout=2,
    read_timeout=RECEIVE_WAIT_SECONDS + 5,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=8,
    tcp_keepalive=True,
    http_session_cls=VerifiedSession,
)
KMS_CONFIG = AioConfig(
    connect_timeout=1,
    read_timeout=2,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=8,
    tcp_keepalive=True,
    http_session_cls=VerifiedSession,
)


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The open clients. Receiving has its own, so that a long poll never holds up a send.

    `hot_…` are the calls of the hot path, by the client of the same name.

    `kms` is open where the settings name a key of it.
    """

    dynamodb: "DynamoDBClient"
    sqs_send: "SQSClient"
    sqs_receive: "SQSClient"
    kms: "KMSClient | None"
    hot_dynamodb: HotCalls
    hot_sqs_send: HotCalls
    hot_sqs_receive: HotCalls
    name_prefix: str

    def name(self, plain: str) -> str:
        """Return the name of a table or queue in this deployment."""
        return self.name_prefix + plain

    def plain_name(self, name: str) -> str:
        """Return the plain name of a table of this deployment."""
        return name.removeprefix(self.name_prefix)


@asynccontextmanager
async def open_clients(settings: Settings) -> AsyncIterator[Clients]:
    """Open the clients. Address, region, credentials come from AWS's own variables or the role."""
    # ECS sets AWS_REGION alone, which botocore does not read.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    session = aioboto3.Session(region_name=region)
    async with AsyncExitStack() as stack:

        async def client(service: Any, config: AioConfig) -> Any:
            return await stack.enter_async_context(session.client(service, config=config))

        dynamodb = await client("dynamodb", DYNAMODB_CONFIG)
        sqs_send = await client("sqs", SEND_CONFIG)
        sqs_receive = await client("sqs", RECEIVE_CONFIG)
        yield Clients(
            dynamodb=dynamodb,
            sqs_send=sqs_send,
            sqs_receive=sqs_receive,
            kms=await client("kms", KMS_CONFIG) if settings.kms_key_id else None,
            hot_dynamodb=HotCalls(dynamodb),
            hot_sqs_send=HotCalls(sqs_send),
            hot_sqs_receive=HotCalls(sqs_receive),
            name_prefix=settings.name_prefix,
        )


def error_code(error: ClientError) -> str:
    """Return the code of AWS's error."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def refused_item(error: ClientError) -> dict[str, Any] | None:
    """Return how the item stands whose condition did not hold; None when there is no such item."""
    return cast("dict[str, Any] | None", error.response.get("Item"))


@contextmanager
def calling(operation: str) -> Iterator[None]:
    """Turn botocore's errors into ours: StoreRefused for what is our fault, else StoreUnavailable.

    A 200 that is no answer of AWS's may come from something between. To botocore it is hardly an
    error, so what an answer must hold is taken out of it in here, where it may be missing.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code in _OUR_FAULTS:
            raise StoreRefused(f"{operation}: {error}") from error
        raise StoreUnavailable(f"{operation}: {code}") from error
    except (ResponseParserError, UnicodeDecodeError, KeyError) as error:
        raise StoreUnavailable(f"{operation}: unreadable answer") from error
    except (BotoCoreError, TimeoutError, OSError) as error:
        raise StoreUnavailable(f"{operation}: {type(error).__name__}") from error
