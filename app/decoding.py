"""From JSON text or a query string to a struct, with every error of it in words.

The fast path is one decode. Only when that fails, each field is decoded on its own, so that all
errors are told and not just the first.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Raw, Struct

from triggers.errors import FieldError, MalformedJson, ValidationFailed

S = TypeVar("S", bound=Struct)

Check = Callable[[Any], str | None]
"""Judges a field that has the right form: says what is wrong with it, or None."""

BODY = "body"  # the name of the whole, where an error is in no field
ERRORS_MAX = 20  # a body of a million unknown keys is not worth a million answers
PARTS_MAX = 1_000  # nor is it worth looking at each of them
NAME_CHARACTERS_MAX = 64

_JSON_NAMES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
    "datetime": "a time as RFC 3339 writes it",
}
_WRONG_TYPE = re.compile(r"Expected `(?P<expected>[a-z| ]+)`, got `(?P<got>[a-z]+)`")
_WRONG_SIZE = re.compile(r"Expected `(?P<kind>\w+)` of length (?P<sign>[<>]=) (?P<limit>\d+)")
_WRONG_NUMBER = re.compile(r"Expected `(?:int|float)` (?P<sign>[<>]=?) (?P<limit>-?[\d.]+)")
_OTHER_ISSUES = {
    "datetime": "is not a time with its zone, as RFC 3339 writes it",
    "matching regex": "has characters, or an order of them, that are not allowed",
    "out of range": "is out of range",
}
_UNITS = {"str": "characters", "array": "items", "object": "entries"}


def decode_json(kind: type[S], body: bytes, checks: Mapping[str, Check] | None = None) -> S:
    """Decode a body. Raises MalformedJson, or ValidationFailed with all that is wrong.

    `checks` judge single fields further. Of a key that comes twice the last counts: that is what
    most parsers do, and to find it out would cost a second decode of every event.
    """
    if not body:
        raise MalformedJson("it is empty")
    try:
        return _decode(kind, body, checks or {})
    except RecursionError:
        raise MalformedJson("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise MalformedJson("it is not UTF-8") from None
    except msgspec.DecodeError as error:
        raise MalformedJson(_reason(error)) from None


def decode_query(kind: type[S], query: bytes) -> S:
    """Decode a query string.

    Raises ValidationFailed with all that is wrong, unknown and repeated parameters too.
    """
    if not query:
        return kind()
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    values = dict(pairs)
    errors = list(islice(_unknown(kind, values), ERRORS_MAX))
    for name, hint in _hints(kind).items():
        given = [text for found, text in pairs if found == name]
        if len(given) > 1:
            errors.append(FieldError(field=name, issue="is given more than once"))
        elif given and (issue := _issue_of_text(hint, given[0])):
            errors.append(FieldError(field=name, issue=issue, suggestion=_description(hint)))
    if errors:
        raise ValidationFailed(errors)
    return msgspec.convert(values, kind, strict=False)


def _decode(kind: type[S], body: bytes, checks: Mapping[str, Check]) -> S:
    try:
        value: S = _decoder(kind).decode(body)
    except msgspec.ValidationError:
        # The decoder stopped there: what comes after may not even be JSON, and then that is told.
        raise ValidationFailed(_errors_of_body(kind, body, checks)) from None
    if checks and (errors := list(_failed_checks(kind, msgspec.structs.asdict(value), checks))):
        raise ValidationFailed(errors)
    return value


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _errors_of_body(
    kind: type[Struct], body: bytes, checks: Mapping[str, Check]
) -> list[FieldError]:
    errors = list(_errors(kind, Raw(body), ""))
    wrong = {re.split(r"[.\[]", error.field)[0] for error in errors}
    if BODY in wrong:
        return errors
    parts = _decoder(dict[str, Raw]).decode(body)
    right = {n: h for n, h in _hints(kind).items() if n in parts and n not in wrong}
    values = {name: _decoder(hint).decode(parts[name]) for name, hint in right.items()}
    return errors + list(_failed_checks(kind, values, checks))


def _failed_checks(
    kind: type[Struct], values: Mapping[str, Any], checks: Mapping[str, Check]
) -> Iterator[FieldError]:
    for name, check in checks.items():
        value = values.get(name)
        issue = None if value is None or value is UNSET else check(value)
        if issue is not None:
            suggestion = _description(_hints(kind)[name])
            yield FieldError(field=name, issue=issue, suggestion=suggestion)


def _errors(hint: Any, raw: Raw, path: str) -> Iterator[FieldError]:
    """Tell what is wrong with a value: with its parts, or if those are right, with the whole."""
    try:
        _decoder(hint).decode(raw)
    except msgspec.ValidationError as error:
        of_parts = (e for choice in _choices(hint) for e in _errors_of_parts(choice, raw, path))
        found = list(islice(of_parts, ERRORS_MAX))
        issue = _issue(str(error), hint)
        whole = FieldError(field=path or BODY, issue=issue, suggestion=_description(hint))
        yield from found or [whole]


def _errors_of_parts(hint: Any, raw: Raw, path: str) -> Iterator[FieldError]:
    dot = f"{path}." if path else ""
    origin = get_origin(hint)
    try:
        if isinstance(hint, type) and issubclass(hint, Struct):
            yield from _errors_of_fields(hint, _decoder(dict[str, Raw]).decode(raw), dot)
        elif origin is dict:
            of_key, of_value = get_args(hint)
            entries = _decoder(dict[str, Raw]).decode(raw).items()
            for key, part in islice(entries, PARTS_MAX):
                name = dot + key[:NAME_CHARACTERS_MAX]
                yield from _errors(of_key, Raw(msgspec.json.encode(key)), name)
                yield from _errors(of_value, part, name)
        elif origin is list:
            items = _decoder(list[Raw]).decode(raw)
            for index, part in enumerate(items[:PARTS_MAX]):
                yield from _errors(get_args(hint)[0], part, f"{path}[{index}]")
    except msgspec.ValidationError:
        return  # not even of the right type: the whole is wrong, and has no parts


def _errors_of_fields(
    kind: type[Struct], parts: Mapping[str, Raw], dot: str
) -> Iterator[FieldError]:
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    for name, hint in _hints(kind).items():
        if name in parts:
            yield from _errors(hint, parts[name], dot + name)
        elif name in required:
            yield FieldError(field=dot + name, issue="is required", suggestion=_description(hint))
    yield from _unknown(kind, parts, dot)


def _unknown(kind: type[Struct], given: Mapping[str, Any], dot: str = "") -> Iterator[FieldError]:
    known = list(_hints(kind))
    for name in given:
        if name not in known:
            short = name[:NAME_CHARACTERS_MAX]
            near = difflib.get_close_matches(short, known, n=1)
            names = ", ".join(known) or "none"
            suggestion = f"Did you mean {near[0]}?" if near else f"Known here: {names}"
            yield FieldError(field=dot + short, issue="is not known", suggestion=suggestion)


@cache
def _hints(kind: type[Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _choices(hint: Any) -> list[Any]:
    """Return the types that a hint leaves to choose from, without their annotations."""
    if get_origin(hint) is Annotated:
        return _choices(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return [choice for part in get_args(hint) for choice in _choices(part)]
    return [hint]


def _description(hint: Any) -> str | None:
    """Return what a field's annotation says: it names the limits, so it suggests best."""
    if get_origin(hint) in (Union, UnionType):
        return next((d for a in get_args(hint) if (d := _description(a))), None)
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    return None


