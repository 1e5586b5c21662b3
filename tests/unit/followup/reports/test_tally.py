"""Figures of reports: what is counted where, that nothing open and overdue vanishes, that every sum holds."""

import itertools
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.deadlines.status import status_of
from services.followup.domain.reports.figures import (
    CASE_SUMS,
    DEADLINE_SUMS,
    CaseCounts,
    DeadlineCounts,
    percentile,
    total,
)
from services.followup.domain.reports.periods import InvalidPeriod, parse_period
from services.followup.domain.reports.tally import Tally
from shared.events.conference import ConferenceRescheduled
from shared.events.deadline import DeadlineBreached
from shared.events.petition import (
    AgencyResultReported,
    AnswerPrepared,
    PetitionAssigned,
    PetitionClassified,
    PetitionClosed,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionReopened,
    PetitionScheduled,
    PetitionWithdrawn,
    WrittenReplyIssued,
)
from shared.identifiers import local_day
from tests.support.history import History, day
from tests.support.history_strategies import histories
from tests.support.reports import tallied

ENVIRONMENT = "H35.10.3"


def cases(tally: Tally) -> CaseCounts:
    return total(tally.cases["agency"].values(), CaseCounts)


def deadlines(tally: Tally, duty: str = "") -> DeadlineCounts:
    return total((c for (_, d), c in tally.deadlines.items() if duty in ("", d)), DeadlineCounts)


@pytest.fixture
def history() -> History:
    """One assigned petition of the conference of 23 August 2019: its reply is due on 16 September."""
    history = History()
    conference = history.plan("c", "2019-08-23")
    petition = history.receive("p", "2019-07-10")
    subject = PetitionClassified(effective_on=day("2019-07-10"), subject="Sửa cầu treo", field="giao thông")
    history.record(petition, subject, "2019-07-12 10:00")
    history.hold(conference, petition, first="2019-08-23")
    history.record(petition, PetitionAssigned(effective_on=day("2019-08-28"), agency=ENVIRONMENT), "2019-08-28 10:00")
    return history


def petition(history: History) -> UUID:
    return next(f.originator_id for f in history.facts if f.topic == "PetitionReceived")


def reply(on: str, number: str = "1/TL") -> WrittenReplyIssued:
    return WrittenReplyIssued(effective_on=day(on), number=number, signatory="Trưởng phòng", digest="00")


# --- periods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first", "last", "words"),
    [
        ("2019-09", "2019-09-01", "2019-09-30", "Tháng 9 năm 2019"),
        ("2020-02", "2020-02-01", "2020-02-29", "Tháng 2 năm 2020"),
        ("2019-12", "2019-12-01", "2019-12-31", "Tháng 12 năm 2019"),
        ("2019-Q3", "2019-07-01", "2019-09-30", "Quý III năm 2019"),
        ("2019-Q4", "2019-10-01", "2019-12-31", "Quý IV năm 2019"),
        ("2019", "2019-01-01", "2019-12-31", "Năm 2019"),
    ],
)
def test_period__is_a_month_a_quarter_or_a_year(text: str, first: str, last: str, words: str) -> None:
    period = parse_period(text)
    assert (period.first, period.last, period.words.vi) == (day(first), day(last), words)
    assert period.after.before == period.before.after == period


@pytest.mark.parametrize("text", ["", "2019-13", "2019-Q5", "2019-9", "19", "1900", "2101", "2019-09-01", "2019-q3"])
def test_period__that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriod):
        parse_period(text)


# --- how a round ended ------------------------------------------------------------------------------------------------


def test_closed_after_a_reply_outside_a_conference__is_replied_though_no_clock_ran() -> None:
    history = History()
    for name, replies in (("answered", 1), ("silent", 0)):
        received = history.receive(name, "2019-07-10")
        assigned = PetitionAssigned(effective_on=day("2019-07-12"), agency=ENVIRONMENT)
        history.record(received, assigned, "2019-07-12 10:00")
        for _ in range(replies):
            history.record(received, reply("2019-07-20"), "2019-07-22 10:00")
        history.record(received, PetitionClosed(effective_on=day("2019-07-25")), "2019-07-25 10:00")
    history.until("2019-08-01 00:00")
    counted = cases(tallied(history, "2019-07"))
    assert (counted.handled, counted.replied, counted.otherwise) == (2, 1, 1)


