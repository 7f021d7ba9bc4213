"""A problem on the wire, as RFC 9457 has it; and what is to be known of a kind of problem."""

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
ErrorStatus = Annotated[int, Meta(ge=400, le=599, description="The HTTP status", examples=[400])]
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
    status: ErrorStatus
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


class ProblemExample(Struct, frozen=True, kw_only=True):
    """A request that leads to a problem, and its answer."""

    given: Annotated[
        str,
        Meta(
            description="What must be so before; empty: nothing",
            examples=["The key has the scope `events:write` alone."],
        ),
    ]
    request: Annotated[
        str,
        Meta(
            description="The request as a command of the shell; `API` is the address of the "
            "service, `KEY` a key",
            examples=['curl "$API/v1/inbox" -H "Authorization: Bearer $KEY"'],
        ),
    ]
    answer: Annotated[ProblemDocument, Meta(description="What it is answered with")]


class ProblemOut(Struct, frozen=True, kw_only=True):
    """A kind of problem: what leads to it, and what to do."""

    type: PageAddress
    code: Code
    status: ErrorStatus
    title: Title
    cause: Annotated[
        str,
        Meta(
            description="What leads to it",
            examples=["One or more fields break a rule."],
        ),
    ]
    cure: Annotated[
        str, Meta(description="What to do", examples=["Correct every field that `errors` names."])
    ]
    retryable: Annotated[
        bool,
        Meta(
            description="Whether to send the same request again, after a pause, is the cure",
            examples=[False],
        ),
    ]
    example: Annotated[ProblemExample, Meta(description="A request that leads to it")]


class ProblemList(Struct, frozen=True, kw_only=True):
    """All the problems there are, by their statuses."""

    problems: Annotated[list[ProblemOut], Meta(description="All of them")]
