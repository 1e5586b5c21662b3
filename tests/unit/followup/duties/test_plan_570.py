"""The due dates as a table: each case counted by hand in its comment.

Weekends and holidays in square brackets are not counted; a number in round brackets is the count so far.
"""

from datetime import date

import msgspec
import pytest

from shared.calendar import Calendar, DayOff
from shared.events import Event
from shared.events.conference import ConferenceCancelled, ConferenceRescheduled, InvitationsSent
from shared.events.deadline import DeadlineBreached
from shared.events.petition import (
    ExtensionGranted,
    PetitionAssigned,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionReassigned,
    PetitionReopened,
    PetitionWithdrawn,
    WrittenReplyIssued,
)
from shared.identifiers import derived_id
from shared.policy import DEFAULT_POLICY, rule_count
from tests.support.history import at, day, seed_years
from tests.support.scenario import CONFERENCE, HELD, PETITION, Record, given, held, planned, received

CALENDAR = Calendar(seed_years())

COUNTED = [
    # the plan's own conference, Fri 23 Aug 2019: 22(1) 21 20 19(4) [18 17] 16 15 14(7)
    ("invitation", "2019-08-23", "2019-08-14"),
    # backwards across National Day: Thu 5 Sep; 4(1) 3(2) [2] [1 31] 30 Aug(3) 29 28 27 26(7)
    ("invitation", "2019-09-05", "2019-08-26"),
    # backwards over a make-up Saturday: Wed 8 May 2019; 7(1) 6(2) [5] Sat 4 works(3) 3(4) 2(5)
    # [1 30 29 28 27] 26(6) 25(7)
    ("invitation", "2019-05-08", "2019-04-25"),
    # the last working day before Mon 2 Sep's neighbour: Tue 3 Sep 2019; [2 1 31] 30 Aug
    ("public_notice", "2019-09-03", "2019-08-30"),
    ("preparation_report", "2019-08-23", "2019-08-22"),
    ("prepared_answer", "2019-08-26", "2019-08-23"),
    ("preparation_task", "2019-08-23", "2019-08-22"),
    # after the conference: Mon 26 Aug(1) 27 28 29 30(5)
    ("internal_review", "2019-08-23", "2019-08-30"),
    ("conclusion", "2019-08-23", "2019-08-30"),
    # a make-up Saturday inside the count, and the due date itself: Wed 24 Apr 2019; 25(1) 26(2)
    # [27 28 29 30 1] 2 May(3) 3(4) Sat 4 works(5)
    ("conclusion_notice", "2019-04-24", "2019-05-04"),
    # the same start: 4 May is (5), [5], 6-10 (10), [11 12], 13-17 (15)
    ("reply", "2019-04-24", "2019-05-17"),
    # plan 570: 26-30 Aug(5) [31 1 2] 3-6 Sep(9) [7 8] 9-13(14) [14 15] 16(15)
    ("reply", "2019-08-23", "2019-09-16"),
    # a start on a Saturday: day 1 is Monday 26 Aug all the same
    ("reply", "2019-08-24", "2019-09-16"),
    # complex, 30 days: 16 Sep is (15), 17-20(19) 23-27(24) 30-4 Oct(29) 7(30)
    ("reply_complex", "2019-08-23", "2019-10-07"),
    # Tết Canh Tý: Fri 17 Jan 2020; 20 21 22(3) [23-29] 30 31(5) 3-7 Feb(10) 10-14(15)
    ("reply", "2020-01-17", "2020-02-14"),
    # Tết Tân Sửu: Fri 5 Feb 2021; 8 9(2) [10-16] 17 18 19(5) 22-26(10) 1-5 Mar(15)
    ("reply", "2021-02-05", "2021-03-05"),
    # Tết Giáp Thìn: Fri 2 Feb 2024; 5 6 7(3) [8-14] 15 16(5) 19-23(10) 26 Feb-1 Mar(15)
    ("reply", "2024-02-02", "2024-03-01"),
    # 30 April and 1 May 2020: Fri 24 Apr; 27 28 29(3) [30 1 2 3] 4-8(8) 11-15(13) 18 19(15)
    ("reply", "2020-04-24", "2020-05-19"),
    # year end: Fri 20 Dec 2024; 23-27(5) 30 31(7) [1] 2 3(9) 6-10(14) 13(15)
    ("reply", "2024-12-20", "2025-01-13"),
    # year end with the swap of 2026: Fri 19 Dec 2025; 22-26(5) 29 30 31(8) [1 2 off] 5-9(13) Sat 10 works(14) 12(15)
    ("reply", "2025-12-19", "2026-01-12"),
    # same day, whatever the day
    ("reply_report", "2019-09-14", "2019-09-14"),
    ("annual_dialogue", "2019-06-24", "2019-12-31"),
]


