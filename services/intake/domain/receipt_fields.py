"""What a petition brings from a portal: each field's form, bounds and canonical writing. Pure.

The fields are judged by their names, so that whatever else records them is held to the same.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from services.intake.domain import errors
from services.intake.domain.context import DecisionContext
from services.intake.domain.field_checks import code_of
from shared.events import DatedEvent
from shared.events.petition import Consent, Identity, Place
from shared.identifiers import FIRST_YEAR, LAST_YEAR, local_day

MAX_EMAIL = 254  # characters (RFC 5321)
MAX_ATTRIBUTES = 32
MAX_ATTRIBUTE_BYTES = 4_096
#: The land and the seas of Viet Nam, in degrees: a point elsewhere has its numbers exchanged or is none.
LATITUDES, LONGITUDES = (6.0, 24.0), (102.0, 118.0)

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_POINT = re.compile(r"(\d{1,2}(?:\.\d{1,2})?),(\d{3}(?:\.\d{1,2})?)")
#: A language with its script, region, variants and extensions, or a private tag (RFC 5646, section 2.1).
_LANGUAGE = re.compile(
    r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?(-([a-z\d]{5,8}|\d[a-z\d]{3}))*"
    r"(-[a-wy-z\d](-[a-z\d]{2,8})+)*(-x(-[a-z\d]{1,8})+)?",
    re.IGNORECASE,
)
_MAX_LANGUAGE = 35  # characters, which RFC 5646 asks everybody to take

E = TypeVar("E", bound=DatedEvent)


def with_receipt_fields(event: E, context: DecisionContext) -> E:
    """The event with what it brings from a portal in canonical form. Raises WrongContent."""
    changed: dict[str, Any] = {}
    for name, canonical in _FIELDS.items():
        value = getattr(event, name, None)
        if value and (kept := canonical(value, context)) != value:
            changed[name] = kept
    if isinstance(submitted_at := getattr(event, "submitted_at", None), datetime):
        changed["submitted_at"] = submitted_at.astimezone(UTC)
    return msgspec.structs.replace(event, **changed) if changed else event


def _identities(people: Mapping[str, Identity], context: DecisionContext) -> Mapping[str, Identity]:
    for person in people.values():
        if person.email and (len(person.email) > MAX_EMAIL or not _EMAIL.fullmatch(person.email)):
            raise errors.InvalidValue("identities[...].email", "e-mail")
    return people


def _submitted_at(instant: datetime, context: DecisionContext) -> datetime:
    """Only the day is compared: clocks differ, and a portal's may be a little ahead of the store's."""
    if (day := local_day(instant)) > context.today:
        raise errors.InvalidValue("submitted_at", "submitted-later", day=day, today=context.today)
    return instant


def _place(place: Place, context: DecisionContext) -> Place:
    if place.latitude is None and place.longitude is None:
        if not place.address:
            raise errors.InvalidValue("place", "place-empty")
        return place
    for name, value, bounds in (
        ("latitude", place.latitude, LATITUDES),
        ("longitude", place.longitude, LONGITUDES),
    ):
        if value is None:
            raise errors.InvalidValue(f"place.{name}", "point-half")
        _check_degrees(f"place.{name}", name, value, bounds)
    return place


def _check_degrees(field: str, name: str, value: float, bounds: tuple[float, float]) -> None:
    least, most = bounds
    if not least <= value <= most:
        raise errors.InvalidValue(field, "point-outside", name=name, least=f"{least:g}", most=f"{most:g}")


def _area(text: str, context: DecisionContext) -> str:
    if (point := _POINT.fullmatch(text)) is not None:
        for name, value, bounds in (("latitude", point[1], LATITUDES), ("longitude", point[2], LONGITUDES)):
            _check_degrees("area", name, float(value), bounds)
        return f"{float(point[1]):.2f},{float(point[2]):.2f}"
    # It is public: a code has a letter and digits, which keeps words, names and half a point out of it.
    if "," in text or not any(character.isdigit() for character in text):
        raise errors.InvalidValue("area", "area")
    code = code_of("area", text)
    if not code[0].isalpha():
        raise errors.InvalidValue("area", "area")
    return code


def _consent(consent: Consent, context: DecisionContext) -> Consent:
    if not consent.told_by:
        raise errors.InvalidValue("consent.told_by", "none-listed")
    if consent.on > context.today:
        raise errors.FutureDeed("consent.on", day=consent.on, today=context.today)
    if consent.on.year < FIRST_YEAR:
        raise errors.InvalidValue("consent.on", "year", day=consent.on, first=FIRST_YEAR, last=LAST_YEAR)
    return msgspec.structs.replace(consent, told_by=tuple(dict.fromkeys(consent.told_by)))


def _language(text: str, context: DecisionContext) -> str:
    if len(text) > _MAX_LANGUAGE or not _LANGUAGE.fullmatch(text):
        raise errors.InvalidValue("language", "language", text=text[:_MAX_LANGUAGE])
    return text


def _attributes(found: Mapping[str, str | int | bool], context: DecisionContext) -> Mapping[str, str | int | bool]:
    if len(found) > MAX_ATTRIBUTES:
        raise errors.InvalidValue("attributes", "too-many", count=len(found), most=MAX_ATTRIBUTES)
    if any(name not in context.attributes for name in found):
        raise errors.InvalidValue("attributes", "attribute-undeclared")
    if (size := len(msgspec.json.encode(found))) > MAX_ATTRIBUTE_BYTES:
        raise errors.InvalidValue("attributes", "attributes-large", size=size, most=MAX_ATTRIBUTE_BYTES)
    return found


_FIELDS: Mapping[str, Callable[[Any, DecisionContext], Any]] = {
    "identities": _identities,
    "submitted_at": _submitted_at,
    "place": _place,
    "area": _area,
    "consent": _consent,
    "language": _language,
    "attributes": _attributes,
}
