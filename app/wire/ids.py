"""Identifiers on the wire: their forms, for the paths and the fields that hold them."""

from typing import Annotated

from msgspec import Meta

_CROCKFORD = "[0-9A-HJKMNP-TV-Z]"

EventId = Annotated[
    str,
    Meta(
        description="The id of an event, as the answer to its acceptance gave it",
        pattern=f"^evt_[0-7]{_CROCKFORD}{{25}}$",
        examples=["evt_01KAN72XQV8YJ4T6Z0M3S5B7C9"],
    ),
]
WebhookId = Annotated[
    str,
    Meta(
        description="The id of a webhook",
        pattern=f"^wh_{_CROCKFORD}{{20}}$",
        examples=["wh_7Z0M3S5B7C9KAN72XQV8"],
    ),
]
KeyId = Annotated[
    str,
    Meta(
        description="The id of a key: what stands between the underscores of its text",
        pattern=f"^{_CROCKFORD}{{26}}$",
        examples=["XQV8YJ4T6Z0M3S5B7C9KAN72AB"],
    ),
]
TenantId = Annotated[
    str,
    Meta(
        description="The id of a tenant",
        pattern=f"^ten_{_CROCKFORD}{{16}}$",
        examples=["ten_XQV8YJ4T6Z0M3S5B"],
    ),
]
JobId = Annotated[
    str,
    Meta(
        description="The id of a job",
        pattern=f"^job_{_CROCKFORD}+$",
        max_length=64,
        examples=["job_01KAN72XQV8YJ4T6Z0M3S5B7C9"],
    ),
]
CorrelationId = Annotated[
    str,
    Meta(
        description="What the request brought as `X-Correlation-ID`, or what was made for it",
        max_length=128,
        examples=["corr_7Z0M3S5B7C9KAN72XQV8"],
    ),
]