@pytest.mark.parametrize(("rule", "start", "due"), COUNTED, ids=[f"{r}-{s}" for r, s, _ in COUNTED])
def test_due_date__as_counted_by_hand(rule: str, start: str, due: str) -> None:
    counted = rule_count(DEFAULT_POLICY, rule, day(start), CALENDAR)
    assert counted is not None
    assert counted.due_on == day(due)


def replied(on: str, *, answers: tuple[str, ...] = (), number: str = "1/UBND") -> WrittenReplyIssued:
    return WrittenReplyIssued(effective_on=day(on), number=number, signatory="CT", digest="00", answers=answers)


def extended(told: str, reported: str, expected: str) -> ExtensionGranted:
    return ExtensionGranted(
        effective_on=day(told), petitioner_told_on=day(told), committee_told_on=day(reported), expected_on=day(expected)
    )


def complex_on(on: str) -> PetitionMarkedComplex:
    return PetitionMarkedComplex(effective_on=day(on), decided_by="chair", criteria=("nhiều cơ quan",))


def at_petition(moment: str, event: Event) -> Record:
    return Record(moment, PETITION, event)


def assigned(on: str, agency: str = "H35.10.3", due_on: str = "") -> PetitionAssigned:
    return PetitionAssigned(effective_on=day(on), agency=agency, due_on=day(due_on) if due_on else None)


# Each case: what is recorded after the conference, then the day on which the reply is due in the end, and the events
# (warnings aside) up to Friday 20 September. Without them the reply is due on Monday 16 September.
AFTER: dict[str, tuple[list[Record], str, list[str]]] = {
    # decided on Tue 10 Sep, before 16 Sep: the limit is 30 working days, Mon 7 Oct
    "marked complex before its due date": (
        [at_petition("2019-09-10 10:00", complex_on("2019-09-10"))],
        "2019-10-07",
        ["DeadlineMoved 2019-10-07"],
    ),
    # decided on Tue 17 Sep, a day late: the old date and the breach stand
    "marked complex after its due date": (
        [at_petition("2019-09-17 10:00", complex_on("2019-09-17"))],
        "2019-09-16",
        ["DeadlineBreached 2019-09-16"],
    ),
    # decided on the due date itself
    "marked complex on its due date": (
        [at_petition("2019-09-16 23:00", complex_on("2019-09-16"))],
        "2019-10-07",
        ["DeadlineMoved 2019-10-07"],
    ),
    # both notices on Fri 13 Sep
    "extension announced in time": (
        [at_petition("2019-09-13 10:00", extended("2019-09-13", "2019-09-13", "2019-09-30"))],
        "2019-09-30",
        ["DeadlineMoved 2019-09-30"],
    ),
    # the committee was told on Tue 17 Sep only
    "extension with one notice late": (
        [at_petition("2019-09-17 10:00", extended("2019-09-13", "2019-09-17", "2019-09-30"))],
        "2019-09-16",
        ["DeadlineBreached 2019-09-16"],
    ),
    # told on 13 Sep, recorded on 20 Sep: the breach of 17 Sep 00:00 is retracted
    "extension in time but recorded late": (
        [at_petition("2019-09-20 10:00", extended("2019-09-13", "2019-09-13", "2019-09-30"))],
        "2019-09-30",
        ["DeadlineBreached 2019-09-16", "DeadlineBreachRetracted 2019-09-16", "DeadlineMoved 2019-09-30"],
    ),
    # dated Mon 16 Sep, recorded on Wed 18 Sep
    "reply in time but recorded after the breach": (
        [at_petition("2019-09-18 10:00", replied("2019-09-16"))],
        "2019-09-16",
        ["DeadlineBreached 2019-09-16", "DeadlineBreachRetracted 2019-09-16", "DeadlineMet 2019-09-16"],
    ),
    "reply dated late": (
        [at_petition("2019-09-18 10:00", replied("2019-09-17"))],
        "2019-09-16",
        ["DeadlineBreached 2019-09-16", "DeadlineMetLate 2019-09-16"],
    ),
    "reply in time": (
        [at_petition("2019-09-16 23:59", replied("2019-09-16"))],
        "2019-09-16",
        ["DeadlineMet 2019-09-16"],
    ),
    "an assignment that never came": ([], "2019-09-16", ["DeadlineBreached 2019-09-16"]),
    "the chair's earlier date": (
        [at_petition("2019-08-30 10:00", assigned("2019-08-30", due_on="2019-09-10"))],
        "2019-09-10",
        ["DeadlineMoved 2019-09-10", "DeadlineBreached 2019-09-10"],
    ),
    "assigned and reassigned": (
        [
            at_petition("2019-08-30 10:00", assigned("2019-08-30")),
            at_petition("2019-09-05 10:00", PetitionReassigned(effective_on=day("2019-09-05"), agency="H35.10.4")),
        ],
        "2019-09-16",
        ["DeadlineBreached 2019-09-16"],
    ),
    "withdrawn in time": (
        [at_petition("2019-09-03 10:00", PetitionWithdrawn(effective_on=day("2019-09-02")))],
        "2019-09-16",
        ["DeadlineWaived 2019-09-16"],
    ),
    "withdrawn after the due date": (
        [at_petition("2019-09-18 10:00", PetitionWithdrawn(effective_on=day("2019-09-18")))],
        "2019-09-16",
        ["DeadlineBreached 2019-09-16", "DeadlineWaived 2019-09-16"],
    ),
}


