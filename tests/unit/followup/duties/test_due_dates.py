"""One duty by itself: its day, its outcome, its debtor and its explanation, each counted by hand.

Fri 23 Aug 2019 + 15 working days: 26-30(5) [31 1 2] 3-6 Sep(9) [7 8] 9-13(14) [14 15] Mon 16(15).
"""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.followup.domain.duties.due_dates import ExpectedDeadline, deadline_id, expected_deadline, explain, judge
from services.followup.domain.duties.duty import Done, Duty, Waived
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import RegulationLog
from shared.calendar import CalendarMissing, CalendarYear, DayOff
from shared.events import Event
from shared.events.deadline import Explanation
from shared.events.regulation import (
    AgencyClosed,
    CalendarProposed,
    CalendarPublished,
    JurisdictionClosed,
    PolicyAdopted,
)
from shared.identifiers import derived_id
from shared.policy import DEFAULT_POLICY, Occurrence, Policy, Rule, RuleInForce, Step, read_policy
from shared.policy.schema import Document, Extension, Frequency, Pause, Variant
from tests.support.deadlines import CASE, REGULATION, START, days, done, duty, fact, some_fact, waived
from tests.support.history import DISTRICT, History, at, day, seed_years

#: The reply of the plan: 15 working days, complex 30, an extension of which petitioner and committee are told.
FIFTEEN = Rule(
    duty="reply",
    form="deadline",
    length=15,
    counted_from="conference_end",
    variants=(Variant(when=("complex",), length=30),),
    extension=Extension(told=("petitioner", "committee")),
    pause=Pause(told=("petitioner",)),
    section="II.4.3",
)


def with_facts(*events: tuple[str, Event]) -> RegulationLog:
    """The shipped calendars, then these facts of the regulation, each recorded at a local moment."""
    known = list(History().facts)
    for moment, event in events:
        known.append(fact(event, at(moment), len(known) + 1, event.AGGREGATE))
    return RegulationLog(known)


def year(number: int, *off: str) -> CalendarYear:
    """A shipped year with more days off."""
    found = next(y for y in seed_years() if y.year == number)
    more = tuple(DayOff(date=day(d), name="Nghỉ đột xuất") for d in off)
    return msgspec.structs.replace(found, holidays=(*found.holidays, *more))


def publication(on: str, calendar: CalendarYear) -> CalendarPublished:
    return CalendarPublished(
        effective_on=day(on), year=calendar.year, holidays=calendar.holidays, makeup_days=calendar.makeup_days
    )


def published(moment: str, *off: str) -> tuple[str, Event]:
    """2019 is published once more, with these days off."""
    return moment, publication(moment[:10], year(2019, *off))


def adopted(moment: str, policy: Policy) -> tuple[str, Event]:
    return moment, PolicyAdopted(effective_on=day(moment[:10]), jurisdiction=DISTRICT, policy=policy)


def told(each: ExpectedDeadline, regulation: RegulationLog = REGULATION) -> Explanation:
    return explain(each, regulation.calendar)


def settled(duty: Duty, regulation: RegulationLog = REGULATION) -> ExpectedDeadline:
    return expected_deadline(duty, regulation)


# --- outcome ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "outcome", "done_on", "ground"),
    [
        (None, "", None, None),
        (done("2019-09-16"), "met", "2019-09-16", None),
        (done("2019-09-17"), "met_late", "2019-09-17", None),
        (done("2019-08-20"), "met", "2019-08-20", None),
        (waived("2019-09-16"), "waived", "2019-09-16", "withdrawn"),
        (waived("2019-12-01", "merged"), "waived", "2019-12-01", "merged"),
    ],
)
def test_outcome__by_the_day_of_its_end(
    end: Done | Waived | None, outcome: str, done_on: str, ground: str | None
) -> None:
    found = settled(duty(rule=FIFTEEN, end=end))
    assert found.due_on == day("2019-09-16")
    assert (found.outcome, found.done_on) == (outcome, day(done_on) if done_on else None)
    assert found.ground == ground


