"""The operations of AWS that are called past its client, and what their answers hold.

See decision 0016. Of an answer only what a type names is read.
"""

from typing import Generic, TypedDict, TypeVar

import msgspec

Answer = TypeVar("Answer")


class Value(TypedDict, total=False):
    """An attribute of an item, which has one of these; binary comes as base64 and is bytes here."""

    S: str
    N: str
    B: bytes
    BOOL: bool
    NULL: bool
    SS: list[str]
    NS: list[str]
    BS: list[bytes]
    L: "list[Value]"
    M: "dict[str, Value]"


Item = dict[str, Value]


class StatementError(TypedDict, total=False):
    """Why a statement was not carried out. `Item` is how the item stands, if it was asked for."""

    Code: str
    Message: str
    Item: Item


class StatementAnswer(TypedDict, total=False):
    """What became of a statement."""

    Error: StatementError
    Item: Item


class StatementsAnswer(TypedDict, total=False):
    """Of BatchExecuteStatement."""

    Responses: list[StatementAnswer]


class UnprocessedKeys(TypedDict):
    """What was not read of a table."""

    Keys: list[Item]


class ItemsAnswer(TypedDict, total=False):
    """Of BatchGetItem, by table."""

    Responses: dict[str, list[Item]]
    UnprocessedKeys: dict[str, UnprocessedKeys]


class QueryAnswer(TypedDict, total=False):
    """Of Query. `LastEvaluatedKey` is there when more may follow."""

    Items: list[Item]
    LastEvaluatedKey: Item


class UpdateAnswer(TypedDict, total=False):
    """Of UpdateItem, which is not asked for what it wrote."""


class SentEntry(TypedDict):
    """A message that was taken."""

    Id: str


class FailedEntry(TypedDict):
    """A message that was not."""

    Id: str
    Code: str


class EntriesAnswer(TypedDict, total=False):
    """Of SendMessageBatch and DeleteMessageBatch."""

    Successful: list[SentEntry]
    Failed: list[FailedEntry]


class Message(TypedDict):
    """A message that was received."""

    Body: str
    ReceiptHandle: str


class MessagesAnswer(TypedDict, total=False):
    """Of ReceiveMessage; without messages it is empty."""

    Messages: list[Message]


class Operation(Generic[Answer]):
    """An operation, and how its answer is read: what its type does not name is passed over."""

    def __init__(self, name: str, answer: type[Answer]) -> None:
        self.name = name
        self.decoder = msgspec.json.Decoder(answer)


BATCH_EXECUTE_STATEMENT = Operation("BatchExecuteStatement", StatementsAnswer)
BATCH_GET_ITEM = Operation("BatchGetItem", ItemsAnswer)
QUERY = Operation("Query", QueryAnswer)
UPDATE_ITEM = Operation("UpdateItem", UpdateAnswer)
SEND_MESSAGE_BATCH = Operation("SendMessageBatch", EntriesAnswer)
DELETE_MESSAGE_BATCH = Operation("DeleteMessageBatch", EntriesAnswer)
RECEIVE_MESSAGE = Operation("ReceiveMessage", MessagesAnswer)
