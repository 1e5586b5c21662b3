"""The rules in force at a place on a day, as the clock sheets of their documents, and what changes in them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from services.followup.domain.regulation import RegulationLog
from shared.calendar import Calendar
from shared.policy import DUTIES, DUTY_KINDS, Policy, Rule
from shared.policy.clock_sheet import NOT_STATED, ClockLine, clock_sheet

#: A line by its audience, its duty, and its place among the variants of that.
LineKey = tuple[str, str, int]


class DocumentSheet(msgspec.Struct, frozen=True):
    """What a document says at a place, without what others say there instead.

    `adopted` is false of the built-in default where nobody made its document his own.
    """

    policy: Policy
    adopted: bool
    lines: tuple[ClockLine, ...]


class StatedLine(msgspec.Struct, frozen=True):
    """A line of a sheet and the document that states it."""

    policy: Policy
    adopted: bool
    line: ClockLine


class LineChange(msgspec.Struct, frozen=True):
    """A line that would differ: what holds before and after it, None where nothing does."""

    audience: str
    before: StatedLine | None
    after: StatedLine | None


def sheets_in_force(log: RegulationLog, place: str, day: date) -> list[DocumentSheet]:
    """The documents in force at a place, each with its rules that hold there, in the order of the duties."""
    rules: dict[tuple[int, bool], tuple[Policy, list[Rule]]] = {}
    for duty in DUTIES:
        for audience in dict.fromkeys(("", *log.in_force.audiences(place, duty, day))):
            found = log.rule_in_force(place, duty, day, audience)
            if found is None or found.policy.audience != audience:
                continue
            # A periodic duty is owed by whom a document makes owe it; the built-in default is none.
            if found.rule.frequency is not None and log.opening(place, duty, audience) is None:
                continue
            rules.setdefault((id(found.policy), found.adopted), (found.policy, []))[1].append(found.rule)
    return [
        DocumentSheet(policy, adopted, _lines(msgspec.structs.replace(policy, rules=tuple(stated)), adopted))
        for (_, adopted), (policy, stated) in rules.items()
    ]


def sheet_of(policy: Policy) -> DocumentSheet:
    """All that a document says."""
    return DocumentSheet(policy, True, _lines(policy, True))


def _lines(policy: Policy, adopted: bool) -> tuple[ClockLine, ...]:
    lines = clock_sheet(policy, {}, Calendar())
    # What nobody adopted is no ground to name: neither its sections nor its gaps.
    return tuple(lines if adopted else map(_without_document, lines))


def _without_document(line: ClockLine) -> ClockLine:
    details = tuple(each for each in line.details if each != NOT_STATED)
    return msgspec.structs.replace(line, section="", details=details)


def sheet_changes(before: Sequence[DocumentSheet], after: Sequence[DocumentSheet]) -> list[LineChange]:
    """The lines that say something else, or that another document says, in the order of the duties."""
    old, new = _by_line(before), _by_line(after)
    return [
        LineChange(audience=key[0], before=_holding(old, key), after=_holding(new, key))
        for key in sorted({*new, *old}, key=lambda key: (DUTIES.index(key[1]), key[2], key[0]))
        if _said(_holding(old, key)) != _said(_holding(new, key))
    ]


def _holding(lines: Mapping[LineKey, StatedLine], key: LineKey) -> StatedLine | None:
    """The line that holds: what is said of all holds for a variant and an audience too, save how often it is owed."""
    audience, duty, nth = key
    audiences = [audience] if DUTY_KINDS[duty].forms == ("frequency",) else [audience, ""]
    asked = [(said, duty, number) for said in audiences for number in (nth, 0)]
    return next((lines[each] for each in asked if each in lines), None)


def _by_line(sheets: Sequence[DocumentSheet]) -> dict[LineKey, StatedLine]:
    found: dict[LineKey, StatedLine] = {}
    for sheet in sheets:
        for line in sheet.lines:
            nth = 0
            while (key := (sheet.policy.audience, line.duty, nth)) in found:
                nth += 1
            found[key] = StatedLine(sheet.policy, sheet.adopted, line)
    return found


def _said(stated: StatedLine | None) -> object:
    if stated is None:
        return None
    line = stated.line
    return stated.policy.document, stated.adopted, line.title, line.limit, line.details, line.section
