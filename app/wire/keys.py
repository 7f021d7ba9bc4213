"""Keys on the wire. A key's text is shown once, in the answer that made it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.decoding import Check
from app.wire.events import WholeList
from app.wire.ids import KeyId
from app.wire.moments import Moment, moment_or_none
from triggers.api_keys import ApiKey, Scope
from triggers.key_rights import within_life
from triggers.networks import canonical_cidr, issue_with_cidr
from triggers.times import rfc3339

CIDRS_MAX = 50
CALLS_PER_SECOND_MAX = 100_000
OVERLAP_SECONDS_DEFAULT = 24 * 3600
OVERLAP_SECONDS_MAX = 7 * 24 * 3600

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)  # a later one, as zones allow it, could not be written

Name = Annotated[
    str, Meta(min_length=1, max_length=128, description="1–128 characters", examples=["shop"])
]
# Their checksum is wrong, or their bytes are known: nobody can use them.
KEY_EXAMPLE = "trg_XQV8YJ4T6Z0M3S5B7C9KAN72AB_0123456789ABCDEFGHJKMNPQRSTVWXYZ0123456789ABCDE"
SIGNING_SECRET_EXAMPLE = "sig_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"  # noqa: S105 of the documentation
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
ExpiresAt = Annotated[
    datetime,
    Meta(
        tz=True,
        description="A moment to come, RFC 3339 with its zone; null: never. A key that "
        "expires gives none a longer life than it has: then its own moment is taken",
        examples=["2027-01-01T00:00:00Z"],
    ),
]
CallsPerSecond = Annotated[
    int,
    Meta(
        ge=1,
        le=CALLS_PER_SECOND_MAX,
        description="1–100,000 calls a second, within what the tenant may; null: the tenant's",
        examples=[50],
    ),
]
Cidrs = Annotated[
    list[Annotated[str, Meta(max_length=49, extra_json_schema={"format": "cidr"})]],
    Meta(
        max_length=CIDRS_MAX,
        description="At most 50 networks, IPv4 or IPv6, from which alone the key may be used, each "
        "with no bits set behind its prefix; none, or null: from everywhere",
        examples=[["203.0.113.0/24", "2001:db8::/32"]],
    ),
]
RequireSignature = Annotated[
    bool,
    Meta(
        description="Whether each request of the key must be signed; the answer that turns it on "
        "shows the `signing_secret`",
        examples=[False],
    ),
]
OverlapSeconds = Annotated[
    int,
    Meta(
        ge=0,
        le=OVERLAP_SECONDS_MAX,
        description="0–604800 seconds for which the old text and signing secret live on",
        examples=[OVERLAP_SECONDS_DEFAULT],
    ),
]


class KeyIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key as it is created."""

    name: Name
    scopes: Scopes
    expires_at: ExpiresAt | None = None
    rate_limit: CallsPerSecond | None = None
    allowed_cidrs: Cidrs | None = None
    require_signature: RequireSignature = False


class KeyPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of a key. What is absent stays; null clears."""

    name: Name | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    expires_at: ExpiresAt | UnsetType | None = UNSET
    rate_limit: CallsPerSecond | UnsetType | None = UNSET
    allowed_cidrs: Cidrs | UnsetType | None = UNSET
    require_signature: RequireSignature | UnsetType = UNSET


class KeyRotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a key is rotated."""

    overlap_seconds: OverlapSeconds = OVERLAP_SECONDS_DEFAULT


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
            description="The key itself, only in the answer that made it: keep it safe",
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
    version: Annotated[
        int, Meta(ge=1, description="1, and one more with each rotation", examples=[1])
    ]
    old_version_expires_at: Annotated[
        Moment | None,
        Meta(
            description="Until when the text before the last rotation is valid, in UTC; null: it "
            "is not",
            examples=[None],
        ),
    ]
    rate_limit: CallsPerSecond | None
    allowed_cidrs: Cidrs
    require_signature: RequireSignature
    signing_secret: Annotated[
        str | UnsetType,
        Meta(
            description="Its text, `sig_` included, is the key of the HMAC that signs requests; only in "
            "the answer that made it: keep it safe",
            examples=[SIGNING_SECRET_EXAMPLE],
        ),
    ] = UNSET
    last_used_at: Annotated[
        Moment | None,
        Meta(
            description="In UTC, right to a minute or so; null: never, or not in the last two years",
            examples=["2026-11-22T05:29:00.123Z"],
        ),
    ]


class KeyList(Struct, frozen=True, kw_only=True):
    """The keys of a tenant, oldest first."""

    keys: Annotated[list[KeyOut], Meta(description="All the keys, 100 at most")]
    next_cursor: WholeList = None


def key_checks(now_ms: int) -> dict[str, Check]:
    """Return what a key's fields must be beyond their form."""

    def check_expires_at(moment: datetime) -> str | None:
        if moment > _LAST:
            return "is later than the year 9999 in UTC"
        return None if _milliseconds(moment) > now_ms else "is not in the future"

    return {"expires_at": check_expires_at, "allowed_cidrs": _check_cidrs}


def values_of(sent: KeyIn | KeyPatch, maker: ApiKey | None) -> dict[str, Any]:
    """Return what was sent as values of a key, without what is absent.

    A key never lives longer than the one that makes or changes it; None is the operator, whose own
    key is none of the tenant's.
    """
    values: dict[str, Any] = {}
    if sent.name is not UNSET:
        values["name"] = sent.name
    if sent.scopes is not UNSET:
        values["scopes"] = tuple(Scope(text) for text in dict.fromkeys(sent.scopes))
    if sent.expires_at is not UNSET:
        asked_ms = None if sent.expires_at is None else _milliseconds(sent.expires_at)
        values["expires_ms"] = within_life(maker, asked_ms) if maker else asked_ms
    if sent.rate_limit is not UNSET:
        values["rate_limit"] = sent.rate_limit
    if sent.allowed_cidrs is not UNSET:
        cidrs = (canonical_cidr(text) for text in sent.allowed_cidrs or ())
        values["allowed_cidrs"] = tuple(dict.fromkeys(cidrs))
    if sent.require_signature is not UNSET:
        values["require_signature"] = sent.require_signature
    return values


def key_to_wire(
    key: ApiKey,
    *,
    now_ms: int,
    text: str | None = None,
    signing_secret: str | None = None,
    last_used_ms: int | None = None,
) -> KeyOut:
    """Show a key; its text and its signing secret only when they were made just now."""
    old = key.old_version
    return KeyOut(
        key_id=key.key_id,
        name=key.name,
        scopes=list(key.scopes),
        key=text or UNSET,
        created_at=rfc3339(key.created_ms),
        expires_at=moment_or_none(key.expires_ms),
        version=key.version,
        old_version_expires_at=moment_or_none(
            old.until_ms if old is not None and now_ms < old.until_ms else None
        ),
        rate_limit=key.rate_limit,
        allowed_cidrs=list(key.allowed_cidrs),
        require_signature=key.require_signature,
        signing_secret=signing_secret or UNSET,
        last_used_at=moment_or_none(last_used_ms),
    )


def _check_cidrs(texts: list[str]) -> str | None:
    for number, text in enumerate(texts):
        issue = issue_with_cidr(text)
        if issue is not None:
            return f"entry {number} {issue}"
    return None


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