# --- the overdue ------------------------------------------------------------------------------------------------------


def test_open_and_overdue__stays_in_the_rate_of_every_later_period(history: History) -> None:
    history.until("2019-12-05 00:00")
    for period in ("2019-10", "2019-11", "2019-Q4", "2019"):
        counted = deadlines(tallied(history, period), "reply")
        assert (counted.overdue, counted.on_time_rate) == (1, 0.0), period
        assert cases(tallied(history, period)).overdue == 1, period


def test_inherited_and_overdue__is_counted_before_the_petition_has_a_clock_of_its_own(history: History) -> None:
    other = history.receive("other", "2019-07-01")
    assigned = PetitionAssigned(effective_on=day("2019-08-27"), agency=ENVIRONMENT)
    history.record(other, assigned, "2019-08-28 10:00")
    merged = PetitionMerged(effective_on=day("2019-08-29"), into=other)
    history.record(petition(history), merged, "2019-08-29 10:00")
    later = history.plan("later", "2019-11-15", planned="2019-07-21")
    history.hold(later, other, first="2019-11-15")
    history.until("2019-12-05 00:00")
    (inherited,) = (r for r in history.engine.raised_of(other) if r.duty == "reply" and r.is_open)
    assert inherited.due_on == day("2019-09-16")
    assert [deadlines(tallied(history, f"2019-{month}"), "reply").overdue for month in ("09", "10", "11")] == [1, 1, 1]


def test_overdue__begins_the_day_after_the_due_date(history: History) -> None:
    history.until("2019-09-16 23:00")
    on_the_day = deadlines(tallied(history, "2019-09"), "reply")
    assert (on_the_day.due_soon, on_the_day.overdue, on_the_day.on_time_rate) == (1, 0, None)
    history.until("2019-09-17 00:00")
    assert deadlines(tallied(history, "2019-09"), "reply").overdue == 1
    # In August it was on track, whatever came later.
    assert deadlines(tallied(history, "2019-08"), "reply").on_track == 1


def test_reply_after_the_period__was_open_at_its_end(history: History) -> None:
    history.record(petition(history), reply("2019-10-02"), "2019-10-02 09:00")
    september, october = (deadlines(tallied(history, p), "reply") for p in ("2019-09", "2019-10"))
    assert (september.begun, september.carried_over, september.met_late, september.overdue) == (0, 1, 0, 1)
    assert (october.carried_over, october.met_late, october.overdue, october.on_time_rate) == (1, 1, 0, 0.0)


def test_overdue_case_withdrawn__does_not_mend_the_rate(history: History) -> None:
    history.record(petition(history), PetitionWithdrawn(effective_on=day("2019-09-20")), "2019-09-20 09:00")
    counted = deadlines(tallied(history, "2019-09"), "reply")
    assert (counted.waived, counted.waived_late, counted.on_time_rate) == (0, 1, 0.0)


def test_case_withdrawn_in_time__is_no_part_of_the_rate(history: History) -> None:
    history.record(petition(history), PetitionWithdrawn(effective_on=day("2019-09-10")), "2019-09-10 09:00")
    counted = deadlines(tallied(history, "2019-09"), "reply")
    assert (counted.waived, counted.waived_late, counted.on_time_rate) == (1, 0, None)


def test_duty_done_before_it_was_owed_again__counts_on_the_day_of_the_deed() -> None:
    history = History()
    conference = history.plan("c", "2019-08-23")
    petition = history.receive("p", "2019-07-10")
    history.record(petition, PetitionScheduled(effective_on=day("2019-07-10"), conference_id=conference))
    history.record(petition, PetitionForwarded(effective_on=day("2019-07-10"), agency=ENVIRONMENT))
    prepared = AnswerPrepared(effective_on=day("2019-08-10"), agency=ENVIRONMENT)
    history.record(petition, prepared, "2019-08-10 09:00")
    again = ConferenceRescheduled(
        effective_on=day("2019-09-03"), first_day=day("2019-10-10"), last_day=day("2019-10-10")
    )
    history.record(conference, again, "2019-09-03 09:00")
    august, september = (deadlines(tallied(history, p), "prepared_answer") for p in ("2019-08", "2019-09"))
    assert (august.met, september.total) == (2, 0)


