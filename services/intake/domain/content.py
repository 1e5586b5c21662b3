"""What a deed itself says: texts of bounded length, codes parent-first, dates not after the store's day."""

import functools
from datetime import date

import msgspec

from services.intake.domain import errors
from services.intake.domain.world import World
from shared.events import SEALED, Deed
from shared.events.regulation import CalendarProposed, CalendarPublished
from shared.identifiers import FIRST_YEAR, LAST_YEAR, InvalidCode, agency_code, nfc

MAX_TEXT = 200_000  # characters of a sealed text
MAX_LINE = 2_000  # characters of anything else
NUL = "\x00"

_CODES = ("code", "agency", "jurisdiction", "parent", "successor", "office", "station")
_CODE_LISTS = ("assisting", "agencies")
_LISTS = (("PetitionMarkedComplex", "criteria"), ("ComplexityDetermined", "criteria"), ("ReplyReported", "reports"))


def checked(deed: Deed, world: World) -> Deed:
    """The deed with its codes parent-first and its texts in NFC. Raises WrongContent."""
    _check_day(deed, world)
    changed: dict[str, object] = {}
    for name in deed.__struct_fields__:
        value = getattr(deed, name)
        if isinstance(value, str):
            text = _text(deed, name, value)
            if name in _CODES and text:
                text = _code(name, text)
            if text != value:
                changed[name] = text
        elif isinstance(value, date):
            _check_year(name, value)
        elif name in _CODE_LISTS:
            codes = tuple(_code(name, code) for code in value)
            if codes != value:
                changed[name] = codes
    for topic, name in _LISTS:
        if topic == deed.TOPIC and not getattr(deed, name):
            raise errors.InvalidValue(f"{name}: name at least one")
    return msgspec.structs.replace(deed, **changed) if changed else deed


def _check_day(deed: Deed, world: World) -> None:
    day: date = deed.effective_on
    if day > world.today:
        raise errors.FutureDeed(f"effective_on: {day} is after today, {world.today}; a deed is recorded once done")
    _check_year("effective_on", day)
    # A calendar is what ends the lack of one, so publishing it cannot need it.
    if not isinstance(deed, CalendarPublished | CalendarProposed):
        world.regulation.require_calendar(day, "effective_on")


def _check_year(field: str, day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise errors.InvalidValue(f"{field}: {day} is outside {FIRST_YEAR} to {LAST_YEAR}")


def _text(deed: Deed, name: str, value: str) -> str:
    if NUL in value:
        raise errors.InvalidValue(f"{name}: holds the NUL character; remove it")
    limit = MAX_TEXT if name in SEALED[deed.TOPIC] else MAX_LINE
    if len(value) > limit:
        raise errors.InvalidValue(f"{name}: {len(value)} characters; at most {limit}")
    if name in _required(type(deed)) and not value.strip():
        raise errors.InvalidValue(f"{name}: may not be empty")
    return nfc(value)


@functools.cache
def _required(kind: type[Deed]) -> frozenset[str]:
    """The fields that have no default: a text among them says something."""
    return frozenset(field.name for field in msgspec.structs.fields(kind) if field.required)


def _code(field: str, text: str) -> str:
    try:
        return agency_code(text)
    except InvalidCode as error:
        raise errors.InvalidCode(f"{field}: {error}") from error