def test_outcome__without_a_date__is_never_late() -> None:
    undated = Rule(duty="reply", form="undated")
    found = settled(duty(rule=undated, end=done("2029-09-16")))
    assert (found.due_on, found.outcome, found.stages, found.provisional) == (None, "met", (), False)


OFF = "2019-09-12"  # one day off more: due on Tue 17 Sep instead of Mon 16


@pytest.mark.parametrize(
    ("known", "end", "due", "outcome"),
    [
        # still open: the calendar as it is known now
        ([("2019-09-18 09:00", OFF)], None, "2019-09-17", ""),
        # done in time by the calendar of its day: it stays so, with that day
        ([("2019-09-18 09:00", OFF)], done("2019-09-16"), "2019-09-16", "met"),
        # done late by the calendar of its day: a later one finds it in time
        ([("2019-09-18 09:00", OFF)], done("2019-09-17"), "2019-09-17", "met"),
        # known on that very day already
        ([("2019-09-17 23:59", OFF)], done("2019-09-17"), "2019-09-17", "met"),
        # late by both: the calendar of its day gives the date
        ([("2019-09-19 00:00", OFF)], done("2019-09-18"), "2019-09-16", "met_late"),
        ([("2019-09-18 23:59", OFF)], done("2019-09-18"), "2019-09-17", "met_late"),
        # never the reverse: the day off was taken back after the deed
        ([("2019-08-01 09:00", OFF), ("2019-09-18 09:00", "")], done("2019-09-17"), "2019-09-17", "met"),
        ([("2019-08-01 09:00", OFF), ("2019-09-17 09:00", "")], done("2019-09-17"), "2019-09-16", "met_late"),
    ],
)
def test_outcome__by_the_calendar_of_its_day_or_a_later_one(
    known: list[tuple[str, str]], end: Done | None, due: str, outcome: str
) -> None:
    regulation = with_facts(*(published(moment, *([off] if off else [])) for moment, off in known))
    found = settled(duty(rule=FIFTEEN, end=end), regulation)
    assert (found.due_on, found.outcome) == (day(due), outcome)


# --- the rule that holds ----------------------------------------------------------------------------------------------


def moving(valid_from: str, rule: str = "form: deadline, length: 10", policy_id: str = "moving") -> Policy:
    return read_policy(
        f"policy_id: {policy_id}\ndocument: {{number: '2:QĐ', issued_on: {valid_from}}}\nvalid_from: {valid_from}\n"
        f"running_clocks: move\nrules:\n  - {{duty: reply, {rule}}}\n"
    )


# 23 Aug + 10: 26-30(5) 3-6(9) Mon 9 Sep(10); + 20: 16(15) 17-20(19) Mon 23(20)
@pytest.mark.parametrize(
    ("policy", "end", "due", "moved"),
    [
        (moving("2019-08-30"), None, "2019-09-09", True),
        # it runs on its last day still
        (moving("2019-09-16"), None, "2019-09-09", True),
        (moving("2019-09-17"), None, "2019-09-16", False),
        (moving("2019-08-30"), done("2019-08-30"), "2019-09-09", True),
        (moving("2019-08-30"), done("2019-08-29"), "2019-09-16", False),
        # it began on the day of the document or later: the rule was chosen with the start
        (moving("2019-08-23"), None, "2019-09-16", False),
        (moving("2019-08-30", "form: undated"), None, None, True),
        (msgspec.structs.replace(moving("2019-08-30"), running_clocks="keep"), None, "2019-09-16", False),
    ],
)
def test_later_document__moves_a_clock_that_runs_on_its_first_day(
    policy: Policy, end: Done | None, due: str | None, moved: bool
) -> None:
    regulation = with_facts(adopted("2019-08-26 08:00", policy))
    found = settled(duty(rule=FIFTEEN, end=end), regulation)
    assert found.due_on == (day(due) if due else None)
    assert (judge(duty(rule=FIFTEEN, end=end), regulation, regulation.calendar).moved_by is not None) == moved
    assert (f"policy_moved:2 QĐ:{policy.valid_from}" in told(found, regulation).notes) == moved


# --- what happened to the clock ---------------------------------------------------------------------------------------