def test_undated_duty__is_neither_in_time_nor_late(history: History) -> None:
    result = AgencyResultReported(effective_on=day("2019-09-20"), agency=ENVIRONMENT, result="resolved")
    history.record(petition(history), result, "2019-09-20 09:00")
    counted = deadlines(tallied(history, "2019-09"), "result_report")
    assert (counted.done_undated, counted.met, counted.on_time_rate) == (1, 0, None)


# --- two times --------------------------------------------------------------------------------------------------------


def test_reply_recorded_late__retracts_its_breach_and_is_told_as_such(history: History) -> None:
    history.record(petition(history), reply("2019-09-16"), "2019-10-03 09:00")
    history.until("2019-10-05 00:00")
    september, october = (deadlines(tallied(history, p), "reply") for p in ("2019-09", "2019-10"))
    assert (september.met, september.on_time_rate, september.breaches) == (1, 100.0, 1)
    assert (september.retracted_backdated, october.retracted_backdated) == (0, 1)
    assert dict(tallied(history, "2019-10").lags["WrittenReplyIssued"]) == {17: 1}
    assert "WrittenReplyIssued" not in tallied(history, "2019-09").lags


def test_days_to_reply__are_working_days_since_the_conference(history: History) -> None:
    history.record(petition(history), reply("2019-09-16"), "2019-09-16 09:00")
    counted = deadlines(tallied(history, "2019-09"), "reply")
    # 23 August is not counted, nor is Monday 2 September: the last day of fifteen.
    assert counted.days == {15: 1}
    assert (percentile(counted.days, 50), percentile(counted.days, 90)) == (15, 15)


@pytest.mark.parametrize(
    ("days", "median", "ninetieth"),
    [({}, None, None), ({3: 1}, 3, 3), ({1: 1, 2: 1}, 1, 2), ({1: 5, 9: 5}, 1, 9), ({1: 90, 30: 10}, 1, 1)],
)
def test_percentile__is_the_nearest_rank(days: dict[int, int], median: int | None, ninetieth: int | None) -> None:
    assert (percentile(days, 50), percentile(days, 90)) == (median, ninetieth)


# --- petitions --------------------------------------------------------------------------------------------------------


def test_petition__is_received_then_carried_over_then_handled(history: History) -> None:
    history.record(petition(history), reply("2019-09-12"), "2019-09-12 09:00")
    result = AgencyResultReported(effective_on=day("2019-10-08"), agency=ENVIRONMENT, result="resolved")
    history.record(petition(history), result, "2019-10-08 09:00")
    history.record(petition(history), PetitionClosed(effective_on=day("2019-11-04")), "2019-11-04 09:00")
    july, september, october = (cases(tallied(history, p)) for p in ("2019-07", "2019-09", "2019-10"))
    assert (july.received, july.no_clock, july.carried_forward) == (1, 1, 1)
    assert (september.carried_over, september.awaiting_result) == (1, 1)
    assert (october.carried_over, october.handled, october.replied) == (1, 1, 1)
    # Closing what was resolved before is no second handling.
    assert cases(tallied(history, "2019-11")).total == 0


def test_reopened_petition__is_counted_anew(history: History) -> None:
    history.record(petition(history), PetitionWithdrawn(effective_on=day("2019-09-10")), "2019-09-10 09:00")
    history.record(petition(history), PetitionReopened(effective_on=day("2019-09-25")), "2019-09-25 09:00")
    history.until("2019-09-26 00:00")
    counted = cases(tallied(history, "2019-09"))
    assert (counted.total, counted.carried_over, counted.received, counted.reopened) == (2, 1, 1, 1)
    assert (counted.handled, counted.otherwise, counted.carried_forward, counted.not_yet_due) == (1, 1, 1, 1)


def test_complex_petition__counts_as_such_from_its_day_on(history: History) -> None:
    marked = PetitionMarkedComplex(effective_on=day("2019-09-03"), decided_by="CT", criteria=("a",))
    history.record(petition(history), marked, "2019-09-03 09:00")
    assert cases(tallied(history, "2019-08")).complex == 0
    assert cases(tallied(history, "2019-09")).complex == 1


