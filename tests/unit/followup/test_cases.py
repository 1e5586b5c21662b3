"""What is known of a petition or a conference: the fold of its standing facts."""

from typing import get_args
from uuid import UUID

import msgspec
import pytest

from services.followup.domain.cases import (
    Dialogue,
    PetitionCase,
    dialogue_changes,
    dialogue_of,
    fold_conference,
    fold_petition,
)
from services.followup.domain.facts import Fact, is_regulation
from shared.cases.facts import by_effect, standing
from shared.cases.rounds import ENDINGS, EndingEvent
from shared.events import Event
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import (
    ConclusionNoticeIssued,
    ConferenceCancelled,
    ConferenceProposalDecided,
    ConferenceProposed,
    ConferenceRescheduled,
    DialogueRequested,
    SecretaryAppointed,
)
from shared.events.petition import (
    AcceptanceNoticeSent,
    ClockSuspended,
    ExtensionGranted,
    HigherAuthorityAnswered,
    PetitionAssigned,
    PetitionClassified,
    PetitionClosed,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionReassigned,
    PetitionReopened,
    PetitionWithdrawn,
    WrittenReplyIssued,
)
from shared.identifiers import derived_id
from tests.support.deadlines import fact
from tests.support.history import DISTRICT, at, day
from tests.support.scenario import CONFERENCE, PETITION, Record, held, planned, received

OPENED, SCHEDULED, RAISED, CLOSED = held(PETITION)


def facts(*records: Record | tuple[str, Event]) -> list[Fact]:
    """These records in this order; of an event alone only its day is told."""
    found = []
    for position, each in enumerate(records, 1):
        event, moment = (each.event, each.moment) if isinstance(each, Record) else (each[1], f"{each[0]} 09:00")
        found.append(fact(event, at(moment), position, event.AGGREGATE))
    return found


def petition(*records: Record | tuple[str, Event]) -> PetitionCase:
    case = fold_petition(PETITION, facts(received(), *records))
    assert case is not None
    return case


def on(kind: type[Event], day_: str, **words: object) -> tuple[str, Event]:
    return day_, kind(effective_on=day(day_), **words)  # type: ignore[call-arg]


def annulled(number: int) -> tuple[str, Event]:
    return on(RecordAnnulled, "2019-12-01", event_id=derived_id("event", number))


# --- a petition -------------------------------------------------------------------------------------------------------


def test_petition__where_nothing_was_received__unknown() -> None:
    assert fold_petition(PETITION, []) is None
    assert fold_petition(PETITION, facts(on(PetitionForwarded, "2019-08-05", agency="H35.10.3"))) is None
    assert fold_petition(PETITION, facts(received(), annulled(1))) is None


def test_petition__keeps_each_fact_in_its_place() -> None:
    case = petition(
        on(PetitionClassified, "2019-08-02", subject="Đường", field="giao thông"),
        on(PetitionForwarded, "2019-08-03", agency="H35.10.3"),
        SCHEDULED,
        RAISED,
        on(AcceptanceNoticeSent, "2019-08-24", number="1"),
        on(PetitionAssigned, "2019-08-30", agency="H35.10.3"),
        on(PetitionEscalated, "2019-09-01", authority="H35"),
        on(HigherAuthorityAnswered, "2019-09-02", authority="H35"),
        on(WrittenReplyIssued, "2019-09-03", number="1", signatory="CT", digest="00"),
    )
    assert case.classified is not None and case.classified.subject == "Đường"
    assert [f.on for f in case.of(PetitionForwarded)] == [day("2019-08-03")]
    assert (case.scheduled, case.raised, case.conferences) == ([CONFERENCE], [CONFERENCE], {CONFERENCE})
    assert [f.on for f in case.round.accepted] == [day("2019-08-24")]
    assert (case.lead, [f.on for f in case.assigned]) == ("H35.10.3", [day("2019-08-30")])
    assert [f.on for f in case.of(PetitionEscalated)] == [day("2019-09-01")]
    assert [f.on for f in case.of(HigherAuthorityAnswered)] == [day("2019-09-02")]
    assert [f.on for f in case.round.replies] == [day("2019-09-03")]
    assert [len(case.of(kind)) for kind in (PetitionForwarded, PetitionEscalated, PetitionWithdrawn)] == [1, 1, 0]
    assert (case.jurisdiction, len(case.facts), case.round.end) == (DISTRICT, 10, None)