def steps(*found: Step) -> dict[str, Any]:
    return {"steps": lambda _: list(found)}


COMPLEX = Step(kind="trait", on=day("2019-09-10"), trait="complex")
BOTH = {"petitioner": day("2019-09-13"), "committee": day("2019-09-13")}
EXTENDED = Step(kind="extension", on=day("2019-09-13"), day=day("2019-09-30"), told=BOTH)


@pytest.mark.parametrize(
    ("found", "own", "due", "expected_on", "note"),
    [
        ((), True, "2019-09-16", None, ""),
        ((COMPLEX,), True, "2019-10-07", None, ""),
        ((EXTENDED,), True, "2019-09-30", None, "extended:2019-09-30"),
        (
            (msgspec.structs.replace(EXTENDED, told={**BOTH, "committee": day("2019-09-17")}),),
            True,
            "2019-09-16",
            "2019-09-30",
            "extension_too_late:2019-09-30",
        ),
        (
            (Step(kind="cap", on=day("2019-08-30"), day=day("2019-09-10")),),
            True,
            "2019-09-10",
            None,
            "chair_date:2019-09-10",
        ),
        ((Step(kind="suspended", on=day("2019-09-02"), told=BOTH),), True, None, None, "suspended:2019-09-02"),
        # only the date that another clock brings along
        (
            (Step(kind="inherited", on=day("2019-09-10"), day=day("2019-09-12")),),
            False,
            "2019-09-12",
            None,
            "merged_earliest:2019-09-12",
        ),
        ((), False, None, None, ""),
    ],
)
def test_steps__move_the_date(
    found: tuple[Step, ...], own: bool, due: str | None, expected_on: str | None, note: str
) -> None:
    each = settled(duty(rule=FIFTEEN, own_clock=own, **steps(*found)))
    assert each.due_on == (day(due) if due else None)
    assert each.expected_on == (day(expected_on) if expected_on else None)
    assert not note or note in told(each).notes


def test_traits__of_the_receipt__choose_the_limit() -> None:
    found = settled(duty(rule=FIFTEEN, traits=frozenset({"complex"})))
    assert (found.due_on, told(found).rule, told(found).days) == (day("2019-10-07"), "reply_complex", 30)


def test_rule__is_named_with_its_traits_in_the_order_of_their_names() -> None:
    both = msgspec.structs.replace(FIFTEEN, variants=(Variant(when=("several_fields", "complex"), length=20),))
    found = settled(duty(rule=both, traits=frozenset({"several_fields", "complex"})))
    assert told(found).rule == "reply_complex_several_fields"


# --- what must stay, and what is owed again and again -----------------------------------------------------------------

POSTED = Rule(duty="posting", form="minimum_duration", length=30, unit="calendar_days", first_day="included")


# Posted on Mon 2 Mar 2026, the first day counts: to the end of Tue 31 Mar.
@pytest.mark.parametrize(
    ("down", "end", "due", "outcome", "notes"),
    [
        (None, None, None, "", ["must_stay_until:2026-03-31"]),
        ("2026-03-31", None, None, "met", ["must_stay_until:2026-03-31"]),
        ("2026-04-20", None, None, "met", ["must_stay_until:2026-03-31"]),
        ("2026-03-30", None, "2026-03-30", "", ["must_stay_until:2026-03-31", "taken_down_early:2026-03-30"]),
        (
            "2026-03-20",
            waived("2026-03-23", "posted_anew"),
            "2026-03-20",
            "waived",
            ["must_stay_until:2026-03-31", "taken_down_early:2026-03-20"],
        ),
        # cancelled while it stays
        (None, waived("2026-03-23", "posted_anew"), None, "waived", ["must_stay_until:2026-03-31"]),
    ],
)
def test_posting__is_due_only_once_it_was_taken_down_too_early(
    down: str | None, end: Waived | None, due: str | None, outcome: str, notes: list[str]
) -> None:
    taken_down = some_fact(down, 3) if down else None
    found = settled(duty("2026-03-02", POSTED, start=some_fact("2026-03-02"), end=end, taken_down=taken_down))
    assert (found.due_on, found.outcome) == (day(due) if due else None, outcome)
    assert found.done_on == (day(down) if outcome == "met" and down else end.on if end else None)
    assert (found.expected_on, found.stages) == (day("2026-03-31"), ())
    assert [n for n in told(found).notes if "by_rule" in n or "must" in n or "down" in n] == notes


