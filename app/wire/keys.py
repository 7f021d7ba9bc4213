"""Keys on the wire. A key's text is shown once, in the answer to its creation."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.decoding import Check
from app.wire.events import WholeList
from app.wire.ids import KeyId
from app.wire.moments import Moment, moment_or_none
from triggers.api_keys import ApiKey, Scope
from triggers.times import rfc3339

Name = Annotated[
    str, Meta(min_length=1, max_length=128, description="1–128 characters", examples=["shop"])
]
# Its checksum is wrong: nobody can use it.
KEY_EXAMPLE = "trg_XQV8YJ4T6Z0M3S5B7C9KAN72AB_0123456789ABCDEFGHJKMNPQRSTVWXYZ0123456789ABCDE"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)  # a later one, as zones allow it, could not be written

TenantScope = Literal["events:write", "events:read", "inbox", "webhooks", "keys", "analytics"]
Scopes = Annotated[
    list[TenantScope],
    Meta(
        min_length=1,
        max_length=6,
        description="Of: events:write, events:read, inbox, webhooks, keys, analytics",
        examples=[["events:write"]],
    ),
]


class KeyIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key as it is created."""

    name: Name
    scopes: Scopes
    expires_at: (
        Annotated[
            datetime,
            Meta(
                tz=True,
                description="A moment to come, RFC 3339 with its zone; null: never. A key that "
                "expires makes none that outlives it: then its own moment is taken",
                examples=["2027-01-01T00:00:00Z"],
            ),
        ]
        | None
    ) = None


class KeyOut(Struct, frozen=True, kw_only=True):
    """A key as it is shown."""

    key_id: KeyId
    name: Name
    scopes: Annotated[
        list[Scope], Meta(description="What the key may do", examples=[["events:write"]])
    ]
    key: Annotated[
        str | UnsetType,
        Meta(
            description="Only in the answer to its creation: keep it safe",
            examples=[KEY_EXAMPLE],
        ),
    ] = UNSET
    created_at: Annotated[Moment, Meta(description="When it was made, in UTC")]
    expires_at: Annotated[
        Moment | None,
        Meta(
            description="From when on it is not valid any more, in UTC; null: never",
            examples=["2027-01-01T00:00:00.000Z"],
        ),
    ]


class KeyList(Struct, frozen=True, kw_only=True):
    """The keys of a tenant, oldest first."""

    keys: Annotated[list[KeyOut], Meta(description="All the keys")]
    next_cursor: WholeList = None


def key_checks(now_ms: int) -> dict[str, Check]:
    """Return what a key's fields must be beyond their form."""

    def check_expires_at(moment: datetime) -> str | None:
        if moment > _LAST:
            return "is later than the year 9999 in UTC"
        return None if _milliseconds(moment) > now_ms else "is not in the future"

    return {"expires_at": check_expires_at}


def scopes_of(sent: KeyIn) -> tuple[Scope, ...]:
    """Return the scopes that a key is to have, each once."""
    return tuple(Scope(text) for text in dict.fromkeys(sent.scopes))


def expires_ms_of(sent: KeyIn, maker: ApiKey | None) -> int | None:
    """Return when a key is to expire, in milliseconds since 1970: never after the key that makes it.

    The operator's, which is none of the tenant's, makes keys of any life.
    """
    asked_ms = None if sent.expires_at is None else _milliseconds(sent.expires_at)
    maker_ms = maker.expires_ms if maker else None
    return min((ms for ms in (asked_ms, maker_ms) if ms is not None), default=None)


def key_to_wire(key: ApiKey, text: str | UnsetType = UNSET) -> KeyOut:
    """Show a key; its text only when it was made just now."""
    return KeyOut(
        key_id=key.key_id,
        name=key.name,
        scopes=list(key.scopes),
        key=text,
        created_at=rfc3339(key.created_ms),
        expires_at=moment_or_none(key.expires_ms),
    )


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