@pytest.mark.parametrize("case", AFTER, ids=str)
def test_reply__after_the_conference(case: str) -> None:
    records, due, events = AFTER[case]
    scenario = given(*HELD).when(*records, "2019-09-20 12:00").then("reply", *events)
    assert scenario.history.due(PETITION, "reply") == day(due)


def test_reply__warned_five_and_one_working_days_before() -> None:
    given(*HELD).when("2019-09-17 00:00").warned("reply", "2019-09-09", "2019-09-13")


def test_reply__the_chair_sets_an_earlier_date__warned_before_that_one() -> None:
    # Tue 10 Sep 2019: 9(1) [8 7] 6(2) 5 4 3(5)
    earlier = at_petition("2019-08-30 10:00", assigned("2019-08-30", due_on="2019-09-10"))
    given(*HELD).when(earlier, "2019-09-30 00:00").warned("reply", "2019-09-03", "2019-09-09")


def test_reply__several_days__counts_from_the_last() -> None:
    # Thu 22 and Fri 23 Aug 2019. Back from the first: 21 20 19(3) [18 17] 16 15 14(6) 13(7). Forward from the last.
    scenario = given(planned("2019-08-22", last="2019-08-23"), received())
    scenario.then("invitation", "DeadlineSet 2019-08-13")
    scenario.when(*held(PETITION, on="2019-08-22", last="2019-08-23"))
    scenario.then("reply", "DeadlineSet 2019-09-16").then("conclusion_notice", "DeadlineSet 2019-08-30")


def rescheduled(on: str, to: str) -> ConferenceRescheduled:
    return ConferenceRescheduled(effective_on=day(on), first_day=day(to), last_day=day(to))


def invited(on: str, for_date: str) -> InvitationsSent:
    return InvitationsSent(effective_on=day(on), for_date=day(for_date))


def at_conference(moment: str, event: Event) -> Record:
    return Record(moment, CONFERENCE, event)


def test_invitation__rescheduled_in_time_after_they_went_out__is_owed_again_for_the_new_date() -> None:
    # 30 Aug: 29 28 27 26(4) [25 24] 23 22 21(7)
    scenario = given(planned())
    scenario.when(at_conference("2019-08-09 09:00", invited("2019-08-09", "2019-08-23")))
    scenario.then("invitation", "DeadlineMet 2019-08-14")
    scenario.when(at_conference("2019-08-12 09:00", rescheduled("2019-08-12", "2019-08-30")))
    scenario.then("invitation", "DeadlineReinstated 2019-08-14", "DeadlineMoved 2019-08-21")
    scenario.when(at_conference("2019-08-20 09:00", invited("2019-08-20", "2019-08-30")), "2019-09-30 00:00")
    scenario.then("invitation", "DeadlineMet 2019-08-21")


def test_invitation__rescheduled_after_its_due_date__leaves_the_breach_and_sets_a_new_deadline() -> None:
    scenario = given(planned())
    scenario.when("2019-08-16 08:00").then("invitation", "DeadlineBreached 2019-08-14")
    scenario.when(at_conference("2019-08-16 09:00", rescheduled("2019-08-16", "2019-08-30")))
    scenario.then("invitation", "DeadlineWaived 2019-08-14", "DeadlineSet 2019-08-21")
    scenario.when(at_conference("2019-08-20 09:00", invited("2019-08-20", "2019-08-30")))
    scenario.then("invitation", "DeadlineMet 2019-08-21")
    (old,) = [r for r in scenario.history.engine.raised_of(CONFERENCE) if r.due_on == day("2019-08-14")]
    assert old.breached