def test_posting__taken_down_after_its_time__is_told_by_the_calendar_known_now() -> None:
    # Mon 9 Sep 2019 and five working days with it: Fri 13; without Thu 12: Mon 16
    working = msgspec.structs.replace(POSTED, length=5, unit="working_days")
    regulation = with_facts(published("2019-09-25 09:00", OFF))
    posted = duty("2019-09-09", working, start=some_fact("2019-09-09"), taken_down=some_fact("2019-09-20", 3))
    assert settled(posted).expected_on == day("2019-09-13")
    assert settled(posted, regulation).expected_on == day("2019-09-16")


YEARLY = Rule(duty="annual_dialogue", form="frequency", frequency=Frequency(), warn_on=("10-01",))
MONTHLY = Rule(
    duty="reception_day", form="frequency", frequency=Frequency(per="month", day=25), roll="next_working_day"
)


def test_yearly__is_due_on_31_december__warned_on_1_october() -> None:
    only = Occurrence("2019", day("2019-01-01"), day("2019-12-31"), 1)
    found = settled(duty("2019-06-24", YEARLY, occurrence=only, part="2019", subject="jurisdiction"))
    assert (found.due_on, found.stages, found.provisional) == (day("2019-12-31"), days("2019-10-01"), False)
    assert (told(found).period, told(found).calendar_versions, told(found).exceptions) == ("2019", (), ())


def test_monthly__rolls__and_is_warned_of_in_working_days() -> None:
    # Sun 25 Jan 2026 rolls to Mon 26: 23(1) 22 21 20 19(5)
    only = Occurrence("2026-01", day("2026-01-01"), day("2026-01-31"), 1)
    found = settled(duty("2026-01-01", MONTHLY, start=some_fact("2026-01-01"), occurrence=only))
    assert (found.due_on, found.stages) == (day("2026-01-26"), days("2026-01-19", "2026-01-23"))
    assert [(d.date, d.reason) for d in told(found).exceptions] == [
        (day("2026-01-25"), "weekend"),
        (day("2026-01-26"), "the end fell on a rest day"),
    ]


# --- warnings and provisional dates -----------------------------------------------------------------------------------


def test_warnings__five_and_one_working_days_before__or_as_the_rule_says() -> None:
    # Mon 16 Sep 2019: 13(1) 12 11(3) 10 9(5)
    assert settled(duty(rule=FIFTEEN)).stages == days("2019-09-09", "2019-09-13")
    own = msgspec.structs.replace(FIFTEEN, warn_days=(3,))
    assert settled(duty(rule=own)).stages == days("2019-09-11")


def test_warnings__before_the_first_calendar__are_left_out() -> None:
    found = settled(duty("2019-01-03", start=some_fact("2019-01-03")))
    assert (found.due_on, found.stages) == (day("2019-01-03"), ())


def test_provisional__a_count_that_touches_a_proposed_year() -> None:
    calendar = next(y for y in seed_years() if y.year == 2020)
    proposed = CalendarProposed(effective_on=day("2019-01-02"), year=2020, holidays=calendar.holidays)
    known = [f for f in History().facts if getattr(f.event, "year", 0) != 2020]
    regulation = RegulationLog([*known, fact(proposed, at("2019-01-02 08:00"), 90, "calendar")])
    crossing = settled(duty("2019-12-20", FIFTEEN, start=some_fact("2019-12-20")), regulation)
    within = settled(duty(rule=FIFTEEN), regulation)
    assert (crossing.provisional, within.provisional) == (True, False)
    assert "provisional" in told(crossing, regulation).notes and "provisional" not in told(within, regulation).notes
    suspended = Step(kind="suspended", on=day("2019-12-23"), told={"petitioner": day("2019-12-23")})
    still = settled(duty("2019-12-20", FIFTEEN, start=some_fact("2019-12-20"), **steps(suspended)), regulation)
    assert (still.due_on, still.provisional) == (None, False)