def test_petition__its_clock_meets_only_what_moves_one() -> None:
    case = petition(
        on(PetitionAssigned, "2019-08-30", agency="H35.10.3"),
        on(PetitionReassigned, "2019-09-01", agency="H35.10.4", due_on=day("2019-09-10")),
        on(PetitionMarkedComplex, "2019-09-02", decided_by="chair", criteria=("x",)),
        on(ExtensionGranted, "2019-09-03", expected_on=day("2019-09-30")),
        on(ClockSuspended, "2019-09-04", number="1"),
        on(PetitionEscalated, "2019-09-05", authority="H35"),
    )
    assert [f.on.day for f in case.round.steps] == [1, 2, 3, 4]
    assert [f.on.day for f in case.round.complex] == [2]
    assert [f.on.day for f in case.round.extensions] == [3]


def test_lead__is_of_the_assignment_that_took_effect_last() -> None:
    assert petition().lead == ""
    case = petition(
        on(PetitionAssigned, "2019-08-30", agency="first"),
        on(PetitionReassigned, "2019-09-10", agency="last"),
        on(PetitionReassigned, "2019-09-05", agency="recorded late"),
    )
    assert case.lead == "last"


def test_every_ending__has_its_name() -> None:
    assert ENDINGS.keys() == set(get_args(EndingEvent))


@pytest.mark.parametrize("kind", ENDINGS, ids=lambda kind: kind.TOPIC)
def test_end__of_each_kind(kind: type[Event]) -> None:
    words = {
        "PetitionAnsweredAtConference": {"conference_id": CONFERENCE},
        "PetitionRedirected": {"procedure": "other", "body": "H35.4"},
        "PetitionMerged": {"into": UUID(int=7)},
        "RefusalNoticeSent": {"number": "1"},
    }
    case = petition(on(kind, "2019-09-01", **words.get(kind.TOPIC, {})))
    assert case.round.end is not None and case.round.end.event.TOPIC == kind.TOPIC
    assert case.survivor == (UUID(int=7) if kind is PetitionMerged else None)


def test_reopened__begins_another_round() -> None:
    case = petition(
        on(PetitionMerged, "2019-09-01", into=UUID(int=7)),
        on(PetitionReopened, "2019-09-02"),
        on(PetitionMarkedComplex, "2019-09-03", decided_by="chair", criteria=("x",)),
    )
    first, second = case.rounds
    assert first.end is not None and first.steps == []
    assert (second.end, len(second.steps), second is case.round) == (None, 1, True)
    assert second.reopened is not None and second.reopened.on == day("2019-09-02")
    assert case.survivor is None, "it goes on by itself"


def test_annulled__is_as_if_it_had_never_been_recorded() -> None:
    case = petition(on(PetitionClosed, "2019-09-01", ground="x"), annulled(2))
    assert (case.round.end, len(case.facts)) == (None, 1)


# --- a conference -----------------------------------------------------------------------------------------------------

PROPOSED = on(ConferenceProposed, "2019-06-01", jurisdiction="H35.11", proposer="x")


def test_conference__known_once_its_authority_is() -> None:
    assert fold_conference(CONFERENCE, []) is None
    assert fold_conference(CONFERENCE, facts(on(SecretaryAppointed, "2019-08-23"))) is None
    assert fold_conference(CONFERENCE, facts(planned(), annulled(1))) is None
    proposed = fold_conference(CONFERENCE, facts(PROPOSED))
    assert proposed is not None and (proposed.jurisdiction, proposed.plan, proposed.first_day) == ("H35.11", None, None)
    both = fold_conference(CONFERENCE, facts(PROPOSED, planned()))
    assert both is not None and both.jurisdiction == DISTRICT


