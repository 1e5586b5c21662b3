"""Random calendars, rules and steps of a clock, as the product and as the reference understand them."""

from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from shared.calendar import Calendar, CalendarYear, DayOff, MakeUpDay
from shared.policy import Rule, Step, problems_of
from shared.policy.schema import Document, Policy
from tests.support.reference_counting import Days, Limit, ReferenceClock

FIRST, LAST = date(2025, 1, 1), date(2028, 12, 31)
STARTS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
TRAITS = ("complex", "several_fields")


@st.composite
def free_days(draw: st.DrawFn) -> Days:
    """Days off and worked weekend days, thick enough that most counts meet some."""
    near = st.integers(0, 700).map(lambda n: date(2025, 11, 1) + timedelta(days=n))
    off = frozenset(draw(st.lists(near, max_size=60)))
    weekend = frozenset(day for day in draw(st.lists(near, max_size=30)) if day.weekday() >= 5)
    return Days(off, weekend - off)


def calendar_of(days: Days) -> Calendar:
    """The product's calendar with these days."""
    return Calendar(years_of(days))


def years_of(days: Days) -> list[CalendarYear]:
    return [
        CalendarYear(
            year=year,
            holidays=tuple(DayOff(date=d, name="Nghỉ") for d in sorted(days.off) if d.year == year),
            makeup_days=tuple(
                MakeUpDay(date=d, instead_of=date(year, 1, 1)) for d in sorted(days.worked) if d.year == year
            ),
            version=f"{year}-{hash(days)}",
        )
        for year in range(FIRST.year, LAST.year + 1)
    ]


@st.composite
def rules(draw: st.DrawFn, backward: bool = False) -> Rule:
    """A rule with any of the words that a count understands."""
    unit = draw(st.sampled_from(["working_days", "calendar_days", "hours"]))
    most = 240 if unit == "hours" else 40
    length = draw(st.integers(1 if backward else 0, most))
    words: dict[str, Any] = {
        "duty": "invitation" if backward else "reply",
        "form": "minimum_notice" if backward else "deadline",
        "length": length,
        "unit": unit,
        "roll": draw(st.sampled_from(["stay", "next_working_day", "previous_working_day"])),
    }
    if length:
        words["first_day"] = draw(st.sampled_from(["excluded", "included"]))
    if not backward:
        words |= draw(_forward_words(length, most))
    if (backward and words["roll"] == "next_working_day") or (unit == "working_days" and "extension" not in words):
        words["roll"] = "stay"
    rule = msgspec.convert(words, Rule)
    assert not list(problems_of(policy_of(rule))), list(problems_of(policy_of(rule)))
    return rule


@st.composite
def _forward_words(draw: st.DrawFn, length: int, most: int) -> dict[str, Any]:
    words: dict[str, Any] = {"counted_from": "conference_end"}
    variants = []
    for when in (["complex"], ["several_fields"], ["complex", "several_fields"]):
        if draw(st.booleans()):
            kind = draw(st.sampled_from(["length", "in_total"]))
            least = length if kind == "in_total" else 0
            variants.append({"when": when, kind: draw(st.integers(least, least + most))})
    if len(variants) == 2 and {len(each["when"]) for each in variants} == {1}:
        # A case with both traits needs a word of its own.
        variants.append({"when": ["complex", "several_fields"], "length": draw(st.integers(0, most))})
    words["variants"] = variants
    if draw(st.booleans()):
        extension: dict[str, Any] = {"told": ["petitioner"], "times": draw(st.none() | st.integers(1, 2))}
        extension["each"] = draw(st.none() | st.integers(1, 20))
        if extension["each"] is not None:
            extension["counted_from"] = draw(st.sampled_from(["rolled", "unrolled"]))
        extension["in_total"] = draw(st.none() | st.integers(length + 1, length + most))
        words["extension"] = extension
    if draw(st.booleans()):
        words["pause"] = {"told": ["petitioner"]}
    return words


def policy_of(*given: Rule, policy_id: str = "random", valid_from: date = date(2019, 1, 1), **more: Any) -> Policy:
    """A document with these rules."""
    document = Document(number="1/QĐ", issued_on=valid_from)
    return Policy(policy_id=policy_id, document=document, valid_from=valid_from, rules=given, **more)


def limit_of(rule: Rule) -> Limit:
    """The same rule for the reference."""
    extension = rule.extension
    return Limit(
        length=rule.length or 0,
        unit=rule.unit,
        backward=rule.form == "minimum_notice",
        included=rule.first_day == "included",
        roll=rule.roll,
        variants=tuple(
            (frozenset(v.when), v.length if v.length is not None else v.in_total or 0, v.in_total is not None)
            for v in rule.variants
        ),
        extension=None
        if extension is None
        else {
            "times": extension.times,
            "each": extension.each,
            "in_total": extension.in_total,
            "counted_from": extension.counted_from,
        },
        pausable=rule.pause is not None,
    )


@st.composite
def clock_steps(draw: st.DrawFn, start: date, merged: bool = False) -> list[Step]:
    """What happens to a clock, in order of its days, each day at most once; dates of merged cases only if asked for."""
    kinds = ["trait", "trait", "extension", "extension", "cap", "suspended", "resumed"]
    offsets = draw(st.lists(st.integers(0, 70), max_size=8, unique=True).map(sorted))
    found = []
    for offset in offsets:
        on = start + timedelta(days=offset)
        ahead = on + timedelta(days=draw(st.integers(0, 40)))
        match draw(st.sampled_from([*kinds, *(["inherited"] if merged else [])])):
            case "trait":
                found.append(Step(kind="trait", on=on, trait=draw(st.sampled_from(TRAITS))))
            case "extension":
                told = on + timedelta(days=draw(st.integers(-3, 3)))
                found.append(Step(kind="extension", on=on, day=ahead, told={"petitioner": told}))
            case "cap":
                found.append(Step(kind="cap", on=on, day=ahead))
            case "inherited":
                # That of another case may have passed already.
                found.append(Step(kind="inherited", on=on, day=ahead - timedelta(days=20)))
            case "suspended":
                found.append(Step(kind="suspended", on=on, told={"petitioner": on}))
            case _:
                found.append(Step(kind="resumed", on=on))
    return found


def reference_clock(limit: Limit, start: date, steps: list[Step], days: Days) -> ReferenceClock:
    """The reference's clock after these steps."""
    clock = ReferenceClock(limit, start, days)
    for step in steps:
        match step.kind:
            case "trait":
                clock.mark(step.on, step.trait)
            case "extension":
                assert step.day is not None
                clock.extend(step.told["petitioner"], step.day)
            case "cap":
                assert step.day is not None
                clock.cap(step.day)
            case "inherited":
                assert step.day is not None
                clock.inherit(step.day)
            case "suspended":
                clock.suspend(step.on)
            case "resumed":
                clock.resume(step.on)
    return clock
