"""What the body of a command says by itself: bounds, codes, evidence, dates not after the store's day."""

import functools
import re
from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar

import msgspec

from services.intake.domain import errors
from services.intake.domain.context import DecisionContext
from shared.events import SEALED, DatedEvent
from shared.events.regulation import CalendarProposed, CalendarPublished
from shared.identifiers import FIRST_YEAR, LAST_YEAR, MAX_CODE_LENGTH, MalformedCode, agency_code, normalised
from shared.policy.schema import DocumentPart

MAX_TEXT = 200_000  # characters of a sealed text
MAX_LINE = 2_000  # characters of anything else
MAX_ITEMS = 1_000  # of one list: a conference lists its guests and a petition its petitioners, not a register
MOST = 10_000_000  # of any other number: people, working days
MAX_FILE = 1_000_000_000_000  # bytes of an attachment
NUL = "\x00"
REPLACEMENT = "\ufffd"  # stands for bytes that were no text: many of them look the same
#: Stands in historic data where an office's register does not say what the record asks for.
NOT_RECORDED = "không ghi / not recorded"

_CODES = ("code", "agency", "jurisdiction", "parent", "successor", "office", "station")
_CODE_LISTS = ("assisting", "agencies")
#: Ids of petitioners stay as they are: each is looked for among those on record, which earlier releases kept as sent.
_PETITIONERS = ("petitioner_id", "petitioner_ids", "answers")
DIGEST = "[0-9A-Fa-f]{64}"  # a SHA-256, kept in small letters
_SHA_256 = re.compile(DIGEST)

E = TypeVar("E", bound=DatedEvent)


def checked(event: E, context: DecisionContext, not_empty: tuple[str, ...] = ()) -> E:
    """The event with its codes parent-first and its texts normalised; `not_empty` are lists that name at least one.

    Raises WrongContent.
    """
    _check_day(event, context)
    changed: dict[str, object] = {}
    limits = _limits(type(event))
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if not value:
            if value == "" and limits[name].required:
                raise errors.InvalidValue(name, "empty")
            if name == "year":
                _check_number(name, value)
        elif isinstance(value, str):
            text = _text(name, value, limits[name])
            if name == "digest" and text:
                text = _digest(name, text, context)
            if text is not value and text != value:
                changed[name] = text
        elif isinstance(value, date):
            _check_year(name, value)
        elif isinstance(value, int):
            _check_number(name, value)
        elif isinstance(value, (tuple, dict)):
            _check_list(name, value)
            if name not in _PETITIONERS and (kept := _kept(name, value, context)) != value:
                changed[name] = kept
        elif isinstance(value, msgspec.Struct) and not isinstance(value, DocumentPart):
            for part in value.__struct_fields__:
                _check_length(f"{name}.{part}", (getattr(value, part),))
            changed[name] = _kept(name, value, context)
        if name in _CODE_LISTS and value:
            codes = tuple(code_of(name, code) for code in value)
            if codes != value:
                changed[name] = codes
    for name in not_empty:
        if not getattr(event, name):
            raise errors.InvalidValue(name, "none-listed")
    return msgspec.structs.replace(event, **changed) if changed else event


def check_reference(source: str, external_id: str) -> None:
    """Refuse a reference that cannot be told from another where it is written: in an event, an address, a line.

    Earlier releases recorded such: what is known by one is still found by it. Raises InvalidValue.
    """
    for field, text in (("source", source), ("external_id", external_id)):
        if not is_writable(text):
            raise errors.InvalidValue(field, "unprintable")


def is_writable(name: str) -> bool:
    """Whether every character of a name is seen where it is written."""
    return name.isprintable() and REPLACEMENT not in name


def require_content(event: DatedEvent, *names: str) -> None:
    """Refuse a deed that leaves empty all the fields that could say what was done; the first is named.

    Earlier releases recorded such deeds: what is recorded is read as it stands.
    """
    if not any(getattr(event, name) for name in names):
        raise errors.InvalidValue(names[0], "nothing-said")