def test_invitation__impossible_from_birth__keeps_its_legal_midnight() -> None:
    # Planned on Tue 20 Aug for Fri 23 Aug: due on Wed 14 Aug, already past.
    scenario = given(planned(on="2019-08-20"), "2019-08-20 12:00")
    scenario.then("invitation", "DeadlineSet 2019-08-14", "DeadlineBreached 2019-08-14").warned("invitation")
    breach = next(e.event for e in scenario.history.engine.emitted if isinstance(e.event, DeadlineBreached))
    assert breach.breached_at == "2019-08-15T00:00:00+07:00"
    assert "impossible_from_birth" in breach.explanation.notes


def test_cancelled__waives_what_must_precede_the_conference() -> None:
    scenario = given(planned())
    cancelled = at_conference("2019-08-10 09:00", ConferenceCancelled(effective_on=day("2019-08-10")))
    scenario.when(cancelled, "2019-09-30 00:00").then("invitation", "DeadlineWaived 2019-08-14")


OTHER, SECOND = derived_id("petition", "b"), derived_id("conference", "c2")


def merged(on: str) -> Record:
    event = PetitionMerged(effective_on=day(on), into=OTHER, petitioner_ids=("p1",))
    return at_petition(f"{on} 10:00", event)


def test_merged_pair__the_survivor_takes_the_earliest_due_date() -> None:
    # The other one: second conference Fri 30 Aug, 15 days on: [31 1 2] 3-6(4) 9-13(9) 16-20(14) 23(15).
    scenario = given(*HELD, received("2019-08-24", OTHER, ("p2",)), planned("2019-08-30", "2019-08-26", "", SECOND))
    scenario.when(*held(OTHER, on="2019-08-30", conference=SECOND)).then("reply", "DeadlineSet 2019-09-23")
    scenario.when(merged("2019-09-10"))
    scenario.then("reply", "DeadlineWaived 2019-09-16", of=PETITION).then("reply", "DeadlineMoved 2019-09-16", of=OTHER)
    scenario.when(Record("2019-09-12 10:00", OTHER, replied("2019-09-12", answers=("p2",)))).then("reply")
    answered = replied("2019-09-13", answers=("p1",), number="2/UBND")
    scenario.when(Record("2019-09-13 10:00", OTHER, answered)).then("reply", "DeadlineMet 2019-09-16")


def test_merged_pair__the_survivor_had_no_clock__and_the_date_had_passed() -> None:
    scenario = given(*HELD, received("2019-09-01", OTHER, ("p2",)))
    row = scenario.history.engine.case_row(OTHER)
    assert row is not None and row.state == "no_clock"
    scenario.when("2019-09-18 09:00").then("reply", "DeadlineBreached 2019-09-16")
    scenario.when(merged("2019-09-18"), "2019-09-18 11:00")
    scenario.then("reply", "DeadlineSet 2019-09-16", "DeadlineBreached 2019-09-16", of=OTHER)
    scenario.then("reply", "DeadlineWaived 2019-09-16", of=PETITION)


def test_reopened__starts_a_new_clock() -> None:
    # Reopened on Wed 18 Sep: 19 20(2) 23-27(7) 30-4 Oct(12) 7 8 9(15)
    scenario = given(*HELD, at_petition("2019-09-03 10:00", replied("2019-09-03")))
    scenario.when(at_petition("2019-09-18 10:00", PetitionReopened(effective_on=day("2019-09-18"))))
    scenario.then("reply", "DeadlineSet 2019-10-09")
    rows = [r for r in scenario.history.engine.raised_of(PETITION) if r.duty == "reply"]
    assert sorted((r.due_on, r.outcome) for r in rows) == [(day("2019-09-16"), "met"), (day("2019-10-09"), "")]


def test_late_announced_holiday__moves_open_deadlines_and_never_makes_a_done_deed_late() -> None:
    history = given(planned(), received(), received(petition=OTHER), *held(PETITION, OTHER)).history
    history.record(OTHER, replied("2019-09-16"), "2019-09-16 09:00")
    history.until("2019-09-17 09:00")
    assert "DeadlineBreached 2019-09-16" in history.told(PETITION, "reply")
    (year,) = [y for y in seed_years() if y.year == 2019]
    off = DayOff(date=date(2019, 9, 12), name="Nghỉ đột xuất")
    history.publish(msgspec.structs.replace(year, holidays=(*year.holidays, off)), at("2019-09-17 10:00"))
    assert history.due(PETITION, "reply") == day("2019-09-17")
    assert history.told(PETITION, "reply")[-2:] == ["DeadlineBreachRetracted 2019-09-16", "DeadlineMoved 2019-09-17"]
    assert history.told(OTHER, "reply")[-1] == "DeadlineMet 2019-09-16"