def test_year_without_a_calendar__is_refused() -> None:
    with pytest.raises(CalendarMissing, match="2027"):
        settled(duty("2026-12-28", FIFTEEN, start=some_fact("2026-12-28")))


# --- who owes it, and where -------------------------------------------------------------------------------------------

OLD, NEW = "H35.10.3", "H35.10.8"
ENDED = with_facts(
    ("2019-09-05 08:00", AgencyClosed(effective_on=day("2019-09-05"), code=OLD, successor=NEW)),
    ("2019-09-05 08:00", JurisdictionClosed(effective_on=day("2019-09-05"), code=DISTRICT, successor="H35.31")),
)


@pytest.mark.parametrize(
    ("end", "debtor", "place"),
    [
        (None, NEW, "H35.31"),
        (done("2019-09-04"), OLD, DISTRICT),
        (done("2019-09-05"), NEW, "H35.31"),
        (waived("2019-09-04"), OLD, DISTRICT),
    ],
)
def test_debtor_and_jurisdiction__are_those_of_the_day_on_which_it_ended(
    end: Done | Waived | None, debtor: str, place: str
) -> None:
    found = settled(duty(rule=FIFTEEN, debtor=OLD, end=end), ENDED)
    assert (found.debtor, found.jurisdiction) == (debtor, place)


def test_duty_of_the_authority_itself__stays_with_it() -> None:
    assert settled(duty(rule=FIFTEEN, subject="jurisdiction"), ENDED).jurisdiction == DISTRICT


def test_office_that_is_no_more__the_document_names_who_acts() -> None:
    heirs = msgspec.structs.replace(DEFAULT_POLICY, heirs={"office": "H35.10.1"})
    found = settled(duty(rule=FIFTEEN, rule_in_force=RuleInForce(heirs, FIFTEEN)))
    assert found.debtor == "H35.10.1"


# --- identity ---------------------------------------------------------------------------------------------------------


def test_id__follows_source_subject_duty_part_and_start__nothing_else() -> None:
    first = settled(duty(rule=FIFTEEN))
    same = settled(duty("2019-09-02", FIFTEEN, debtor=OLD, end=done("2019-09-10"), **steps(COMPLEX)), ENDED)
    assert same.deadline_id == first.deadline_id
    assert first.deadline_id == deadline_id("test", CASE, "reply", "", START.event_id, START.recorded_at)
    others = [
        duty(rule=FIFTEEN, part="x"),
        duty(rule=FIFTEEN, source="other"),
        duty(rule=FIFTEEN, subject_id=derived_id("other")),
        duty(rule=FIFTEEN, start=some_fact("2019-08-23", 5)),
        duty(rule=msgspec.structs.replace(FIFTEEN, duty="result_report")),
    ]
    ids: set[UUID] = {settled(each).deadline_id for each in others}
    assert len(ids | {first.deadline_id}) == 6


def test_id__of_a_later_start__is_the_greater() -> None:
    later: Fact = some_fact("2019-08-24", 5)
    assert settled(duty(rule=FIFTEEN)).deadline_id < settled(duty(rule=FIFTEEN, start=later)).deadline_id


# --- explanation ------------------------------------------------------------------------------------------------------


def test_explanation__names_rule_document_section_and_start() -> None:
    found = told(settled(duty(rule=FIFTEEN)))
    assert (found.rule, found.policy_id, found.document, found.section) == (
        "reply",
        DEFAULT_POLICY.policy_id,
        "570/KH-UBND",
        "II.4.3",
    )
    assert (found.counted_from, found.days, found.due_on) == (day("2019-08-23"), 15, day("2019-09-16"))
    assert (found.unit, found.first_day, found.period, found.notes) == ("working_days", "excluded", "", ())
    assert [version.partition(":")[0] for version in found.calendar_versions] == ["2019"]


