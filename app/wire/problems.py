"""A problem on the wire, as RFC 9457 has it."""

from typing import Annotated

from msgspec import Meta, Struct

from triggers.errors import FieldError

MEDIA_TYPE = "application/problem+json"
PAGES = "/docs/problems/"


PageAddress = Annotated[
    str,
    Meta(
        description="Where a page explains this kind of error",
        examples=[PAGES + "validation_failed"],
        extra_json_schema={"format": "uri-reference"},
    ),
]
Title = Annotated[
    str, Meta(description="The kind of error in words", examples=["The request is not valid"])
]
Code = Annotated[
    str,
    Meta(
        description="The kind of error, for programs; it never changes",
        examples=["validation_failed"],
    ),
]
Detail = Annotated[
    str,
    Meta(description="What is wrong here", examples=["event_type: longer than 128 characters"]),
]
FieldErrors = Annotated[
    list[FieldError], Meta(description="Of `validation_failed`: all that is wrong, at most 20")
]


class ProblemDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every answer that is an error."""

    type: PageAddress
    title: Title
    status: Annotated[int, Meta(ge=400, le=599, description="The HTTP status", examples=[400])]
    code: Code
    detail: Detail
    request_id: Annotated[
        str,
        Meta(
            description="The id of the request, as in `X-Request-ID`",
            examples=["req_7Z0M3S5B7C9KAN72XQV8"],
        ),
    ]
    correlation_id: Annotated[
        str,
        Meta(
            description="As in `X-Correlation-ID`",
            examples=["corr_7Z0M3S5B7C9KAN72XQV8"],
        ),
    ]
    errors: FieldErrors = []
