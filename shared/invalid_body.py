"""What is wrong with a body, as data: the field, and which sentence says it with which values.

msgspec says it in English and speaks of types; a caller needs the field, what may stand there, and both languages.
"""

import re
from collections.abc import Mapping
from enum import Enum
from types import UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

#: How msgspec names a field: the object in which it is missing or unknown, or the place of a wrong value.
_NAMED = re.compile(r"(required|unknown) field `(\w+)`")
_AT = re.compile(r" - at (?:`key` in )?`(?:key in )?\$\.?([^`]*)`")
_TYPE = re.compile(r"Expected `([^`]*)`(?:, got `(\w+)`)?$")
_BOUND = re.compile(r"Expected `(\w+)`(?: of length)? (<=|>=|<|>) (-?[\d.]+)$")
#: How msgspec says where a text is no JSON; it says none where the text ends too early.
_BYTE = re.compile(r"\(byte (\d+)\)$")
_FORM = re.compile(r"Invalid (?:RFC ?3339 encoded )?(date|datetime|UUID)$", re.IGNORECASE)
#: What the types of Python are called in JSON.
_JSON_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "date": "date", "uuid": "uuid"}
#: The kinds of values whose size is a length.
_LENGTHS = ("str", "array", "object", "bytes")


T = TypeVar("T")
_whole = msgspec.json.Decoder(msgspec.Raw)  # looks whether it is JSON, and at nothing in it


class InvalidBody(msgspec.ValidationError):
    """A body that its type does not take. `kind` is the type that was asked for; `within`, where in the whole body of
    the request it stands, if it is a part of that."""

    def __init__(self, message: str, kind: Any, within: str = "") -> None:
        super().__init__(message)
        self.kind, self.within = kind, within


class MalformedJson(ValueError):
    """A body that is no JSON in UTF-8: which sentence of `malformed-json` says so, and the values for its places."""

    def __init__(self, sentence: str = "", **values: Any) -> None:
        super().__init__(sentence, values)
        self.sentence, self.values = sentence, values


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """What a body says. Raises MalformedJson, InvalidBody.

    A wrong field is met before the end of the body is: what is no JSON is told as that, whatever else is wrong in it.
    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        if not isinstance(error, msgspec.ValidationError):
            raise malformed(error, body) from None
        try:
            _whole.decode(body)
        except (msgspec.DecodeError, RecursionError) as worse:
            raise malformed(worse, body) from None
        raise InvalidBody(str(error), decoder.type) from None


def malformed(error: Exception, body: bytes) -> MalformedJson:
    """Where a body stops being JSON, as a person counts: lines, and characters of a line, from 1."""
    if isinstance(error, RecursionError):
        return MalformedJson()
    at = _BYTE.search(str(error))
    before = body[: int(at[1])] if at else body
    lines = before.decode("utf-8", "replace").split("\n")
    return MalformedJson("at" if at else "ends", line=len(lines), column=len(lines[-1]) + 1)


class WrongField(NamedTuple):
    """The field that is to blame with its path (`reports[0].on`), None where it is the body as a whole; the sentence of
    `invalid-body` that says what is wrong, and the values for its places."""

    field: str | None
    sentence: str
    values: Mapping[str, Any]


def wrong_field(error: msgspec.ValidationError) -> WrongField:
    """What is wrong with a body."""
    found, within = _wrong(error), getattr(error, "within", "")
    return found._replace(field=f"{within}.{found.field}" if found.field else within) if within else found


def _wrong(error: msgspec.ValidationError) -> WrongField:
    field, text = invalid_field(error), without_path(error)
    if (named := _NAMED.search(text)) is not None:
        return WrongField(field, "missing" if named[1] == "required" else "unknown", {})
    if text.startswith("Invalid enum value"):
        allowed = allowed_at(getattr(error, "kind", None), field or "")
        return WrongField(field, "choice" if allowed else "", {"allowed": allowed} if allowed else {})
    if (bound := _BOUND.search(text)) is not None:
        sentence = ("at-most" if "<" in bound[2] else "at-least") + ("-long" if bound[1] in _LENGTHS else "")
        return WrongField(field, sentence, {"bound": bound[3]})
    if (form := _FORM.search(text)) is not None:
        return WrongField(field, "type", {"expected": [form[1].lower()]})
    if "with a timezone component" in text:
        return WrongField(field, "offset", {})
    if (typed := _TYPE.search(text)) is not None:
        expected = [_JSON_TYPES.get(name, name) for name in typed[1].split(" | ") if name != "null"]
        return WrongField(field, "type", {"expected": expected})
    return WrongField(field, "range" if text.endswith("out of range") else "", {})


def invalid_field(error: msgspec.ValidationError) -> str | None:
    """The field of a body that is to blame, with its path (`reports[0].on`); None where it is the body as a whole."""
    text = str(error)
    at, named = _AT.search(text), _NAMED.search(text)
    parts = [found for found in (at and at[1], named and named[2]) if found]
    return ".".join(parts) or None


def without_path(error: msgspec.ValidationError) -> str:
    """What is wrong, without the path."""
    return _AT.sub("", str(error))


def allowed_at(kind: Any, path: str) -> list[str]:
    """The values that a field may have, by its path; none where it may have any."""
    for part in re.findall(r"\w+|\[[^\]]*\]", path):
        kind = _inside(kind, part)
    return [str(value) for value in _values(kind)]


def _inside(kind: Any, part: str) -> Any:
    """The type of a field or of the entries of a list or mapping."""
    for each in _alternatives(kind):
        if part.startswith("["):
            if get_origin(each) in (tuple, list, dict) or isinstance(get_origin(each), type):
                return next((a for a in reversed(get_args(each)) if a is not Ellipsis), None)
        elif isinstance(each, type) and issubclass(each, msgspec.Struct) and part in each.__struct_fields__:
            return get_type_hints(each, include_extras=True)[part]
    return None


def _alternatives(kind: Any) -> list[Any]:
    """The parts of a union, without what only annotates them."""
    if hasattr(kind, "__metadata__"):
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) not in (Union, UnionType):
        return [kind]
    return [found for part in get_args(kind) for found in _alternatives(part)]


def _values(kind: Any) -> list[Any]:
    found: list[Any] = []
    for each in _alternatives(kind):
        if get_origin(each) is Literal:
            found += get_args(each)
        elif isinstance(each, type) and issubclass(each, Enum):
            found += [member.value for member in each]
    return found