def test_conference__keeps_each_fact_in_its_place() -> None:
    decided = on(ConferenceProposalDecided, "2019-06-03", accepted=True)
    cancelled = on(ConferenceCancelled, "2019-09-01")
    case = fold_conference(CONFERENCE, facts(PROPOSED, decided, planned(), OPENED, CLOSED, cancelled))
    assert case is not None
    found = (case.proposed, case.decided, case.planned, case.opened, case.closed, case.cancelled)
    assert [f.position for f in found if f] == [1, 2, 3, 4, 5, 6]
    assert case.first_day == day("2019-08-23")


def test_first_day__is_that_of_the_rescheduling_that_took_effect_last() -> None:
    first = on(ConferenceRescheduled, "2019-08-05", first_day=day("2019-08-30"), last_day=day("2019-08-30"))
    last = on(ConferenceRescheduled, "2019-08-10", first_day=day("2019-09-06"), last_day=day("2019-09-06"))
    for records in ((first, last), (last, first)):
        case = fold_conference(CONFERENCE, facts(planned(), *records))
        assert case is not None and case.first_day == day("2019-09-06")


def test_conclusion__is_the_first_notice_by_effect() -> None:
    notices = [
        on(ConclusionNoticeIssued, f"2019-08-{d}", number=d, signatory="CT", digest="00") for d in ("30", "28", "29")
    ]
    case = fold_conference(CONFERENCE, facts(planned(), *notices))
    assert case is not None and case.concluded is not None and case.concluded.on == day("2019-08-28")
    assert len(case.of(ConclusionNoticeIssued)) == 3


def test_audience__of_the_plan_else_of_the_request() -> None:
    requested = on(DialogueRequested, "2019-06-01", jurisdiction=DISTRICT, requester="x", audience="youth")
    case = fold_conference(CONFERENCE, facts(requested))
    assert case is not None and case.audience == "youth"
    case = fold_conference(CONFERENCE, facts(requested, planned()))
    assert case is not None and case.audience == ""
    case = fold_conference(CONFERENCE, facts(PROPOSED))
    assert case is not None and case.audience == ""


# --- a dialogue -------------------------------------------------------------------------------------------------------


def dialogue(*records: Record | tuple[str, Event]) -> Dialogue | None:
    return dialogue_of(fold_conference(CONFERENCE, facts(*records)))


def test_dialogue__is_a_periodic_conference_that_was_held() -> None:
    found = dialogue(planned(), OPENED, CLOSED)
    assert found is not None
    assert (found.jurisdiction, found.audience, found.closed.position) == (DISTRICT, "", 3)
    assert dialogue(planned(), OPENED) is None
    assert dialogue(PROPOSED, OPENED, CLOSED) is None
    plan = planned()
    extraordinary = plan._replace(event=msgspec.structs.replace(plan.event, kind="extraordinary"))
    assert dialogue(extraordinary, OPENED, CLOSED) is None
    assert dialogue_of(None) is None


def test_dialogue_changes__each_fact_that_made_it_one_or_no_longer_one() -> None:
    known = facts(planned(), OPENED, CLOSED, on(SecretaryAppointed, "2019-08-24"), annulled(3))
    found = dialogue_changes(CONFERENCE, known)
    assert [(each.position, held is not None) for each, held in found] == [(3, True), (5, False)]
    assert dialogue_changes(CONFERENCE, known[:2]) == []


# --- facts ------------------------------------------------------------------------------------------------------------


def test_standing__leaves_out_what_was_annulled_and_the_annulment() -> None:
    known = facts(planned(), OPENED, CLOSED)
    assert standing(known) == known
    with_annulment = facts(planned(), OPENED, CLOSED, annulled(2))
    assert [f.position for f in standing(with_annulment)] == [1, 3]


def test_by_effect__by_day_and_then_as_recorded() -> None:
    known = facts(
        on(PetitionForwarded, "2019-08-05", agency="a"),
        on(PetitionForwarded, "2019-08-04", agency="b"),
        on(PetitionForwarded, "2019-08-05", agency="c"),
        on(PetitionForwarded, "2019-08-04", agency="d"),
    )
    assert [f.position for f in by_effect(reversed(known))] == [2, 4, 1, 3]


def test_regulation__is_what_belongs_to_no_case() -> None:
    assert [is_regulation(f) for f in facts(planned(), received())] == [False, False]
    assert is_regulation(fact(planned().event, at("2019-01-01 08:00"), 1, "policy"))