def test_groups__are_agency_field_and_place(history: History) -> None:
    tally = tallied(history, "2019-08")
    assert {g: list(lines) for g, lines in tally.cases.items()} == {
        "agency": [ENVIRONMENT], "field": ["giao thông"], "place": ["H35.10"]
    }  # fmt: skip


def test_agency__is_narrowed_to_what_it_leads_and_owes(history: History) -> None:
    mine, other = tallied(history, "2019-09", ENVIRONMENT), tallied(history, "2019-09", "H35.10.4")
    assert (cases(mine).total, {debtor for debtor, _ in mine.deadlines}) == (1, {ENVIRONMENT})
    assert (cases(other).total, other.deadlines) == (0, {})


# --- whatever happened ------------------------------------------------------------------------------------------------

PERIODS = st.sampled_from(("2019-07", "2019-08", "2019-09", "2019-10", "2019-11", "2020-01", "2019-Q3", "2019-Q4",
                           "2020-Q1", "2019", "2020"))  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(histories(), PERIODS)
def test_every_sum_holds(history: History, period: str) -> None:
    tally = tallied(history, period)
    lines: list[Any] = [line for group in tally.cases.values() for line in group.values()]
    for line in (*lines, *tally.deadlines.values()):
        for whole, parts in CASE_SUMS if isinstance(line, CaseCounts) else DEADLINE_SUMS:
            assert getattr(line, whole) == sum(getattr(line, part) for part in parts), (whole, line)
    by_group = [total(lines.values(), CaseCounts) for lines in tally.cases.values()]
    assert by_group[0] == by_group[1] == by_group[2]
    assert len(tally.entries) == by_group[0].total


@settings(max_examples=40, deadline=None)
@given(histories())
def test_what_is_carried_forward__is_carried_over_by_the_next_period(history: History) -> None:
    quarters = [parse_period(q) for q in ("2019-Q3", "2019-Q4", "2020-Q1")]
    tallies = [tallied(history, quarter.text) for quarter in quarters]
    for earlier, later in itertools.pairwise(tallies):
        assert cases(earlier).carried_forward == cases(later).carried_over
        for key in {*earlier.deadlines, *later.deadlines}:
            before, after = (t.deadlines.get(key, DeadlineCounts()) for t in (earlier, later))
            assert before.on_track + before.due_soon + before.overdue == after.carried_over, key


@settings(max_examples=40, deadline=None)
@given(histories(), st.sampled_from(("2020-02", "2020-Q1", "2020")))
def test_period_that_lasts__agrees_with_what_stands_now(history: History, period: str) -> None:
    tally, engine = tallied(history, period), history.engine
    assert engine.horizon is not None
    today = local_day(engine.horizon)
    rows = [row for s in engine.subjects() if (row := engine.case_row(s)) is not None]
    assert cases(tally).carried_forward == sum(row.unresolved for row in rows)
    standing = [status_of(r, today) for s in engine.subjects() for r in engine.raised_of(s)]
    counted = deadlines(tally)
    for figure, status in (("on_track", "on_track"), ("due_soon", "due_soon"), ("overdue", "breached")):
        assert getattr(counted, figure) == standing.count(status), status  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(histories())
def test_breaches_of_all_periods__are_those_raised(history: History) -> None:
    raised = sum(isinstance(e.event, DeadlineBreached) for e in history.engine.emitted)
    assert sum(deadlines(tallied(history, year)).breaches for year in ("2019", "2020")) == raised


@settings(max_examples=40, deadline=None)
@given(histories(), PERIODS)
def test_rate__never_leaves_out_an_open_overdue_deadline(history: History, period: str) -> None:
    tally, engine = tallied(history, period), history.engine
    assert engine.horizon is not None
    end = min(parse_period(period).last, local_day(engine.horizon))
    for raised in (r for s in engine.subjects() for r in engine.raised_of(s)):
        was_owed = raised.clock_stamp.date() <= end and not (raised.outcome and raised.done_on is None)
        was_open = raised.done_on is None or raised.done_on > end
        if was_owed and was_open and raised.due_on is not None and raised.due_on < end:
            counted = tally.deadlines[raised.debtor, raised.duty]
            assert counted.on_time_rate is not None and counted.on_time_rate < 100, raised
