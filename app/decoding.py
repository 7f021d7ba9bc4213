"""From JSON text or a query string to a struct, with every error of it in words.

The fast path is one decode. Only when that fails, each field is decoded on its own, so that all
errors are told and not just the first.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
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
"""Judges a field that has the right form: says what is wrong with it, or None.

A check named `field.entry` judges the whole field, and what it says is told of that entry."""

BODY = "body"  # the name of the whole, where an error is in no field
QUERY = "query"
ONE_OBJECT = "Send one JSON object"  # what is suggested for the whole
ERRORS_MAX = 20  # a body of a million unknown keys is not worth a million answers
PARTS_MAX = 1_000  # nor is it worth looking at each of them
NAME_CHARACTERS_MAX = 64

_AS_TOLD = "Send it as the documentation has it"
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
    """Decode a query string. A list may come any number of times, `d.key=value` fills a dict `d`.

    Raises ValidationFailed with all that is wrong, unknown and repeated parameters too.
    """
    if not query:
        return kind()
    given = _given(query)
    errors = list(islice(_unknown_parameters(kind, given), ERRORS_MAX))
    values: dict[str, Any] = {}
    for name, hint in _hints(kind).items():
        parts = _parameters(name, hint, given)
        repeated = [p for p in parts if len(given[p]) > 1 and _origin(hint) is not list]
        errors += map(_given_more_than_once, repeated[:ERRORS_MAX])
        for part in parts:
            _put(values, name, part, hint, given[part])
        if parts and not repeated:
            found = list(islice(_errors_of_text(hint, values[name], name), ERRORS_MAX))
            values[name] = None if found else _value_of_text(hint, values[name])
            errors += found
    if errors:
        raise ValidationFailed(errors)
    return kind(**values)


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
    errors = list(_errors(kind, Raw(body), "", ONE_OBJECT))
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
        field = name.partition(".")[0]
        value = values.get(field)
        issue = None if value is None or value is UNSET else check(value)
        if issue is not None:
            suggestion = _suggestion(_hints(kind)[field], ONE_OBJECT)
            yield FieldError(field=name, issue=issue, suggestion=suggestion)


def _errors(hint: Any, raw: Raw, path: str, around: str) -> Iterator[FieldError]:
    """Tell what is wrong with a value: with its parts, or if those are right, with the whole.

    `around` is what is suggested for what it is a part of.
    """
    try:
        _decoder(hint).decode(raw)
    except msgspec.ValidationError as error:
        told, issue = _suggestion(hint, around), _issue(str(error), hint)
        of_parts = (e for c in _choices(hint) for e in _errors_of_parts(c, raw, path, told))
        found = list(islice(of_parts, ERRORS_MAX))
        whole = FieldError(field=path or BODY, issue=issue, suggestion=told)
        yield from found or [whole]


def _errors_of_parts(hint: Any, raw: Raw, path: str, around: str) -> Iterator[FieldError]:
    dot = f"{path}." if path else ""
    origin = get_origin(hint)
    try:
        if isinstance(hint, type) and issubclass(hint, Struct):
            yield from _errors_of_fields(hint, _decoder(dict[str, Raw]).decode(raw), dot, around)
        elif origin is dict:
            of_key, of_value = get_args(hint)
            entries = _decoder(dict[str, Raw]).decode(raw).items()
            for key, part in islice(entries, PARTS_MAX):
                name = dot + key[:NAME_CHARACTERS_MAX]
                yield from _errors(of_key, Raw(msgspec.json.encode(key)), name, around)
                yield from _errors(of_value, part, name, around)
        elif origin is list:
            items = _decoder(list[Raw]).decode(raw)
            for index, part in enumerate(items[:PARTS_MAX]):
                yield from _errors(get_args(hint)[0], part, f"{path}[{index}]", around)
    except msgspec.ValidationError:
        return  # not even of the right type: the whole is wrong, and has no parts


def _errors_of_fields(
    kind: type[Struct], parts: Mapping[str, Raw], dot: str, around: str
) -> Iterator[FieldError]:
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    for name, hint in _hints(kind).items():
        if name in parts:
            yield from _errors(hint, parts[name], dot + name, around)
        elif name in required:
            suggestion = _suggestion(hint, around)
            yield FieldError(field=dot + name, issue="is required", suggestion=suggestion)
    yield from _unknown(parts, list(_hints(kind)), dot)


def _unknown(given: Iterable[str], known: list[str], dot: str = "") -> Iterator[FieldError]:
    for name in given:
        if name not in known:
            short = name[:NAME_CHARACTERS_MAX]
            near = difflib.get_close_matches(short, known, n=1)
            others = f"Known here: {', '.join(known)}" if known else "Leave it out"
            suggestion = f"Did you mean {near[0]}?" if near else others
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


def _suggestion(hint: Any, around: str) -> str:
    """Return what a field's annotation says: it names the limits, so it suggests best."""
    return _description(hint) or around


def _description(hint: Any) -> str | None:
    if get_origin(hint) in (Union, UnionType):
        return next((d for a in get_args(hint) if (d := _description(a))), None)
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    return None


def _given(query: bytes) -> dict[str, list[str]]:
    """Take a query string apart.

    What is not UTF-8 is refused: a replacement in its place would be another filter than was sent.
    """
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        suggestion = "Percent-encode the bytes of UTF-8"
        error = FieldError(field=QUERY, issue="is not UTF-8", suggestion=suggestion)
        raise ValidationFailed([error]) from None
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        given.setdefault(name, []).append(text)
    return given


def _given_more_than_once(name: str) -> FieldError:
    field, issue = name[:NAME_CHARACTERS_MAX], "is given more than once"
    return FieldError(field=field, issue=issue, suggestion="Give it once")


def _parameters(name: str, hint: Any, given: Mapping[str, Any]) -> list[str]:
    """Return the names of the given parameters that belong to a field."""
    if _origin(hint) is dict:
        return [found for found in given if found.startswith(f"{name}.")]
    return [name] if name in given else []


def _put(values: dict[str, Any], name: str, part: str, hint: Any, texts: list[str]) -> None:
    if _origin(hint) is dict:
        values.setdefault(name, {})[part.partition(".")[2]] = texts[0]
    else:
        values[name] = texts if _origin(hint) is list else texts[0]


def _unknown_parameters(kind: type[Struct], given: Mapping[str, Any]) -> Iterator[FieldError]:
    hints = _hints(kind).items()
    belonging = {part for name, hint in hints for part in _parameters(name, hint, given)}
    known = [f"{name}.<key>" if _origin(hint) is dict else name for name, hint in hints]
    yield from _unknown([name for name in given if name not in belonging], known)


def _errors_of_text(hint: Any, value: Any, name: str) -> Iterator[FieldError]:
    """Tell what is wrong with a parameter."""
    if not _is_number(hint):
        yield from _errors(hint, Raw(msgspec.json.encode(value)), name, _AS_TOLD)
        return
    try:
        _value_of_text(hint, value)
    except msgspec.ValidationError as error:
        issue = _issue(str(error), hint)
        yield FieldError(field=name, issue=issue, suggestion=_suggestion(hint, _AS_TOLD))


def _value_of_text(hint: Any, value: Any) -> Any:
    # Only numbers are read out of a text: else "0.5" were a time, and "null" nothing at all.
    return msgspec.convert(value, hint, strict=not _is_number(hint))


def _is_number(hint: Any) -> bool:
    return any(choice in (int, float, bool) for choice in _choices(hint))


def _origin(hint: Any) -> Any:
    """Return what a hint is of, `list` or `dict`, without its annotations."""
    return get_origin(_choices(hint)[0])


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