def _check_list(name: str, value: tuple[object, ...] | dict[str, object]) -> None:
    """Bound how many items a list has and how long each text within is."""
    if len(value) > MAX_ITEMS:
        raise errors.InvalidValue(name, "too-many", count=len(value), most=MAX_ITEMS)
    _check_length(name, value.values() if isinstance(value, dict) else value)


def _check_length(name: str, items: Iterable[object]) -> None:
    longest = max(map(_longest, items), default=0)
    if longest > MAX_LINE:
        raise errors.InvalidValue(name, "too-long", length=longest, most=MAX_LINE)


def _longest(item: object) -> int:
    """The length of the longest text in an item of a list, in characters."""
    if isinstance(item, str):
        return len(item)
    if isinstance(item, msgspec.Struct):
        return max((_longest(getattr(item, name)) for name in item.__struct_fields__), default=0)
    if isinstance(item, tuple):
        return max(map(_longest, item), default=0)
    return 0


def _kept(field: str, value: Any, context: DecisionContext) -> Any:
    """The same with every text in it normalised and its evidence checked; labels stay."""
    match value:
        case str():
            return normalised(value)
        case tuple():
            return tuple([_kept(f"{field}[{i}]", each, context) for i, each in enumerate(value)])
        case dict():
            return {label: _kept(field, each, context) for label, each in value.items()}
        case msgspec.Struct():
            parts = {name: _kept(f"{field}.{name}", getattr(value, name), context) for name in value.__struct_fields__}
            if "digest" in parts:
                parts["digest"] = _digest(f"{field}.digest", parts["digest"], context)
            if not 0 <= parts.get("size", 0) <= MAX_FILE:
                raise errors.InvalidValue(f"{field}.size", "number", least=0, most=MAX_FILE)
            return type(value)(**parts)
        case _:
            return value


def _digest(field: str, text: str, context: DecisionContext) -> str:
    """The SHA-256 of a document, by which it is known again. Registers of the past may lack it."""
    digest = text.lower()
    if _SHA_256.fullmatch(digest) or (context.historic and text == NOT_RECORDED):
        return digest
    raise errors.InvalidValue(field, "digest")


def _check_number(name: str, value: int) -> None:
    least, most = (FIRST_YEAR, LAST_YEAR) if name == "year" else (0, MOST)
    if not least <= value <= most:
        raise errors.InvalidValue(name, "number", least=least, most=most)


def _check_day(event: DatedEvent, context: DecisionContext) -> None:
    day: date = event.effective_on
    if day > context.today:
        raise errors.FutureDeed("effective_on", day=day, today=context.today)
    _check_year("effective_on", day)
    # A calendar is what ends the lack of one, so publishing it cannot need it.
    if not isinstance(event, (CalendarPublished, CalendarProposed)):
        context.regulation.require_calendar(day, "effective_on")


def _check_year(field: str, day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise errors.InvalidValue(field, "year", day=day, first=FIRST_YEAR, last=LAST_YEAR)


class _Limit(msgspec.Struct, frozen=True):
    """What a text in a field has to be: a field without a default says something."""

    most: int
    required: bool
    is_code: bool


@functools.cache
def _limits(kind: type[DatedEvent]) -> dict[str, _Limit]:
    return {
        field.name: _Limit(
            MAX_TEXT if field.name in SEALED[kind.TOPIC] else MAX_LINE, field.required, field.name in _CODES
        )
        for field in msgspec.structs.fields(kind)
    }


def _text(name: str, value: str, limit: _Limit) -> str:
    if NUL in value:
        raise errors.InvalidValue(name, "nul")
    if len(value) > limit.most:
        raise errors.InvalidValue(name, "too-long", length=len(value), most=limit.most)
    if name in _PETITIONERS:
        return value
    text = normalised(value)
    if limit.required and not text:
        raise errors.InvalidValue(name, "empty")
    return code_of(name, text) if limit.is_code else text


def code_of(field: str, text: str) -> str:
    """An electronic identifier parent-first. Raises InvalidCode."""
    try:
        return agency_code(text)
    except MalformedCode as error:
        raise errors.InvalidCode(field, text=error.text, most=MAX_CODE_LENGTH) from error
