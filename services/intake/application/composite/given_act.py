"""A composite act as a door hands it over: its parts, and what they say of one another.

`#0` is the case that the first part created or was done to. It may stand as the target of a later part, and in the body
of one wherever the id of a case stands.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec

from services.intake.application.command import Command
from services.intake.application.command_body import CODECS, BodyCodec, Extras
from services.intake.application.commands import route_of_command
from services.intake.application.composite_acts import MAX_PARTS, CompositeAct
from services.intake.application.definitions import CASE_FIELDS
from services.intake.application.errors import NotFound, StaleVersion, WrongAddress
from services.intake.domain import Caller, Refused
from services.intake.domain.errors import InvalidValue
from shared.identifiers import derived_id
from shared.invalid_body import InvalidBody

_PART = re.compile(r"#(0|[1-9]\d{0,5})")
#: What stands in a body for the cases of earlier parts until their ids are known: the same in every retry.
_PLACES = tuple(derived_id("part", number) for number in range(MAX_PARTS))


class PartInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part as it is sent. `aggregate` says on what it is done where commands on several things are named alike."""

    command: str
    target: str = ""
    aggregate: str = ""
    body: msgspec.Raw = msgspec.Raw(b"{}")
    if_match: int | None = None


#: The parts of an act as they are sent.
Parts = Annotated[tuple[PartInput, ...], msgspec.Meta(min_length=1, max_length=MAX_PARTS)]


class GivenPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an act. In `body` a fixed id stands for each case of an earlier part; `data` is the same body as it was
    sent where it names one, otherwise None."""

    codec: BodyCodec
    body: Extras
    target: str
    if_match: int | None
    data: Any = None

    def command(self, caller: Caller, cases: Sequence[UUID] = _PLACES) -> Command:
        """The part as a command by itself; `cases` are those of the parts before it."""
        body = self.body
        if self.data is not None and cases is not _PLACES:
            body = self.codec.decode(msgspec.json.encode(_with_cases(self.data, cases, "")))
        named, version = _PART.fullmatch(self.target), self.if_match
        return Command(
            codec=self.codec,
            body=body,
            caller=caller,
            target=str(cases[int(named[1])]) if named else self.target,
            if_match=(version,) if self.codec.route.has_versions and version is not None else None,
        )


class GivenAct(msgspec.Struct, frozen=True, kw_only=True):
    """A composite act, as a door hands it over."""

    definition: CompositeAct
    parts: tuple[GivenPart, ...]
    caller: Caller
    key: str = ""


@contextlib.contextmanager
def of_part(number: int) -> Iterator[None]:
    """What is refused inside names the field of this part."""
    within = f"parts[{number}]"
    try:
        yield
    except InvalidBody as error:
        raise InvalidBody(str(error), error.kind, within) from None
    except Refused as refused:
        field = refused.field
        if isinstance(refused, StaleVersion):
            field = "if_match"
        elif isinstance(refused, (NotFound, WrongAddress)):
            field = field or "target"
        refused.field = f"{within}.{field}" if field else within
        raise


def parts_of(act: CompositeAct, given: Sequence[PartInput]) -> tuple[GivenPart, ...]:
    """The parts of an act. Raises InvalidBody, InvalidValue."""
    parts: list[GivenPart] = []
    for number, part in enumerate(given):
        with of_part(number):
            parts.append(_part(act, part, parts))
    return tuple(parts)


def _part(act: CompositeAct, given: PartInput, before: Sequence[GivenPart]) -> GivenPart:
    if given.command not in act.commands:
        raise InvalidValue("command", "not-in-act", act=act.title, allowed=act.commands)
    named, aggregate = _PART.fullmatch(given.target), ""
    if named is not None:
        _check_earlier(int(named[1]), before, "target")
        aggregate = before[int(named[1])].codec.route.aggregate
    has_target = bool(given.target)
    route = route_of_command(given.command, has_target=has_target, aggregate=given.aggregate or aggregate)
    if route is None and not given.aggregate:
        route = route_of_command(given.command, has_target=has_target)  # refused in its turn, since it is not found
    if route is None:
        raise InvalidValue("aggregate", "not-done-to", command=given.command)
    codec, raw, data = CODECS[route.path], bytes(given.body), None
    if b'"#' in raw:
        sent = msgspec.json.decode(raw)
        placed = _with_cases(sent, _PLACES[: len(before)], "")
        if placed != sent:
            raw, data = msgspec.json.encode(placed), sent
    return GivenPart(codec=codec, body=codec.decode(raw), target=given.target, if_match=given.if_match, data=data)


def _check_earlier(number: int, before: Sequence[Any], field: str) -> None:
    if number >= len(before):
        raise InvalidValue(field, "no-earlier-part", part=f"#{number}")


def _with_cases(value: Any, cases: Sequence[UUID], field: str) -> Any:
    """A body with the ids of cases in place of the parts that it names. Raises InvalidValue."""
    match value:
        case dict():
            return {
                name: _cases(inner, cases, f"{field}.{name}".lstrip("."))
                if name in CASE_FIELDS
                else _with_cases(inner, cases, f"{field}.{name}".lstrip("."))
                for name, inner in value.items()
            }
        case list():
            return [_with_cases(inner, cases, f"{field}[{place}]") for place, inner in enumerate(value)]
        case _:
            return value


def _cases(value: Any, cases: Sequence[UUID], field: str) -> Any:
    if isinstance(value, list):
        return [_cases(inner, cases, f"{field}[{place}]") for place, inner in enumerate(value)]
    if not isinstance(value, str) or (named := _PART.fullmatch(value)) is None:
        return _with_cases(value, cases, field)
    _check_earlier(int(named[1]), cases, field)
    return str(cases[int(named[1])])
