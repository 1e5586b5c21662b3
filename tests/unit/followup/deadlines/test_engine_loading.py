"""The engine with a part of its cases loaded: what it must load, what waits, what differs, and the order of time."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.timers import HEAP_SLACK, Timers
from services.followup.domain.duties.due_dates import ExpectedDeadline
from services.followup.domain.facts import Fact, is_regulation
from shared.calendar import DayOff
from shared.events import Event
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import ConferenceClosed, InvitationsSent
from shared.events.petition import (
    PetitionAssigned,
    PetitionMerged,
    PetitionReopened,
    PetitionScheduled,
    WrittenReplyIssued,
)
from shared.events.regulation import CalendarPublished, DialoguePlanAdopted, ReceptionDayHeld
from shared.identifiers import derived_id
from shared.policy.schema import Frequency, Rule
from tests.support.history import DISTRICT, History, at, day, seed_years
from tests.support.loading import load, loaded_again
from tests.support.scenario import (
    CONFERENCE,
    HELD,
    PETITION,
    Record,
    Scenario,
    adopted,
    given,
    held,
    planned,
    policy_with,
    received,
)

OTHER, SECOND = derived_id("petition", "b"), derived_id("conference", "c2")
AUTHORITY = derived_id("jurisdiction", DISTRICT)
MIDNIGHT = at("2019-09-17 00:00")  # at which the reply of the plan's conference is breached
INSTANT = timedelta(microseconds=1)
BOTH_HELD = (planned(), received(), received("2019-08-02", OTHER, ("p2",)), *held(PETITION, OTHER))


def reply(on: str) -> WrittenReplyIssued:
    return WrittenReplyIssued(effective_on=day(on), number="1/UBND", signatory="CT", digest="00")


def merged(on: str) -> Record:
    return Record(f"{on} 10:00", PETITION, PetitionMerged(effective_on=day(on), into=OTHER))


def told(engine: DeadlineEngine, subject: UUID, duty: str = "reply", since: int = 0) -> list[str]:
    found = [e.event for e in engine.emitted[since:] if e.event.subject_id == subject and e.event.duty == duty]
    return [f"{e.TOPIC} {e.due_on}" for e in found if e.TOPIC != "DeadlineDueSoon"]


def next_fact(history: History, subject: UUID, event: Event, moment: str) -> Fact:
    """The fact that would be recorded next."""
    last = history.facts[-1]
    event_id = derived_id("next", event.TOPIC)
    meta = msgspec.structs.replace(last.meta, event_id=event_id, aggregate=event.AGGREGATE)
    return Fact(last.position + 1, event_id, subject, event.TOPIC, at(moment), event, meta)


# --- the order of time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "events"),
    [
        (-INSTANT, ["DeadlineMet 2019-09-16"]),
        # What is recorded at the very instant of a timer comes before it.
        (timedelta(), ["DeadlineMet 2019-09-16"]),
        (INSTANT, ["DeadlineBreached 2019-09-16", "DeadlineBreachRetracted 2019-09-16", "DeadlineMet 2019-09-16"]),
    ],
)
def test_fact_and_timer__in_the_order_of_their_instants(after: timedelta, events: list[str]) -> None:
    history = given(*HELD).history
    before = len(history.engine.emitted)
    history.record(PETITION, reply("2019-09-16"), MIDNIGHT + after)
    assert told(history.engine, PETITION, since=before) == events


def test_time__never_goes_back() -> None:
    engine = given(*HELD, "2019-09-10 00:00").history.engine
    before = len(engine.emitted)
    engine.advance(at("2019-09-01 00:00"))
    assert (engine.horizon, len(engine.emitted)) == (at("2019-09-10 00:00"), before)


def test_next_timer__is_the_earliest_of_what_is_loaded() -> None:
    assert DeadlineEngine("test").next_fire_at is None
    # Planned on Mon 1 Jul for Fri 23 Aug 2019: the invitations are due on 14 Aug, five working days after Wed 7 Aug.
    engine = given(planned()).history.engine
    assert engine.next_fire_at == at("2019-08-07 00:00")
    engine.advance(at("2019-08-07 00:00"))
    assert engine.next_fire_at == at("2019-08-13 00:00")


def test_timers_of_one_instant__fire_in_the_order_of_their_deadlines() -> None:
    scenario = given(*BOTH_HELD)
    engine = scenario.history.engine
    before = len(engine.emitted)
    engine.advance(MIDNIGHT)
    breached = [e.event.deadline_id for e in engine.emitted[before:] if e.event.at == MIDNIGHT]
    assert len(breached) == 2 and breached == sorted(breached)


# --- the heap of timers -----------------------------------------------------------------------------------------------

KEY, SUBJECT = UUID(int=1), UUID(int=2)


def test_timer__moved_and_taken_off() -> None:
    timers = Timers()
    assert (timers.next_fire_at, timers.pop_due(MIDNIGHT)) == (None, None)
    timers.schedule(KEY, SUBJECT, MIDNIGHT)
    timers.schedule(KEY, SUBJECT, MIDNIGHT - INSTANT)
    assert timers.pop_due(MIDNIGHT - 2 * INSTANT) is None
    assert timers.pop_due(MIDNIGHT - INSTANT) == (MIDNIGHT - INSTANT, KEY, SUBJECT)
    assert timers.pop_due(MIDNIGHT) is None, "what it was set to before is outdated"
    timers.schedule(KEY, SUBJECT, MIDNIGHT)
    timers.schedule(KEY, SUBJECT, None)
    assert timers.pop_due(MIDNIGHT) is None
    timers.schedule(KEY, SUBJECT, MIDNIGHT)
    timers.cancel(KEY)
    timers.cancel(KEY)
    assert timers.pop_due(MIDNIGHT) is None


def test_timer__set_again_to_the_instant_at_which_it_fired() -> None:
    timers = Timers()
    for _ in range(2):
        timers.schedule(KEY, SUBJECT, MIDNIGHT)
        timers.schedule(KEY, SUBJECT, MIDNIGHT)
        assert timers.pop_due(MIDNIGHT) == (MIDNIGHT, KEY, SUBJECT)
        assert timers.pop_due(MIDNIGHT) is None


def test_timers__outdated_entries_do_not_outgrow_the_live_ones() -> None:
    timers = Timers()
    for number in range(5 * HEAP_SLACK):
        timers.schedule(KEY, SUBJECT, MIDNIGHT - number * INSTANT)
        assert len(timers._heap) <= HEAP_SLACK + 2
    timers.schedule(UUID(int=9), SUBJECT, MIDNIGHT)
    assert timers.pop_due(MIDNIGHT) == (MIDNIGHT - (5 * HEAP_SLACK - 1) * INSTANT, KEY, SUBJECT)
    assert timers.pop_due(MIDNIGHT) == (MIDNIGHT, UUID(int=9), SUBJECT)


# --- what must be loaded ----------------------------------------------------------------------------------------------


def test_needs__of_petitions_conferences_and_regulation() -> None:
    history = given(*HELD).history
    memory = history.engine.cases

    def needs(subject: UUID, event: Event) -> tuple[set[UUID], set[UUID], set[UUID], bool]:
        found = memory.needs([next_fact(history, subject, event, "2019-09-01 08:00")])
        return found.petitions, found.conferences, found.moving, found.everything

    on = day("2019-09-01")
    assert needs(PETITION, reply("2019-09-01")) == ({PETITION}, set(), set(), False)
    assert needs(PETITION, PetitionMerged(effective_on=on, into=OTHER)) == ({PETITION, OTHER}, set(), set(), False)
    scheduled = PetitionScheduled(effective_on=on, conference_id=SECOND)
    assert needs(PETITION, scheduled) == ({PETITION}, {SECOND}, set(), False)
    invited = InvitationsSent(effective_on=on, for_date=on)
    assert needs(CONFERENCE, invited) == (set(), {CONFERENCE}, set(), False)
    assert needs(CONFERENCE, ConferenceClosed(effective_on=on)) == (set(), {CONFERENCE}, {CONFERENCE}, False)
    known, first = (CalendarPublished(effective_on=on, year=year, holidays=()) for year in (2019, 2030))
    assert needs(derived_id("calendar", 2019), known) == (set(), set(), set(), True)
    assert needs(derived_id("calendar", 2030), first) == (set(), set(), set(), False), "no count can have reached it"
    assert needs(AUTHORITY, ReceptionDayHeld(effective_on=on, code=DISTRICT)) == (set(), set(), set(), False)


def test_needs__of_several_facts__together() -> None:
    history = given(*HELD).history
    known = CalendarPublished(effective_on=day("2019-09-01"), year=2019, holidays=())
    held_one = CalendarPublished(effective_on=day("2019-09-01"), year=2030, holidays=())
    facts = [next_fact(history, derived_id("calendar"), event, "2019-09-01 08:00") for event in (known, held_one)]
    assert history.engine.cases.needs(facts).everything


def test_forget__is_loaded_again_when_needed() -> None:
    history = given(*HELD).history
    engine = history.engine
    memory = engine.cases
    assert (memory.is_petition(PETITION), memory.is_petition(CONFERENCE)) == (True, False)
    assert memory.is_loaded(PETITION) and memory.is_loaded(CONFERENCE) and not memory.is_loaded(OTHER)
    assert (memory.loaded_count, set(memory.conferences_of(PETITION))) == (2, {CONFERENCE})
    raised = engine.raised_of(PETITION)
    engine.forget(PETITION)
    assert not memory.is_loaded(PETITION) and engine.raised_of(PETITION) == []
    assert (memory.loaded_count, set(memory.conferences_of(PETITION))) == (1, set())
    before = len(engine.emitted)
    engine.advance(at("2019-09-10 00:00"))
    assert told(engine, PETITION, since=before) == []
    engine.load_petition(PETITION, [f for f in history.facts if f.originator_id == PETITION], raised)
    engine.advance(MIDNIGHT)
    assert told(engine, PETITION, since=before) == ["DeadlineBreached 2019-09-16"]


# --- what waits -------------------------------------------------------------------------------------------------------


def test_parked__with_all_that_were_merged_with_it__waits() -> None:
    scenario = given(*BOTH_HELD, merged("2019-09-02"))
    engine = scenario.history.engine
    third = derived_id("petition", "d")
    scenario.when(received("2019-09-03", third))
    for each in (PETITION, OTHER):
        engine.park(each)
        assert engine.parked == {PETITION, OTHER}
        engine.parked.clear()
    engine.park(OTHER)
    before = len(engine.emitted)
    scenario.when("2019-09-30 00:00", Record("2019-10-01 09:00", OTHER, reply("2019-09-16")))
    assert told(engine, OTHER, since=before) == []


def test_released__goes_on_after_it_was_loaded_again() -> None:
    scenario = given(*HELD)
    engine = scenario.history.engine
    raised = engine.raised_of(PETITION)
    engine.park(PETITION)
    scenario.when("2019-09-30 00:00").then("reply")
    engine.release([PETITION])
    assert engine.parked == set() and not engine.cases.is_loaded(PETITION)
    before = len(engine.emitted)
    engine.load_petition(PETITION, [f for f in scenario.history.facts if f.originator_id == PETITION], raised)
    engine.advance(at("2019-10-01 00:00"))
    assert told(engine, PETITION, since=before) == ["DeadlineBreached 2019-09-16"]


@pytest.mark.parametrize("taken_back", [True, False])
def test_no_longer_merged__is_no_longer_parked_with_it(taken_back: bool) -> None:
    scenario = given(*BOTH_HELD, merged("2019-09-02"))
    last = scenario.history.facts[-1]
    event: Event = (
        RecordAnnulled(effective_on=day("2019-09-03"), event_id=last.event_id)
        if taken_back
        else PetitionReopened(effective_on=day("2019-09-03"))
    )
    scenario.history.record(PETITION, event, "2019-09-03 09:00", aggregate="petition")
    scenario.history.engine.park(OTHER)
    assert scenario.history.engine.parked == {OTHER}


# --- what differs -----------------------------------------------------------------------------------------------------


def lost(scenario: Scenario, petition: UUID = PETITION) -> DeadlineEngine:
    """The engine made again from stored facts; what was raised on one petition is lost."""
    return loaded_again(scenario.history.engine, scenario.history.facts, without=petition)


def test_difference__is_listed_once_a_fact_touches_it__and_emits_nothing() -> None:
    scenario = given(*BOTH_HELD)
    engine = lost(scenario)
    engine.advance(at("2019-09-20 00:00"))
    assert engine.differences == {}
    assigned = PetitionAssigned(effective_on=day("2019-09-19"), agency="H35.10.3")
    engine.apply(next_fact(scenario.history, PETITION, assigned, "2019-09-20 09:00"))
    assert list(engine.differences) == [PETITION]
    assert told(engine, PETITION) == []
    assert told(engine, OTHER) == ["DeadlineBreached 2019-09-16"], "the others go on"


def test_difference__of_a_survivor__is_seen_when_another_is_merged_into_it() -> None:
    scenario = given(*BOTH_HELD)
    engine = lost(scenario, OTHER)
    engine.apply(next_fact(scenario.history, PETITION, merged("2019-09-02").event, "2019-09-02 10:00"))
    assert list(engine.differences) == [OTHER]
    assert told(engine, OTHER) == []
    assert told(engine, PETITION) == ["DeadlineWaived 2019-09-16"]


def test_reconciled__emits_what_is_missing__and_its_timers_run() -> None:
    scenario = given(*HELD)
    engine = lost(scenario)
    assigned = PetitionAssigned(effective_on=day("2019-09-02"), agency="H35.10.3")
    engine.apply(next_fact(scenario.history, PETITION, assigned, "2019-09-02 09:00"))
    engine.dirty.clear()
    engine.reconcile(PETITION, "source_restored", at("2019-09-03 00:00"))
    assert (engine.differences, engine.dirty) == ({}, {PETITION})
    engine.advance(MIDNIGHT)
    assert told(engine, PETITION) == ["DeadlineSet 2019-09-16", "DeadlineBreached 2019-09-16"]


def test_reconciled__a_timer_that_fell_while_it_differed__fires_then() -> None:
    """The reply is as raised; the result report is missing, so that nothing of the petition goes on until then."""
    scenario = given(
        *HELD, Record("2019-09-02 09:00", PETITION, PetitionAssigned(effective_on=day("2019-09-02"), agency="x"))
    )
    history = scenario.history
    raised = {s: history.engine.raised_of(s) for s in history.engine.subjects()}
    raised[PETITION] = [r for r in raised[PETITION] if r.duty == "reply"]
    engine = load(history.facts, raised, history.engine.horizon)
    scheduled = PetitionScheduled(effective_on=day("2019-09-03"), conference_id=SECOND)
    engine.apply(next_fact(history, PETITION, scheduled, "2019-09-03 09:00"))
    assert list(engine.differences) == [PETITION]
    engine.advance(MIDNIGHT)
    assert told(engine, PETITION) == []
    engine.reconcile(PETITION, "source_restored", MIDNIGHT + INSTANT)
    assert told(engine, PETITION, "result_report") == ["DeadlineSet None"]
    engine.advance(MIDNIGHT + 2 * INSTANT)
    assert told(engine, PETITION) == ["DeadlineBreached 2019-09-16"]


# --- a calendar for cases that were not loaded ------------------------------------------------------------------------


def with_day_off(history: History, moment: str) -> Fact:
    year = next(y for y in seed_years() if y.year == 2019)
    off = DayOff(date=day("2019-09-12"), name="Nghỉ đột xuất")
    event = CalendarPublished(
        effective_on=at(moment).date(), year=2019, holidays=(*year.holidays, off), makeup_days=year.makeup_days
    )
    return next_fact(history, derived_id("calendar", 2019), event, moment)


def test_regulation__applied_to_cases_loaded_after_it__moves_them_as_if_they_had_been_there() -> None:
    history = given(*BOTH_HELD).history
    raised = {s: history.engine.raised_of(s) for s in history.engine.subjects()}
    calendar = with_day_off(history, "2019-09-05 08:00")
    whole = load(history.facts, raised, history.engine.horizon)
    whole.apply(calendar)
    shared = [f for f in history.facts if is_regulation(f)]
    part = DeadlineEngine("test")
    part.load_shared(shared, {}, history.engine.horizon)
    part.apply(calendar)
    assert part.emitted == []
    known = {s: [f for f in history.facts if f.originator_id == s] for s in (CONFERENCE, PETITION, OTHER)}
    part.load_conference(CONFERENCE, known[CONFERENCE], raised[CONFERENCE])
    part.load_petition(PETITION, known[PETITION], raised[PETITION])
    part.load_petition(OTHER, known[OTHER], [])
    part.settle([calendar], dict.fromkeys([CONFERENCE, PETITION, OTHER], calendar.position - 1))
    assert told(part, PETITION) == told(whole, PETITION) == ["DeadlineMoved 2019-09-17"]
    assert list(part.differences) == [OTHER], "it is held against what was raised before the calendar"
    assert {CONFERENCE, PETITION, OTHER} <= part.dirty


def test_fired_outside__is_known_here__and_does_not_fire_again() -> None:
    history = given(*HELD).history
    other = loaded_again(history.engine, history.facts)
    other.advance(MIDNIGHT)
    (fired,) = [r for r in other.raised_of(PETITION) if r.duty == "reply"]
    before = len(history.engine.emitted)
    history.engine.update_fired(fired)
    assert fired in history.engine.raised_of(PETITION)
    history.engine.advance(MIDNIGHT)
    assert told(history.engine, PETITION, since=before) == []
    history.engine.forget(PETITION)
    history.engine.update_fired(fired)
    assert history.engine.raised_of(PETITION) == [], "of no concern while it is not loaded"


# --- authorities ------------------------------------------------------------------------------------------------------

PLAN = Record(
    "2019-06-24 08:00",
    derived_id("plan"),
    DialoguePlanAdopted(effective_on=day("2019-06-24"), jurisdiction=DISTRICT, number="570", year=2019),
)


def test_dialogue_that_was_annulled__is_owed_again() -> None:
    scenario = given(PLAN, planned(), *held())
    closed = scenario.history.facts[-1]
    scenario.then("annual_dialogue", "DeadlineSet 2019-12-31", "DeadlineMet 2019-12-31")
    annulled = RecordAnnulled(effective_on=day("2019-08-24"), event_id=closed.event_id)
    before = len(scenario.history.engine.emitted)
    scenario.history.record(CONFERENCE, annulled, "2019-08-24 09:00", aggregate="conference")
    assert told(scenario.history.engine, AUTHORITY, "annual_dialogue", before) == ["DeadlineReinstated 2019-12-31"]


def test_dialogue_of_another_engine__meets_the_year_here() -> None:
    whole = given(PLAN, planned(), *held()).history
    closed = whole.facts[-1]
    dialogue = whole.engine.cases.dialogues[CONFERENCE]
    shared = [f for f in whole.facts if is_regulation(f)]
    begun = given(PLAN).history.engine
    engine = DeadlineEngine("test")
    engine.load_shared(shared, {}, at("2019-07-01 00:00"))
    engine.load_jurisdictions(begun.raised_of(AUTHORITY))
    engine.apply_dialogue(closed, dialogue)
    assert told(engine, AUTHORITY, "annual_dialogue") == ["DeadlineMet 2019-12-31"]
    assert engine.horizon == closed.recorded_at - INSTANT
    engine.apply_dialogue(closed, None)
    assert told(engine, AUTHORITY, "annual_dialogue")[-1] == "DeadlineReinstated 2019-12-31"


def test_authority__whose_rows_are_lost__is_listed_and_waits() -> None:
    shared = [f for f in given(PLAN).history.facts if is_regulation(f)]
    engine = DeadlineEngine("test")
    engine.load_shared(shared, {}, at("2019-07-01 00:00"))
    engine.load_jurisdictions([])
    assert list(engine.differences) == [AUTHORITY]
    engine.advance(at("2021-01-01 00:00"))
    assert engine.emitted == []


def test_authority__before_any_time_has_passed__owes_nothing_yet() -> None:
    shared = [f for f in given(PLAN).history.facts if is_regulation(f)]
    engine = DeadlineEngine("test")
    engine.load_shared(shared, {}, None)
    engine.load_jurisdictions([])
    assert (engine.differences, engine.next_fire_at, engine.horizon) == ({}, None, None)
    assert engine.subjects() == [AUTHORITY]


# --- failures ---------------------------------------------------------------------------------------------------------


def two_replies() -> tuple[Scenario, UUID, UUID]:
    """Two petitions of conferences in November 2026; no year after 2026 has a calendar."""
    first, last = sorted((PETITION, OTHER))
    scenario = given(
        planned("2026-11-02", "2026-09-01"),
        received("2026-09-02", first),
        received("2026-09-03", last, ("p2",)),
        planned("2026-11-20", "2026-09-04", conference=SECOND),
        *held(first, on="2026-11-02"),
        *held(last, on="2026-11-20", conference=SECOND),
        "2026-11-21 07:59:59",
    )
    return scenario, first, last


#: Mon 2 Nov 2026 + 30 working days is Tue 15 Dec (24 Nov is off), Fri 20 Nov + 30 in January 2027.
LONGER = msgspec.structs.replace(
    policy_with("- {duty: reply, form: deadline, length: 30}", "running_clocks: move\n"), valid_from=day("2026-11-21")
)


def not_countable(engine: DeadlineEngine) -> list[tuple[UUID, str, str]]:
    return [(s, d.duty, d.reason) for s, listed in engine.cases.uncountable.items() for d in listed.values()]


def test_duty_that_cannot_be_counted__is_listed_and_every_other_is_counted() -> None:
    """A document that moves running clocks moves one, and takes the other beyond the last calendar."""
    scenario, first, last = two_replies()
    engine = scenario.history.engine
    scenario.when(adopted(LONGER, "2026-11-21"))
    assert not_countable(engine) == [(last, "reply", "there is no calendar for the year 2027: publish one first")]
    assert told(engine, first)[-1] == "DeadlineMoved 2026-12-15"
    assert told(engine, last) == ["DeadlineSet 2026-12-14"]


def test_duty_that_cannot_be_counted__waits_and_is_counted_once_its_year_is_published() -> None:
    scenario, _, last = two_replies()
    engine = scenario.history.engine
    scenario.when(adopted(LONGER, "2026-11-21"), "2026-12-20 00:00")
    assert told(engine, last) == ["DeadlineSet 2026-12-14"], "the old date breaches nothing"
    year = CalendarPublished(
        effective_on=day("2026-12-21"), year=2027, holidays=(DayOff(date=day("2027-01-01"), name="Tết"),)
    )
    scenario.when(Record("2026-12-21 08:00", derived_id("calendar", 2027), year))
    assert not_countable(engine) == []
    # 30 working days after Fri 20 Nov 2026; 24 November and 1 January do not count.
    assert told(engine, last)[1:] == ["DeadlineMoved 2027-01-05"]
    scenario.when("2027-01-06 00:00")
    assert told(engine, last)[2:] == ["DeadlineBreached 2027-01-05"]


def test_duty_that_cannot_be_counted__is_remembered_while_its_case_is_not_loaded() -> None:
    scenario, first, last = two_replies()
    scenario.when(adopted(LONGER, "2026-11-21"))
    engine = scenario.history.engine
    facts, raised = [f for f in scenario.history.facts if f.originator_id == last], engine.raised_of(last)
    engine.forget(last)
    engine.load_petition(last, facts, raised)
    engine.advance(at("2026-12-20 00:00"))
    assert told(engine, last) == ["DeadlineSet 2026-12-14"]
    proposed = next_fact(
        scenario.history,
        derived_id("calendar", 2027),
        CalendarPublished(effective_on=day("2026-12-21"), year=2027, holidays=()),
        "2026-12-21 08:00",
    )
    assert engine.cases.needs([proposed]).everything
    assert first not in engine.cases.uncountable


def test_policy_that_was_annulled__counts_by_what_was_in_force_before() -> None:
    scenario, first, last = two_replies()
    scenario.when(adopted(LONGER, "2026-11-21"))
    engine, adoption = scenario.history.engine, scenario.history.facts[-1]
    annulled = RecordAnnulled(effective_on=day("2026-11-23"), event_id=adoption.event_id, reason="sai")
    scenario.when(Record("2026-11-23 08:00", adoption.originator_id, annulled))
    assert not_countable(engine) == []
    assert told(engine, first)[-1] == "DeadlineMoved 2026-11-23"
    scenario.when("2026-12-15 00:00")
    assert told(engine, last) == ["DeadlineSet 2026-12-14", "DeadlineBreached 2026-12-14"]


def test_fact_that_fails__changes_nothing_of_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, first, last = two_replies()
    engine = scenario.history.engine
    before = {s: engine.raised_of(s) for s in (first, last)}, list(engine.emitted), set(engine.dirty)
    counted = engine.expected_of

    def failing(subject_id: UUID) -> dict[UUID, ExpectedDeadline]:
        if subject_id == last and len(engine.emitted) > len(before[1]):
            raise LookupError
        return counted(subject_id)

    monkeypatch.setattr(engine, "expected_of", failing)
    with pytest.raises(LookupError):
        scenario.when(adopted(LONGER, "2026-11-21"))
    assert ({s: engine.raised_of(s) for s in (first, last)}, list(engine.emitted), set(engine.dirty)) == before
    assert not_countable(engine) == []
    monkeypatch.undo()
    scenario.when("2026-12-01 00:00").then("reply", "DeadlineBreached 2026-11-23", of=first)


def test_policy_of_an_impossible_day__stops_no_source() -> None:
    """Such policies were adopted before they were refused."""
    rule = Rule(duty="annual_dialogue", form="frequency", frequency=Frequency(), warn_on=("04-31",))
    bad = msgspec.structs.replace(policy_with("- {duty: invitation, form: undated}"), rules=(rule,))
    scenario = given(PLAN, adopted(bad, "2019-01-02"), *HELD)
    engine = scenario.history.engine
    assert {d.duty: d.reason for each in engine.cases.uncountable.values() for d in each.values()} == {
        "annual_dialogue": "there is no day 04-31 in the year 2019"
    }
    assert told(engine, PETITION) == ["DeadlineSet 2019-09-16"]


def test_fixed_date_beyond_the_calendars__holds_up_nothing_else_of_its_authority() -> None:
    far = policy_with(
        "- {duty: commune_plan, form: deadline, length: 0, counted_from: fixed_date, fixed_date: 2030-03-15}"
    )
    scenario = given(adopted(far, "2026-01-02"))
    scenario.history.register(f"{DISTRICT}.1", "commune", "2026-01-03 00:00", DISTRICT)
    plan = DialoguePlanAdopted(effective_on=day("2026-02-02"), jurisdiction=DISTRICT, number="1/KH", year=2026)
    scenario.when(Record("2026-02-02 08:00", derived_id("plan", DISTRICT, "1/KH"), plan))
    engine = scenario.history.engine
    assert not_countable(engine) == [
        (AUTHORITY, "commune_plan", "there is no calendar for the year 2030: publish one first")
    ]
    assert told(engine, AUTHORITY, "annual_dialogue") == ["DeadlineSet 2026-12-31"]
    year = CalendarPublished(effective_on=day("2026-02-03"), year=2030, holidays=())
    scenario.when(Record("2026-02-03 08:00", derived_id("calendar", 2030), year))
    assert told(engine, AUTHORITY, "commune_plan") == ["DeadlineSet 2030-03-15"]
