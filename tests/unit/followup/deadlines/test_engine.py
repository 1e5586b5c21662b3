"""The deadline machine beyond single due dates: years, annulments, outcomes, determinism, failures."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.deadlines.case_memory import MOVES_NOTHING
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.facts import Fact
from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import ConferenceProposalDecided, ConferenceProposed
from shared.events.deadline import DeadlineBreached
from shared.events.person import PostEnded, PostGranted
from shared.events.petition import (
    AgencyResultReported,
    AnswerPrepared,
    EscalationProposed,
    HigherAuthorityAnswered,
    PersonalDataErased,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClassified,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMerged,
    PetitionReassigned,
    PetitionWithdrawn,
    ReplyReported,
    Report,
    WrittenReplyIssued,
)
from shared.events.regulation import DialoguePlanAdopted, JurisdictionClosed, JurisdictionRegistered
from shared.identifiers import derived_id
from tests.support.history import DISTRICT, History, at, day
from tests.support.loading import loaded_again

DISTRICT_ID = derived_id("jurisdiction", DISTRICT)


def reply(on: str, number: str = "1/UBND", reports: tuple[Report, ...] = ()) -> WrittenReplyIssued:
    return WrittenReplyIssued(effective_on=day(on), number=number, signatory="CT", digest="00", reports=reports)


def assigned(on: str, agency: str = "H35.10.3") -> PetitionAssigned:
    return PetitionAssigned(effective_on=day(on), agency=agency)


def open_case(history: History, name: str = "p") -> tuple[UUID, UUID]:
    conference = history.plan("c" + name, "2019-08-23")
    petition = history.receive(name, "2019-08-01")
    history.hold(conference, petition, first="2019-08-23")
    return conference, petition


def adopt(history: History, when: str = "2019-06-24 08:00", on: str = "2019-06-24") -> Fact:
    plan = DialoguePlanAdopted(effective_on=day(on), jurisdiction=DISTRICT, number="570/KH-UBND", year=2019)
    return history.record(derived_id("plan", DISTRICT, "570/KH-UBND", 2019), plan, when)


class TestAnnualDialogue:
    def test_default_policy_alone__opens_nothing(self) -> None:
        history = History()
        history.until("2020-02-01 00:00")
        assert history.told(DISTRICT_ID) == []

    def test_adopted__opens_the_year_and_the_next_at_its_first_midnight(self) -> None:
        history = History()
        adopt(history)
        history.until("2020-01-01 00:00")
        assert history.told(DISTRICT_ID)[:2] == ["DeadlineSet 2019-12-31", "DeadlineDueSoon 2019-12-31"]
        assert sorted(history.told(DISTRICT_ID)[2:]) == ["DeadlineBreached 2019-12-31", "DeadlineSet 2020-12-31"]
        warned = next(e.event for e in history.engine.emitted if e.event.TOPIC == "DeadlineDueSoon")
        assert warned.at == at("2019-10-01 00:00")

    def test_periodic_conference_held__meets_the_year(self) -> None:
        history = History()
        adopt(history)
        open_case(history)
        assert history.told(DISTRICT_ID) == ["DeadlineSet 2019-12-31", "DeadlineMet 2019-12-31"]

    def test_adoption_recorded_years_later__never_opens_ended_years(self) -> None:
        history = History()
        adopt(history, when="2022-05-05 08:00")
        assert history.told(DISTRICT_ID) == ["DeadlineSet 2022-12-31"]

    def test_jurisdiction_closed__opens_no_further_year(self) -> None:
        history = History()
        registered = JurisdictionRegistered(
            effective_on=day("2019-01-02"),
            code=DISTRICT,
            name="Tam Đường",
            level="district",
            valid_from=day("2019-01-01"),
        )
        history.record(DISTRICT_ID, registered, "2019-01-02 08:00")
        adopt(history)
        history.record(
            DISTRICT_ID, JurisdictionClosed(effective_on=day("2020-07-01"), code=DISTRICT), "2020-07-01 08:00"
        )
        history.until("2022-02-01 00:00")
        assert history.told(DISTRICT_ID)[-1] == "DeadlineWaived 2020-12-31"

    def test_communes__owe_their_own_plan(self) -> None:
        history = History()
        commune = JurisdictionRegistered(
            effective_on=day("2019-01-02"),
            code="H35.10.20",
            name="Bản Bo",
            level="commune",
            valid_from=day("2019-01-01"),
            parent=DISTRICT,
        )
        history.record(derived_id("jurisdiction", "H35.10.20"), commune, "2019-01-02 08:00")
        adopt(history)
        assert history.told(DISTRICT_ID, "commune_plan") == ["DeadlineSet None"]
        own = DialoguePlanAdopted(
            effective_on=day("2019-07-10"),
            jurisdiction="H35.10.20",
            number="12/KH-UBND",
            year=2019,
            parent_plan="570/KH-UBND",
        )
        history.record(derived_id("plan", "x"), own, "2019-07-10 09:00")
        assert history.told(DISTRICT_ID, "commune_plan")[-1] == "DeadlineMet None"


class TestOutcomes:
    def test_breach__tells_in_both_languages_how_its_date_was_counted(self) -> None:
        history = History()
        _, petition = open_case(history)
        history.until("2019-09-20 09:00")
        (breach,) = [
            e.event for e in history.engine.emitted if e.event.TOPIC == "DeadlineBreached" and e.event.duty == "reply"
        ]
        assert isinstance(breach, DeadlineBreached) and breach.subject_id == petition
        assert breach.text is not None
        assert breach.text.vi.endswith("Hạn cuối: hết thứ Hai, ngày 16/09/2019.")
        assert "Not counted: Monday 2 September 2019 (day off: National Day)." in breach.text.en

    def test_reply_report__is_due_the_same_day_to_all_three(self) -> None:
        history = History()
        _, petition = open_case(history)
        history.record(petition, reply("2019-09-05"), "2019-09-05 09:00")
        assert history.due(petition, "reply_report") == day("2019-09-05")
        two = (Report(recipient="chair", on=day("2019-09-05")), Report(recipient="government", on=day("2019-09-05")))
        told = ReplyReported(effective_on=day("2019-09-05"), reply_number="1/UBND", reports=two)
        history.record(petition, told, "2019-09-05 10:00")
        assert history.told(petition, "reply_report")[-1] != "DeadlineMet 2019-09-05"
        third = ReplyReported(
            effective_on=day("2019-09-06"),
            reply_number="1/UBND",
            reports=(Report(recipient="party_committee", on=day("2019-09-06")),),
        )
        history.record(petition, third, "2019-09-06 10:00")
        assert history.told(petition, "reply_report")[-2:] == [
            "DeadlineBreached 2019-09-05",
            "DeadlineMetLate 2019-09-05",
        ]

    def test_result_report__keeps_a_replied_case_unresolved(self) -> None:
        history = History()
        _, petition = open_case(history)
        history.record(petition, assigned("2019-08-30"), "2019-08-30 09:00")
        history.record(petition, reply("2019-09-05"), "2019-09-05 09:00")
        row = history.engine.case_row(petition)
        assert row is not None and (row.state, row.unresolved) == ("replied", True)
        result = AgencyResultReported(effective_on=day("2019-09-20"), agency="H35.10.3", result="resolved")
        history.record(petition, result, "2019-09-20 09:00")
        row = history.engine.case_row(petition)
        assert row is not None and (row.state, row.unresolved) == ("resolved", False)

    def test_escalated__the_reply_clock_runs_on(self) -> None:
        history = History()
        _, petition = open_case(history)
        history.record(petition, PetitionEscalated(effective_on=day("2019-09-02"), authority="H35"), "2019-09-03 09:00")
        row = history.engine.case_row(petition)
        assert row is not None and row.state == "escalated"
        assert history.told(petition, "higher_answer") == ["DeadlineSet None"]
        history.until("2019-09-17 00:00")
        assert "DeadlineBreached 2019-09-16" in history.told(petition, "reply")
        answer = HigherAuthorityAnswered(effective_on=day("2019-09-18"), authority="H35")
        history.record(petition, answer, "2019-09-18 09:00")
        assert history.told(petition, "higher_answer")[-1] == "DeadlineMet None"

    def test_answered_at_the_conference__has_no_reply_clock(self) -> None:
        history = History()
        conference = history.plan("c", "2019-08-23")
        petition = history.receive("p", "2019-08-01")
        history.raise_at(conference, petition, "2019-08-23")
        answered = PetitionAnsweredAtConference(effective_on=day("2019-08-23"), conference_id=conference)
        history.record(petition, answered, "2019-08-23 10:00")
        history.hold(conference, first="2019-08-23")
        assert history.told(petition, "reply") == []

    def test_second_conference__never_restarts_the_clock(self) -> None:
        history = History()
        _, petition = open_case(history)
        second = history.plan("c2", "2019-09-06", planned="2019-08-24", kind="extraordinary")
        history.hold(second, petition, first="2019-09-06")
        assert history.due(petition, "reply") == day("2019-09-16")
        assert len([r for r in history.engine.raised_of(petition) if r.duty == "reply"]) == 1

    def test_prepared_answer__owed_by_the_agency_before_the_conference(self) -> None:
        history = History()
        conference = history.plan("c", "2019-08-23")
        petition = history.receive("p", "2019-08-01")
        history.record(petition, PetitionForwarded(effective_on=day("2019-08-05"), agency="H35.10.3"))
        assert history.told(petition, "prepared_answer") == []
        history.raise_at(conference, petition, "2019-08-05")
        assert history.due(petition, "prepared_answer", "H35.10.3") == day("2019-08-22")
        prepared = AnswerPrepared(effective_on=day("2019-08-20"), agency="H35.10.3")
        history.record(petition, prepared, "2019-08-20 09:00")
        assert history.told(petition, "prepared_answer")[-1] == "DeadlineMet 2019-08-22"

    def test_proposal__undated_duties_of_the_chair(self) -> None:
        history = History()
        conference = derived_id("conference", "proposed")
        proposed = ConferenceProposed(effective_on=day("2019-07-01"), jurisdiction=DISTRICT, proposer="H35.10.9")
        history.record(conference, proposed, "2019-07-01 09:00")
        history.record(
            conference, ConferenceProposalDecided(effective_on=day("2019-07-03"), accepted=True), "2019-07-03 09:00"
        )
        assert sorted(history.told(conference)) == ["DeadlineMet None", "DeadlineSet None", "DeadlineSet None"]


class TestAnnulment:
    def test_reply_annulled__reinstates_and_a_standing_breach_stays(self) -> None:
        history = History()
        _, petition = open_case(history)
        late = history.record(petition, reply("2019-09-18"), "2019-09-18 09:00")
        annul = RecordAnnulled(effective_on=day("2019-09-19"), event_id=late.event_id)
        history.record(petition, annul, "2019-09-19 09:00", aggregate="petition")
        history.until("2019-10-01 00:00")
        told = [e.split()[0] for e in history.told(petition, "reply")]
        assert told.count("DeadlineBreached") == 1
        assert told[-1] == "DeadlineReinstated"

    def test_in_time_reply_annulled_after_the_due_date__breaches_anew(self) -> None:
        history = History()
        _, petition = open_case(history)
        good = history.record(petition, reply("2019-09-10"), "2019-09-10 09:00")
        annul = RecordAnnulled(effective_on=day("2019-09-19"), event_id=good.event_id)
        history.record(petition, annul, "2019-09-19 09:00", aggregate="petition")
        history.until("2019-09-19 10:00")
        assert [e.split()[0] for e in history.told(petition, "reply")][-3:] == [
            "DeadlineMet",
            "DeadlineReinstated",
            "DeadlineBreached",
        ]

    def test_merge_annulled__the_merged_clock_runs_again(self) -> None:
        history = History()
        _, a = open_case(history, "a")
        b = history.receive("b", "2019-09-01", ("p2",))
        merged = history.record(a, PetitionMerged(effective_on=day("2019-09-03"), into=b), "2019-09-03 09:00")
        annul = RecordAnnulled(effective_on=day("2019-09-04"), event_id=merged.event_id)
        history.record(a, annul, "2019-09-04 09:00", aggregate="petition")
        assert "DeadlineReinstated 2019-09-16" in history.told(a, "reply")
        assert history.told(b, "reply")[-1] == "DeadlineWaived 2019-09-16"


def busy_history() -> History:
    """A history with most kinds of turn in it."""
    history = History()
    adopt(history)
    _conference, a = open_case(history, "a")
    b = history.receive("b", "2019-08-26", ("p2",))
    c = history.receive("c", "2019-08-26", ("p3",))
    second = history.plan("c2", "2019-09-06", planned="2019-08-27", kind="extraordinary")
    history.hold(second, b, c, first="2019-09-06")
    history.record(a, assigned("2019-09-09"), "2019-09-09 09:00")
    history.record(c, PetitionWithdrawn(effective_on=day("2019-09-10")), "2019-09-12 09:00")
    history.record(a, reply("2019-09-16"), "2019-09-20 09:00")
    history.record(b, PetitionMerged(effective_on=day("2019-10-02"), into=a), "2019-10-02 09:00")
    history.until("2020-01-05 00:00")
    return history


BUSY = busy_history()


@given(st.lists(st.integers(min_value=0, max_value=400), max_size=30), st.booleans())
def test_any_pace_any_outage__gives_the_same_events(pauses: list[int], catch_up_late: bool) -> None:
    """Statements of completeness may come often, rarely or never before the end: the events are the same."""
    engine = DeadlineEngine("test")
    facts = iter(BUSY.facts)
    for hours in pauses:
        fact = next(facts, None)
        if fact is None:
            break
        engine.apply(fact)
        following = fact.recorded_at + timedelta(hours=hours)
        after = BUSY.facts[fact.position].recorded_at if fact.position < len(BUSY.facts) else following
        if not catch_up_late:
            engine.advance(min(following, after - timedelta(microseconds=1)))
    for fact in facts:
        engine.apply(fact)
    engine.advance(at("2020-01-05 00:00"))
    assert engine.emitted == BUSY.engine.emitted


def test_loaded_again__goes_on_as_if_it_had_never_stopped() -> None:
    """A machine made from stored facts and raised rows emits what the first one would have."""
    whole, cut = BUSY.engine, 30
    first = DeadlineEngine("test")
    for fact in BUSY.facts[:cut]:
        first.apply(fact)
    second = loaded_again(first, BUSY.facts[:cut])
    for fact in BUSY.facts[cut:]:
        second.apply(fact)
    second.advance(at("2020-01-05 00:00"))
    assert not second.differences
    assert first.emitted + second.emitted == whole.emitted


@pytest.mark.parametrize(
    "event",
    [
        PetitionClassified(effective_on=day("2019-09-02"), subject="Đường", field="giao thông", urgency="urgent"),
        EscalationProposed(effective_on=day("2019-09-02"), agency=f"{DISTRICT}.3"),
        PersonalDataErased(effective_on=day("2019-09-02"), petitioner_id="p1"),
    ],
)
def test_what_moves_nothing__leaves_every_duty_as_it_was(event: DatedEvent) -> None:
    assert type(event) in MOVES_NOTHING
    history = History()
    conference = history.plan("c", "2019-08-23")
    petition = history.receive("p", "2019-08-01")
    history.hold(conference, petition, first="2019-08-23")
    history.record(petition, PetitionAssigned(effective_on=day("2019-08-30"), agency=f"{DISTRICT}.3"))
    before = history.engine.expected_of(petition)
    assert before
    history.record(petition, event, "2019-09-02 09:00")
    assert history.engine.expected_of(petition) == before


def test_every_kind_that_moves_nothing__is_tested() -> None:
    assert {PetitionClassified, EscalationProposed, PersonalDataErased} == set(MOVES_NOTHING)


def test_failing_fact__changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    history = History()
    _, petition = open_case(history)
    history.until("2019-09-05 08:00")
    before = (list(history.engine.emitted), history.engine.raised_of(petition))
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr("services.followup.domain.deadlines.engine.petition_duties", lambda *_: 1 / 0)
        history.record(petition, reply("2019-09-05"), "2019-09-05 08:30")
    assert (list(history.engine.emitted), history.engine.raised_of(petition)) == before
    history.record(petition, reply("2019-09-05"), "2019-09-05 09:00")
    assert history.told(petition, "reply")[-1] == "DeadlineMet 2019-09-16"


def test_raised_differs_from_desired__emits_nothing_until_reconciled() -> None:
    history = History()
    _, petition = open_case(history)
    second = loaded_again(history.engine, history.facts, without=petition)
    late = at("2019-09-20 00:00")
    second.advance(late)
    fact = Fact(
        len(history.facts) + 1,
        derived_id("late"),
        petition,
        "PetitionAssigned",
        late,
        assigned("2019-09-19"),
        history.facts[-1].meta.__class__(
            event_id=derived_id("late"),
            aggregate="petition",
            jurisdiction=DISTRICT,
            actor="t",
            correlation_id=derived_id("late"),
        ),
    )
    second.apply(fact)
    assert petition in second.differences
    assert not [e for e in second.emitted if e.event.subject_id == petition]
    second.reconcile(petition, "source_restored", late)
    assert next(e.event.TOPIC for e in second.emitted if e.event.subject_id == petition) == "DeadlineSet"


def test_reassignment_recorded_late__is_overtaken_by_the_later_dated_one() -> None:
    history = History()
    _, petition = open_case(history)
    history.record(petition, assigned("2019-08-30", "H35.10.3"), "2019-08-30 09:00")
    history.record(petition, PetitionReassigned(effective_on=day("2019-09-10"), agency="H35.10.5"), "2019-09-10 09:00")
    history.record(petition, PetitionReassigned(effective_on=day("2019-09-04"), agency="H35.10.4"), "2019-09-11 09:00")
    row = history.engine.case_row(petition)
    assert row is not None and row.agency == "H35.10.5"
    assert [(s.agency, s.since) for s in row.spans] == [
        ("H35.10.3", day("2019-08-30")),
        ("H35.10.4", day("2019-09-04")),
        ("H35.10.5", day("2019-09-10")),
    ]


def test_events_of_people__change_nothing_that_anybody_owes() -> None:
    history = History()
    adopt(history)
    _, petition = open_case(history)
    history.engine.advance(at("2019-08-23 23:00"))
    before = history.engine.raised_of(petition), history.engine.raised_of(DISTRICT_ID), len(history.engine.emitted)
    person = derived_id("person", "7f3a-21")
    granted = history.record(
        person,
        PostGranted(
            effective_on=day("2019-08-01"), subject="7f3a-21", position="Chuyên viên", roles=("office",),
            jurisdiction=DISTRICT, valid_from=day("2019-08-01"),
        ),
        "2019-08-23 22:00",
    )  # fmt: skip
    ended = history.record(person, PostEnded(effective_on=day("2019-08-23"), post=granted.event_id))
    assert (granted.meta.aggregate, ended.meta.aggregate) == ("person", "person")
    after = history.engine.raised_of(petition), history.engine.raised_of(DISTRICT_ID), len(history.engine.emitted)
    assert after == before
    assert person not in {fact.originator_id for fact in history.engine.cases.regulation.facts}
