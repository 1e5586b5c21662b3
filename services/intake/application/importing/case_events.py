"""Rows that name an event themselves (`command`): any act, with the fields that it has over HTTP."""

import functools
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, get_type_hints
from uuid import UUID

import msgspec

from services.intake.application.command_body import CODECS, BodyCodec, Extras
from services.intake.application.commands import CommandRoute, route_of_command
from services.intake.application.importing.headings import CASE, COMMAND, REASONS
from services.intake.application.importing.refusals import RowRefused, column_of, shown
from services.intake.application.importing.values import as_text, parsed_day, parts_of
from shared.events import DATED_EVENTS
from shared.invalid_body import InvalidBody, invalid_field, without_path, wrong_field
from shared.problem_words import DOOR_NAMES, DOOR_WORDS
from shared.sentences import problem_text

#: They name a record or a deadline by its id, which no file from elsewhere knows.
NOT_IMPORTED = frozenset({"RecordAnnulled", "ReminderSent", "PersonalDataErased"})
#: Fields that name another case of the file, or of the store, where the event has its id.
REFERENCES = ("conference_id", "petition_id", "into", "petition_ids", "assignments")
#: Keys of a row that are no fields of its event; the queue's own envelope is understood too.
_OWN = frozenset({COMMAND, CASE, "id", "external_id", "data", *REASONS})

EVENT_FIELDS = frozenset(
    {"effective_on", "on_behalf_of", "code", CASE}.union(
        *(kind.__struct_fields__ for topic, kind in DATED_EVENTS.items() if topic not in NOT_IMPORTED)
    )
)


class RegisterAct(msgspec.Struct, frozen=True):
    """A row that names its event: the event's fields as the file has them."""

    topic: str
    route: CommandRoute
    case: str
    fields: dict[str, Any]

    @property
    def codec(self) -> BodyCodec:
        return CODECS[self.route.path]


def act_of(row: Mapping[str, Any], *, from_text: bool) -> RegisterAct:
    """The act that a row names. `from_text`: every value is a cell of text. Raises RowRefused."""
    try:
        return _act_of(row, from_text=from_text)
    except RecursionError:
        raise RowRefused(
            "",
            "có quá nhiều lớp ngoặc lồng nhau",
            "is nested too deeply: no command has so many brackets within brackets",
        ) from None


def _act_of(row: Mapping[str, Any], *, from_text: bool) -> RegisterAct:
    topic = as_text(row.get(COMMAND), COMMAND)
    route = None if topic in NOT_IMPORTED or topic not in DATED_EVENTS else route_of_command(topic, has_target=False)
    if route is None:
        raise RowRefused(
            COMMAND,
            f"{shown(topic)} không phải là loại ghi nhận nhập được từ tệp",
            f"{shown(topic)} is no event that can be imported",
        )
    data = row.get("data", {})
    if not isinstance(data, dict):
        raise RowRefused("data", "không phải là đối tượng JSON", "holds no object")
    named = next((as_text(row[key], key) for key in (CASE, "id", "external_id") if row.get(key)), "")
    given = {key: value for key, value in row.items() if key not in _OWN} | data
    given.pop("source", None)
    fields = {}
    for name, value in given.items():
        cleaned = _cell(value, name, topic) if from_text else _clean(value, name)
        if cleaned is not None:
            fields[name] = _iso(cleaned, name) if name in _days(topic) else cleaned
    return RegisterAct(topic, route, named or as_text(fields.pop("external_id", None), CASE), fields)


def names_in(fields: Mapping[str, Any]) -> list[str]:
    """The other cases that the fields of an act name."""
    found: list[Any] = []
    for field in REFERENCES:
        value = fields.get(field)
        if field == "assignments" and isinstance(value, list):
            found.extend(line.get("petition_id") for line in value if isinstance(line, dict))
        elif field == "petition_ids" and isinstance(value, list):
            found.extend(value)
        else:
            found.append(value)
    return [name for name in found if isinstance(name, str) and name]


def with_ids(act: RegisterAct, id_of: Callable[[str, str], UUID]) -> dict[str, Any]:
    """The fields with ids in place of the names of cases. Raises RowRefused."""
    fields = dict(act.fields)
    for field in REFERENCES:
        value = fields.get(field)
        if field == "assignments" and isinstance(value, list):
            fields[field] = [_line_with_id(line, id_of) for line in value]
        elif field == "petition_ids" and isinstance(value, list):
            fields[field] = [str(id_of(str(name), field)) for name in value]
        elif isinstance(value, str):
            fields[field] = str(id_of(value, field))
    return fields


def body_of(act: RegisterAct, fields: Mapping[str, Any], *, from_text: bool) -> Extras:
    """The body that the act's own codec takes, strictly. Raises RowRefused."""
    given = {name: value for name, value in fields.items() if name not in act.route.in_path}
    if "effective_on" not in given:
        raise RowRefused(
            "effective_on",
            "để trống; hãy ghi ngày của việc đã diễn ra",
            "is empty: an event of the past has its day",
        )
    try:
        return msgspec.convert(given, act.codec.type, strict=not from_text)
    except msgspec.ValidationError as error:
        found = wrong_field(InvalidBody(str(error), act.codec.type))
        wrong = problem_text(DOOR_WORDS["invalid-body"], found.sentence, found.values, DOOR_NAMES)
        raise RowRefused(column_of(invalid_field(error)), wrong.detail.vi, without_path(error)) from None


def _line_with_id(line: Any, id_of: Callable[[str, str], UUID]) -> Any:
    if not isinstance(line, dict) or not isinstance(line.get("petition_id"), str):
        return line
    return line | {"petition_id": str(id_of(line["petition_id"], "assignments"))}


def _cell(value: Any, name: str, topic: str) -> Any:
    """A cell of a table as the value of an event's field: JSON where the field has parts, else its text."""
    text = as_text(value, name)
    if not text or name not in _structured(topic):
        return text or None
    if text[0] in "[{":
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise RowRefused(name, f"không phải là JSON ({error})", f"is no JSON: {error}") from None
    return list(parts_of(text))


def _clean(value: Any, name: str) -> Any:
    """Any JSON value with its texts normalised."""
    match value:
        case str():
            return as_text(value, name)
        case list():
            return [_clean(part, name) for part in value]
        case dict():
            return {_clean(key, name): _clean(part, name) for key, part in value.items()}
        case _:
            return value


def _iso(value: Any, name: str) -> Any:
    return parsed_day(value, name).isoformat() if isinstance(value, str) and value else value


@functools.cache
def _days(topic: str) -> frozenset[str]:
    """The fields of an event that are days."""
    return frozenset(name for name, hint in _hints(topic).items() if date in _alternatives(hint))


@functools.cache
def _structured(topic: str) -> frozenset[str]:
    """The fields of an event that hold more than one value."""
    plain = (str, int, float, bool, date, UUID, type(None))
    return frozenset(
        name
        for name, hint in _hints(topic).items()
        if not all(part in plain or typing.get_origin(part) is typing.Literal for part in _alternatives(hint))
    )


def _hints(topic: str) -> dict[str, Any]:
    return get_type_hints(DATED_EVENTS[topic])


def _alternatives(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    return typing.get_args(hint) if union else (hint,)