def test_explanation__lists_each_day_that_was_not_a_plain_one() -> None:
    # Wed 24 Apr 2019 + 5: [27 28 29 30 1], Sat 4 May is worked
    found = told(settled(duty("2019-04-24", msgspec.structs.replace(FIFTEEN, length=5), start=some_fact("2019-04-24"))))
    assert found.due_on == day("2019-05-04")
    assert [(d.date.isoformat()[5:], d.counted) for d in found.exceptions] == [
        ("04-27", False),
        ("04-28", False),
        ("04-29", False),
        ("04-30", False),
        ("05-01", False),
        ("05-04", True),
    ]
    assert found.exceptions[-1].reason == "make-up working day for 2019-04-29"


def test_explanation__of_calendar_days__has_no_exceptions() -> None:
    found = told(settled(duty(rule=msgspec.structs.replace(FIFTEEN, unit="calendar_days"))))
    assert (found.due_on, found.exceptions, found.unit) == (day("2019-09-07"), (), "calendar_days")


def test_explanation__of_two_years__names_both_calendars() -> None:
    found = told(settled(duty("2019-12-20", FIFTEEN, start=some_fact("2019-12-20"))))
    assert [version.partition(":")[0] for version in found.calendar_versions] == ["2019", "2020"]


NOTES: dict[str, tuple[Duty, tuple[str, ...]]] = {
    "moved by the chair": (
        duty(rule=FIFTEEN, **steps(Step(kind="cap", on=day("2019-08-30"), day=day("2019-09-10")))),
        ("chair_date:2019-09-10", "by_rule_alone:2019-09-16"),
    ),
    "without a number in the document": (duty(rule=msgspec.structs.replace(FIFTEEN, stated=False)), ("not_stated",)),
    "several of these": (
        duty(
            "2019-08-19",
            Rule(duty="reply", form="deadline", length=72, unit="hours", stated=False),
            **steps(Step(kind="cap", on=day("2019-08-19"), day=day("2019-08-21"))),
        ),
        (
            "chair_date:2019-08-21",
            "by_rule_alone:2019-08-22",
            "not_stated",
            "hours_in_days",
            "impossible_from_birth",
        ),
    ),
    "in hours": (
        duty(rule=Rule(duty="acceptance_notice", form="deadline", length=72, unit="hours")),
        ("hours_in_days",),
    ),
    "due on the day on which it arose": (duty("2019-08-23"), ()),
    "due before it arose": (duty("2019-08-22"), ("impossible_from_birth",)),
    "without a date": (duty(rule=Rule(duty="result_report", form="undated")), ()),
    "standing still": (
        duty(
            rule=FIFTEEN, **steps(Step(kind="suspended", on=day("2019-09-02"), told={"petitioner": day("2019-09-02")}))
        ),
        ("suspended:2019-09-02",),
    ),
}


@pytest.mark.parametrize("case", NOTES)
def test_explanation__tells_what_the_count_alone_does_not(case: str) -> None:
    each, notes = NOTES[case]
    assert told(settled(each)).notes == notes


def test_explanation__without_a_date__has_no_start_and_no_number() -> None:
    suspended = Step(kind="suspended", on=day("2019-09-02"), told={"petitioner": day("2019-09-02")})
    for each in (duty(rule=Rule(duty="result_report", form="undated")), duty(rule=FIFTEEN, **steps(suspended))):
        found = told(settled(each))
        assert (found.counted_from, found.days, found.due_on) == (None, None, None)


def test_explanation__of_the_included_first_day__says_so() -> None:
    included = msgspec.structs.replace(FIFTEEN, first_day="included")
    found = told(settled(duty(rule=included)))
    # Fri 23 Aug is (1): the fifteenth is Fri 13 Sep
    assert (found.first_day, found.due_on) == ("included", day("2019-09-13"))


def test_document__is_that_of_the_rule_in_force() -> None:
    document = Document(number="9/QĐ", issued_on=date(2019, 1, 1))
    other = Policy(policy_id="other", document=document, valid_from=date(2019, 1, 1), rules=(FIFTEEN,))
    found = told(settled(duty(rule=FIFTEEN, rule_in_force=RuleInForce(other, FIFTEEN))))
    assert (found.policy_id, found.document) == ("other", "9/QĐ")