def _issue_of_text(hint: Any, text: str) -> str | None:
    # Only numbers are read out of a text: else "0.5" were a time, and "null" nothing at all.
    is_number = any(choice in (int, float, bool) for choice in _choices(hint))
    try:
        msgspec.convert(text, hint, strict=not is_number)
    except msgspec.ValidationError as error:
        return _issue(str(error), hint)
    return None


def _issue(message: str, hint: Any) -> str:
    """Put msgspec's message into the words of the API. No value from the request comes into it."""
    message = message.partition(" - at ")[0]
    if match := _WRONG_TYPE.fullmatch(message):
        expected = [_JSON_NAMES.get(name, name) for name in match["expected"].split(" | ")]
        return f"is {_JSON_NAMES.get(match['got'], match['got'])}, must be {' or '.join(expected)}"
    if match := _WRONG_SIZE.fullmatch(message):
        if (match["sign"], match["limit"]) == (">=", "1"):
            return "must not be empty"
        comparison = "longer" if match["sign"] == "<=" else "shorter"
        return f"{comparison} than {match['limit']} {_UNITS.get(match['kind'], 'items')}"
    if match := _WRONG_NUMBER.fullmatch(message):
        return f"{'greater' if match['sign'][0] == '<' else 'less'} than {match['limit']}"
    if message.startswith("Invalid enum value"):
        return f"is not one of {', '.join(_enumerated(hint))}"
    return next((issue for part, issue in _OTHER_ISSUES.items() if part in message), "is not valid")


def _enumerated(hint: Any) -> list[str]:
    schema = msgspec.json.schema(hint)
    found = [schema, *schema.get("anyOf", ()), *schema.get("$defs", {}).values()]
    return [str(value) for part in found for value in part.get("enum", ())]


def _reason(error: msgspec.DecodeError) -> str:
    return str(error).removeprefix("JSON is malformed: ")
