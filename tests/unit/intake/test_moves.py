"""Each illegal move is refused by its own error; the moves of the plan are allowed."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from services.intake.domain import errors
from services.intake.domain.reply_clock import reply_due
from shared.events import DATED_EVENTS
from shared.events.petition import Attachment, Identity, PetitionAssigned, PetitionReassigned, Report
from tests.unit.intake.plan import (
    CLOSED,
    DUE,
    EDUCATION,
    HEALTH,
    HELD,
    NOTICE,
    OFFICE,
    OTHER,
    PLANNED,
    RECEIVED,
    A,
    B,
    C,
    Register,
)

PETITION: dict[str, Any] = {"jurisdiction": "H35.10.31", "petitioner_ids": ("p1",)}
PLAN: dict[str, Any] = {"jurisdiction": "H35.10", "number": "570/KH-UBND"}
REPLY: dict[str, Any] = {"number": "12/GDĐT", "signatory": "Trưởng phòng", "digest": "d" * 64}
TOLD = {"petitioner_told_on": NOTICE, "committee_told_on": NOTICE}
Start = Callable[[Register], Any]


def withdrawn(r: Register) -> None:
    r.assigned().do(A, "PetitionWithdrawn")


def replied(r: Register) -> None:
    r.assigned().do(A, "WrittenReplyIssued", **REPLY)


def proposed(r: Register) -> None:
    r.do(C, "ConferenceProposed", PLANNED, jurisdiction="H35.10", proposer=EDUCATION)


def cancelled(r: Register) -> None:
    r.planned().do(C, "ConferenceCancelled", PLANNED)


def speakers(r: Register) -> None:
    r.opened()
    for name in ("s1", "s2"):
        r.do(C, "SpeakerRegistered", HELD, speaker=name)


def merged(r: Register) -> None:
    r.receive(A, B).do(A, "PetitionMerged", into=B)


def task(r: Register) -> None:
    r.planned().do(C, "PreparationTaskAssigned", PLANNED, task="t", kind="other", agency=EDUCATION)
    r.do(C, "PreparationTaskDone", PLANNED, task="t")


def concluded(r: Register) -> None:
    r.assigned().do(C, "InternalReviewHeld", summary="Đã rút kinh nghiệm.")


def escalated(r: Register) -> None:
    r.assigned().do(A, "PetitionEscalated", authority="UBND tỉnh")


def scheduled(r: Register) -> None:
    r.planned().receive().do(A, "PetitionScheduled", PLANNED, conference_id=C)


def complex_case(r: Register) -> None:
    r.assigned().do(A, "PetitionMarkedComplex", decided_by="Chủ tịch", criteria=("nhiều cơ quan",))


def decided(r: Register) -> None:
    proposed(r)
    r.do(C, "ConferenceProposalDecided", PLANNED, accepted=True)


def called(r: Register) -> None:
    speakers(r)
    r.do(C, "SpeakerCalled", HELD, speaker="s1")


def speaking(r: Register) -> None:
    r.opened().receive().do(C, "SpeakerRegistered", HELD, speaker="s", petition_id=A)


def elsewhere(r: Register) -> None:
    r.receive(A).do(B, "PetitionReceived", NOTICE, jurisdiction=OTHER)


def forwarded(r: Register) -> None:
    r.receive().do(A, "PetitionForwarded", PLANNED, agency=EDUCATION)


def minuted_by_a_secretary(r: Register) -> None:
    r.opened().do(C, "SecretaryAppointed", HELD)


def attached(**fields: Any) -> dict[str, Any]:
    return {"attachments": (Attachment(**({"digest": "d" * 64} | fields)),)}


def minuted(r: Register) -> None:
    r.opened().do(C, "SecretaryAppointed", HELD)
    r.do(C, "MinutesAdopted", HELD, digest="d" * 64)


R, D, K = Register.receive, Register.closed, Register.assigned
P = {"jurisdiction": "H35.10", "kind": "periodic", "place": "x", "first_day": HELD, "last_day": HELD}
LONG_AGO = P | dict.fromkeys(("first_day", "last_day"), date(1899, 1, 1))
TASK = {"task": "t", "kind": "other", "agency": HEALTH}
STRANGER = {"petitioner_ids": ("q",)}
PROPOSAL = {"jurisdiction": "H35.10", "proposer": EDUCATION}
LATE, EARLY = (Report(recipient="chair", on=NOTICE),), (Report(recipient="chair", on=HELD),)
NEXT_YEAR = P | dict.fromkeys(("first_day", "last_day"), date(2020, 1, 6))
ILLEGAL: list[tuple[str, Start, UUID, str, date, dict[str, Any]]] = [
    ("AnsweringWithdrawnPetition", withdrawn, A, "WrittenReplyIssued", NOTICE, REPLY),
    ("CaseEnded", withdrawn, A, "PetitionForwarded", NOTICE, {"agency": HEALTH}),
    ("CaseEnded", withdrawn, A, "ReminderSent", NOTICE, {"deadline_id": A, "to": EDUCATION}),
    ("CaseEnded", merged, A, "PetitionClassified", NOTICE, {"subject": "x", "field": "y"}),
    ("DatedBeforeReceipt", R, A, "WrittenReplyIssued", date(2019, 6, 3), REPLY),
    ("FutureDeed", R, A, "PetitionWithdrawn", date(2019, 12, 3), {}),
    ("CalendarYearMissing", R, A, "PetitionWithdrawn", date(2018, 12, 3), {}),
    ("UnknownAgency", R, A, "PetitionForwarded", NOTICE, {"agency": "H35.77"}),
    ("AgencyClosedThen", R, A, "PetitionForwarded", NOTICE, {"agency": CLOSED}),
    ("InvalidCode", R, A, "PetitionForwarded", NOTICE, {"agency": "không"}),
    ("InvalidValue", R, A, "PetitionClassified", NOTICE, {"subject": " ", "field": "x"}),
    ("InvalidValue", R, A, "PetitionCorrected", NOTICE, {}),
    ("InvalidValue", R, A, "PetitionCorrected", NOTICE, {"corrected": ("jurisdiction",)}),
    ("InvalidValue", R, A, "PetitionCorrected", NOTICE, {"corrected": ("received_on",)}),
    ("InvalidValue", R, A, "PetitionCorrected", NOTICE, {"identities": {"q": Identity(name="x")}}),
    ("InvalidValue", forwarded, A, "PetitionCorrected", NOTICE, {"received_on": NOTICE}),
    ("FutureDeed", R, A, "PetitionCorrected", NOTICE, {"received_on": date(2019, 12, 3)}),
    ("CalendarYearMissing", R, A, "PetitionCorrected", NOTICE, {"received_on": date(2018, 12, 3)}),
    ("UnknownJurisdiction", lambda r: None, A, "PetitionReceived", NOTICE, {"jurisdiction": "H99"}),
    ("NeverForwarded", R, A, "AnswerPrepared", NOTICE, {"agency": EDUCATION}),
    ("NeverRaised", lambda r: r.opened().receive(), A, "PetitionAnsweredAtConference", HELD, {"conference_id": C}),
    ("AlreadyRaised", Register.raised, A, "PetitionRaised", HELD, {"conference_id": C}),
    ("UnknownConference", R, A, "PetitionScheduled", NOTICE, {"conference_id": C}),
    ("AlreadyAssigned", K, A, "PetitionAssigned", NOTICE, {"agency": HEALTH}),
    ("NeverAssigned", R, A, "PetitionReassigned", NOTICE, {"agency": HEALTH}),
    ("NeverAssigned", K, A, "AgencyResultReported", NOTICE, {"agency": HEALTH, "result": "resolved"}),
    ("LaterThanDue", D, A, "PetitionAssigned", NOTICE, {"agency": HEALTH, "due_on": date(2019, 9, 17)}),
    ("NothingToExtend", R, A, "ExtensionGranted", NOTICE, {**TOLD, "expected_on": date(2019, 10, 1)}),
    ("ExtensionNotLater", K, A, "ExtensionGranted", NOTICE, {**TOLD, "expected_on": DUE}),
    ("CalendarYearMissing", K, A, "ExtensionGranted", NOTICE, {**TOLD, "expected_on": date(2020, 1, 3)}),
    ("NeverEscalated", K, A, "HigherAuthorityAnswered", NOTICE, {"authority": "x"}),
    ("AlreadyEscalated", escalated, A, "PetitionEscalated", NOTICE, {"authority": "x"}),
    ("ReplyNumberUsed", replied, A, "WrittenReplyIssued", NOTICE, REPLY),
    ("UnknownReply", K, A, "ReplyReported", NOTICE, {"reply_number": "x", "reports": LATE}),
    ("ReportedBeforeReply", K, A, "WrittenReplyIssued", NOTICE, {**REPLY, "reports": EARLY}),
    ("ClosingWithoutReplyOrGround", K, A, "PetitionClosed", NOTICE, {}),
    ("NeverEnded", K, A, "PetitionReopened", NOTICE, {}),
    ("ReopeningMergedPetition", merged, A, "PetitionReopened", NOTICE, {}),
    ("ReopenedBeforeEnd", withdrawn, A, "PetitionReopened", HELD, {}),
    ("CalendarYearMissing", withdrawn, A, "PetitionReopened", date(2019, 12, 2), {}),
    ("MergingWithItself", R, A, "PetitionMerged", NOTICE, {"into": A}),
    ("MergingIntoEndedPetition", merged, B, "PetitionMerged", NOTICE, {"into": A}),
    ("NeverProposed", Register.planned, C, "ConferenceProposalDecided", PLANNED, {"accepted": True}),
    ("ProposalNotAccepted", proposed, C, "ConferencePlanned", PLANNED, P),
    ("NeverPlanned", proposed, C, "ConferenceOpened", HELD, {}),
    ("AlreadyPlanned", Register.planned, C, "ConferencePlanned", PLANNED, P),
    ("PlannedAfterItsDay", lambda r: None, C, "ConferencePlanned", NOTICE, P),
    ("CalendarYearMissing", lambda r: None, C, "ConferencePlanned", PLANNED, NEXT_YEAR),
    ("OpeningOnAnotherDay", Register.planned, C, "ConferenceOpened", date(2019, 8, 22), {}),
    ("ConferenceIsCancelled", cancelled, C, "ConferenceOpened", HELD, {}),
    ("ConferenceAlreadyOpened", Register.opened, C, "ConferenceCancelled", HELD, {}),
    ("ConferenceNeverOpened", Register.planned, C, "ConferenceClosed", HELD, {}),
    ("ConferenceNeverOpened", lambda r: r.planned().receive(), A, "PetitionRaised", HELD, {"conference_id": C}),
    ("ConferenceAlreadyClosed", D, C, "ConferenceClosed", NOTICE, {}),
    ("ConferenceAlreadyClosed", D, C, "SpeakerRegistered", NOTICE, {"speaker": "s"}),
    ("ConferenceNotClosed", Register.opened, C, "InternalReviewHeld", NOTICE, {}),
    ("ReviewAlreadyHeld", concluded, C, "InternalReviewHeld", NOTICE, {}),
    ("ConclusionAlreadyIssued", K, C, "ConclusionNoticeIssued", NOTICE, REPLY),
    ("NamesAnotherDate", Register.planned, C, "InvitationsSent", PLANNED, {"for_date": NOTICE}),
    ("NotInCatalogue", Register.planned, C, "PreparationTaskAssigned", PLANNED, {**TASK, "kind": "catering"}),
    ("UnknownTask", Register.planned, C, "PreparationTaskDone", PLANNED, {"task": "t"}),
    ("TaskAlreadyDone", task, C, "PreparationTaskDone", PLANNED, {"task": "t"}),
    ("SecretaryMissing", Register.opened, C, "MinutesAdopted", HELD, {"digest": "d" * 64}),
    ("MinutesAlreadyAdopted", minuted, C, "MinutesAdopted", HELD, {"digest": "d" * 64}),
    ("UnknownSpeaker", Register.opened, C, "SpeakerCalled", HELD, {"speaker": "s"}),
    ("SpeakerAlreadyRegistered", speakers, C, "SpeakerRegistered", HELD, {"speaker": "s1"}),
    ("SpeakerOutOfOrder", speakers, C, "SpeakerCalled", HELD, {"speaker": "s2"}),
    ("SpeakerAlreadyCalled", called, C, "SpeakerCalled", HELD, {"speaker": "s1"}),
    ("AlreadyForwarded", forwarded, A, "PetitionForwarded", PLANNED, {"agency": EDUCATION}),
    ("AlreadyScheduled", scheduled, A, "PetitionScheduled", PLANNED, {"conference_id": C}),
    ("AlreadyComplex", complex_case, A, "PetitionMarkedComplex", NOTICE, {"decided_by": "x", "criteria": ("y",)}),
    ("ProposalAlreadyDecided", decided, C, "ConferenceProposalDecided", PLANNED, {"accepted": False}),
    ("InvalidValue", forwarded, A, "AnswerPrepared", NOTICE, {"agency": EDUCATION}),
    ("InvalidValue", Register.planned, C, "PreparationReported", PLANNED, {}),
    ("InvalidValue", D, C, "InternalReviewHeld", NOTICE, {}),
    ("DatedBeforeConference", Register.planned, C, "PreparationReported", date(2019, 7, 1), {}),
    ("DatedBeforeConference", D, C, "InternalReviewHeld", PLANNED, {}),
    ("OutsideTheConference", speakers, C, "SpeakerCalled", PLANNED, {"speaker": "s1"}),
    ("DatedBeforeConference", Register.planned, C, "SpeakerRegistered", RECEIVED, {"speaker": "s"}),
    ("ConferenceIsCancelled", cancelled, C, "SpeakerRegistered", HELD, {"speaker": "s"}),
    ("TaskAlreadyAssigned", task, C, "PreparationTaskAssigned", PLANNED, TASK),
    ("UnknownPetition", R, A, "PetitionMerged", NOTICE, {"into": C}),
    ("UnknownPetition", Register.opened, C, "SpeakerRegistered", HELD, {"speaker": "s", "petition_id": A}),
    ("UnknownPetition", lambda r: None, C, "ConferenceProposed", PLANNED, {**PROPOSAL, "petition_ids": (A,)}),
    ("MergingElsewhere", elsewhere, A, "PetitionMerged", NOTICE, {"into": B}),
    ("InvalidValue", Register.opened, C, "SpeakerRegistered", HELD, {"speaker": "s", "petitioner_ids": ("p1",)}),
    ("InvalidValue", speaking, C, "SpeakerRegistered", HELD, {"speaker": "t", "petition_id": A, **STRANGER}),
    ("InvalidValue", speaking, C, "SpeakerCalled", HELD, {"speaker": "s", "petitioner_ids": ("q",)}),
    ("InvalidValue", D, A, "PetitionAssigned", NOTICE, {"agency": HEALTH, "due_on": date(2101, 1, 3)}),
    ("InvalidValue", lambda r: None, C, "ConferencePlanned", PLANNED, LONG_AGO),
    ("InvalidValue", K, A, "WrittenReplyIssued", NOTICE, REPLY | {"answers": ("p1", "q")}),
    ("InvalidValue", K, A, "WrittenReplyIssued", NOTICE, REPLY | {"digest": "zzz"}),
    ("InvalidValue", K, A, "WrittenReplyIssued", NOTICE, REPLY | {"digest": "d" * 63}),
    ("InvalidValue", K, A, "WrittenReplyIssued", NOTICE, REPLY | {"digest": "không ghi / not recorded"}),
    ("InvalidValue", R, A, "AcceptanceNoticeSent", NOTICE, {"number": "1", "digest": "g" * 64}),
    ("InvalidValue", minuted_by_a_secretary, C, "MinutesAdopted", HELD, {"digest": "sha256:" + "d" * 64}),
    ("InvalidValue", D, C, "ConclusionNoticeIssued", NOTICE, REPLY | {"digest": "x"}),
    ("InvalidValue", lambda r: None, A, "PetitionReceived", NOTICE, PETITION | attached(digest="x")),
    ("InvalidValue", lambda r: None, A, "PetitionReceived", NOTICE, PETITION | attached(digest="")),
    ("InvalidValue", lambda r: None, A, "PetitionReceived", NOTICE, PETITION | attached(size=-5)),
    ("InvalidValue", lambda r: None, A, "PetitionReceived", NOTICE, PETITION | attached(size=10**13)),
    ("InvalidValue", lambda r: None, A, "DialoguePlanAdopted", NOTICE, PLAN | {"year": 10**25}),
    ("InvalidValue", lambda r: None, A, "DialoguePlanAdopted", NOTICE, PLAN | {"year": 0}),
    ("InvalidValue", lambda r: None, A, "CalendarPublished", NOTICE, {"year": -2030, "holidays": ()}),
    ("InvalidValue", Register.planned, C, "InvitationsSent", PLANNED, {"for_date": HELD, "citizens": -1}),
    ("InvalidValue", Register.opened, C, "AttendanceRecorded", HELD, {"citizens": 10**9}),
]  # fmt: skip


@pytest.mark.parametrize(("error", "start", "target", "topic", "on", "fields"), ILLEGAL)
def test_illegal_move(error: str, start: Start, target: UUID, topic: str, on: date, fields: dict[str, Any]) -> None:
    register = Register()
    start(register)
    before = register.position
    with pytest.raises(errors.Refused) as refused:
        register.do(target, topic, on, **fields)
    assert type(refused.value).__name__ == error, str(refused.value)
    assert register.position == before


@pytest.mark.parametrize(
    ("start", "target", "topic", "on", "fields", "field"),
    [
        (forwarded, A, "AnswerPrepared", NOTICE, {"agency": EDUCATION}, "text"),
        (Register.planned, C, "PreparationReported", PLANNED, {}, "number"),
        (D, C, "InternalReviewHeld", NOTICE, {}, "summary"),
    ],
)
def test_deed_that_says_nothing__is_refused_now_and_read_where_it_was_recorded(
    start: Start, target: UUID, topic: str, on: date, fields: dict[str, Any], field: str
) -> None:
    register = Register()
    start(register)
    with pytest.raises(errors.InvalidValue) as refused:
        register.do(target, topic, on, **fields)
    assert (refused.value.field, refused.value.sentence) == (field, "nothing-said")
    empty = DATED_EVENTS[topic](effective_on=on, **fields)  # as an earlier release recorded it
    register.facts[target].append(register._fact(empty, len(register.facts[target]) + 1))
    assert register.petition(target) or register.conference(target)
    if topic != "InternalReviewHeld":
        register.do(target, topic, on, **fields, digest="d" * 64)


def test_the_plan_from_receipt_to_reopening() -> None:
    r = Register().assigned()
    r.do(A, "WrittenReplyIssued", **REPLY)
    r.do(A, "AgencyResultReported", agency=EDUCATION, result="resolved")
    r.do(A, "PetitionClosed")
    r.do(A, "PetitionReopened")
    petition = r.petition(A)
    assert petition is not None and not petition.ended and petition.lead == EDUCATION


ENDS: list[tuple[str, dict[str, Any]]] = [
    ("PetitionClosed", {}),
    ("PetitionWithdrawn", {}),
    ("PetitionRedirected", {"procedure": "complaint", "body": "Thanh tra"}),
    ("PetitionMerged", {"into": B}),
]


@pytest.mark.parametrize(("topic", "fields"), ENDS)
def test_the_report_of_a_reply_is_owed_however_the_case_ended(topic: str, fields: dict[str, Any]) -> None:
    r = Register()
    replied(r)
    r.receive(B)
    r.do(A, topic, **fields)
    r.do(A, "ReminderSent", deadline_id=A, to=EDUCATION)
    r.do(A, "ReplyReported", reply_number=REPLY["number"], reports=LATE)
    with pytest.raises(errors.Refused):
        r.do(A, "WrittenReplyIssued", **REPLY | {"number": "another"})


def test_a_conclusion_notice_assigns_each_petition_that_it_names() -> None:
    r = Register().assigned()
    assigned = r.facts[A][-1].event
    assert (
        isinstance(assigned, PetitionAssigned)
        and assigned.agency == EDUCATION
        and assigned.notice_id == r.facts[C][-1].event_id
    )


def assigned_in_the_hall(due_on: date | None = None) -> Register:
    r = Register().raised()
    r.do(A, "PetitionAssigned", HELD, agency=EDUCATION, assisting=(OFFICE,), due_on=due_on)
    r.do(C, "ConferenceClosed", HELD)
    return r


def test_conclusion__confirms_what_the_hall_assigned() -> None:
    r = assigned_in_the_hall()
    before = len(r.facts[A])
    r.conclude([{"petition_id": A, "agency": EDUCATION}])
    assert len(r.facts[A]) == before
    petition = r.petition(A)
    assert petition is not None and (petition.lead, petition.assisting) == (EDUCATION, (OFFICE,))


@pytest.mark.parametrize(
    ("line", "assisting"), [({"agency": HEALTH}, ()), ({"agency": EDUCATION, "due_on": NOTICE}, (OFFICE,))]
)
def test_conclusion__gives_what_the_hall_assigned_to_another_or_an_earlier_day(
    line: dict[str, Any], assisting: tuple[str, ...]
) -> None:
    r = assigned_in_the_hall(due_on=DUE)
    r.conclude([{"petition_id": A, **line}])
    moved = r.facts[A][-1].event
    assert isinstance(moved, PetitionReassigned)
    assert (moved.agency, moved.assisting, moved.notice_id) == (line["agency"], assisting, r.facts[C][-1].event_id)
    with pytest.raises(errors.LaterFactsRestOnIt):
        r.do(C, "RecordAnnulled", event_id=r.facts[C][-1].event_id)


def test_conclusion__raises_what_was_on_the_agenda_and_not_called() -> None:
    r = Register().planned().receive(A, B)
    r.do(A, "PetitionScheduled", PLANNED, conference_id=C)
    r.do(C, "ConferenceOpened", HELD)
    r.do(C, "ConferenceClosed", HELD)
    r.conclude([{"petition_id": A, "agency": EDUCATION}])
    assert [(fact.event.TOPIC, fact.on) for fact in r.facts[A][-2:]] == [
        ("PetitionRaised", HELD),
        ("PetitionAssigned", NOTICE),
    ]
    context = r.context()
    assert reply_due(context.petitions[A], structs.replace(context, target_id=A)) == DUE


def test_conclusion__names_the_line_that_is_refused() -> None:
    r = assigned_in_the_hall()
    late = DUE + timedelta(days=1)
    for line, field in (
        ({"petition_id": A, "agency": EDUCATION, "due_on": late}, "assignments[0].due_on"),
        ({"petition_id": A, "agency": CLOSED}, "assignments[0].agency"),
        ({"petition_id": B, "agency": EDUCATION}, "assignments[0].petition_id"),
    ):
        with pytest.raises(errors.Refused) as refused:
            r.receive(B) if B not in r.facts else None
            r.conclude([line])
        assert refused.value.field == field
    r.do(A, "PetitionWithdrawn")
    with pytest.raises(errors.CaseEnded) as ended:
        r.conclude([{"petition_id": A, "agency": EDUCATION}])
    assert ended.value.field == "assignments[0].petition_id"


def test_chairs_date__is_no_later_than_the_rule_while_the_conference_is_open() -> None:
    r = Register().raised()
    with pytest.raises(errors.LaterThanDue) as refused:
        r.do(A, "PetitionAssigned", HELD, agency=HEALTH, due_on=DUE + timedelta(days=1))
    assert refused.value.values["due"] == DUE
    r.do(A, "PetitionAssigned", HELD, agency=HEALTH, due_on=DUE)


def test_speakers__are_registered_from_slips_before_the_opening() -> None:
    r = Register().planned().receive(A)
    r.do(C, "SpeakerRegistered", PLANNED, speaker="1", petition_id=A)
    r.do(C, "ConferenceOpened", HELD)
    r.do(C, "SpeakerCalled", HELD, speaker="1")


def test_a_speaker_out_of_order_with_the_chairs_reason() -> None:
    r = Register()
    speakers(r)
    r.do(C, "SpeakerCalled", HELD, speaker="s2", chair_reason="khẩn cấp")
    r.do(C, "SpeakerCalled", HELD, speaker="s1")


def test_the_due_date_itself_may_be_the_chairs_date() -> None:
    Register().closed().do(A, "PetitionAssigned", agency=HEALTH, due_on=DUE)


def test_annulling_a_withdrawal_opens_the_case_again() -> None:
    r = Register()
    withdrawn(r)
    r.do(A, "RecordAnnulled", event_id=r.facts[A][-1].event_id)
    annulled = r.facts[A][-1].event
    assert getattr(annulled, "annulled_topic", "") == "PetitionWithdrawn"
    r.do(A, "WrittenReplyIssued", **REPLY)


ANNULMENTS: list[tuple[str, Start, UUID, str]] = [
    ("LaterFactsRestOnIt", Register.assigned, C, "ConferenceClosed"),
    ("LaterFactsRestOnIt", Register.assigned, C, "ConclusionNoticeIssued"),
    ("LaterFactsRestOnIt", Register.raised, C, "ConferenceOpened"),
    ("LaterFactsRestOnIt", Register.assigned, A, "PetitionReceived"),
    ("LaterFactsRestOnIt", Register.opened, C, "ConferencePlanned"),
]


@pytest.mark.parametrize(("error", "start", "target", "topic"), ANNULMENTS)
def test_what_later_facts_rest_on_stays(error: str, start: Start, target: UUID, topic: str) -> None:
    r = Register()
    start(r)
    event_id = next(fact.event_id for fact in r.facts[target] if topic == fact.event.TOPIC)
    with pytest.raises(errors.LaterFactsRestOnIt):
        r.do(target, "RecordAnnulled", event_id=event_id)


def test_a_record_is_annulled_once_and_must_exist() -> None:
    r = Register()
    withdrawn(r)
    wrong = r.facts[A][-1].event_id
    annulment = r.do(A, "RecordAnnulled", event_id=wrong)
    cases = ((wrong, errors.AlreadyAnnulled), (annulment, errors.NotAnnullable), (B, errors.UnknownRecord))
    for event_id, error in cases:
        with pytest.raises(error):
            r.do(A, "RecordAnnulled", event_id=event_id)


def test_a_conference_elsewhere() -> None:
    r = Register().planned()
    r.do(A, "PetitionReceived", PLANNED, jurisdiction=OTHER)
    with pytest.raises(errors.ConferenceElsewhere):
        r.do(A, "PetitionScheduled", PLANNED, conference_id=C)


def test_a_speaker_without_petitioners_of_their_own_speaks_for_all_of_the_petition() -> None:
    r = Register()
    speaking(r)
    r.do(C, "SpeakerCalled", HELD, speaker="s")
    assert [getattr(f.event, "petitioner_ids", None) for f in r.facts[C][-2:]] == [("p1",), ("p1",)]


def test_a_petition_is_merged_into_one_above_it() -> None:
    r = Register().receive(A)
    r.do(B, "PetitionReceived", NOTICE, jurisdiction="H35.10")
    r.do(A, "PetitionMerged", NOTICE, into=B)


def test_an_assignment_recorded_late_is_overtaken_by_those_dated_after_it() -> None:
    register = Register().closed()
    register.do(A, "PetitionAssigned", NOTICE + timedelta(days=1), agency=EDUCATION)
    register.do(A, "PetitionReassigned", NOTICE, agency=HEALTH)
    petition = register.petition(A)
    assert petition is not None and petition.lead == EDUCATION
    register.do(A, "PetitionReassigned", NOTICE + timedelta(days=1), agency=HEALTH)
    petition = register.petition(A)
    assert petition is not None and petition.lead == HEALTH


def test_a_rescheduling_recorded_late_is_overtaken_by_those_dated_after_it() -> None:
    register = Register().planned()
    later, sooner = HELD + timedelta(days=21), HELD + timedelta(days=14)
    register.do(C, "ConferenceRescheduled", PLANNED + timedelta(days=2), first_day=later, last_day=later)
    register.do(C, "ConferenceRescheduled", PLANNED + timedelta(days=1), first_day=sooner, last_day=sooner)
    conference = register.conference(C)
    assert conference is not None
    assert (conference.first_day, conference.last_day) == (later, later)
    assert sooner in conference.first_days


def test_reply__names_petitioners_of_the_matter_and_of_those_merged_into_it() -> None:
    r = Register()
    r.do(A, "PetitionReceived", RECEIVED, **PETITION | {"petitioner_ids": ("p1", " p2")})
    r.do(B, "PetitionReceived", RECEIVED, **PETITION | {"petitioner_ids": ("q",)})
    with pytest.raises(errors.InvalidValue) as refused:
        r.do(A, "WrittenReplyIssued", **REPLY, answers=("p1", "q"))
    assert (refused.value.field, refused.value.sentence) == ("answers", "strangers")
    r.do(B, "PetitionMerged", into=A)
    # An earlier release kept the blank in front of an id.
    r.do(A, "WrittenReplyIssued", **REPLY, answers=("p1", "q", "p2 "))
    petition = r.petition(A)
    assert petition is not None and petition.replies[-1].answers == ("p1", "q", " p2")


def test_evidence__is_kept_in_one_form() -> None:
    r = Register()
    file = Attachment(digest=" " + "D" * 64, media_type="text/plain ", size=5)
    r.do(A, "PetitionReceived", RECEIVED, **PETITION, attachments=(file,))
    r.do(A, "AcceptanceNoticeSent", number=" 1/TB\u200b", digest="D" * 64)
    received, told = (fact.event for fact in r.facts[A])
    assert received.attachments == (Attachment(digest="d" * 64, media_type="text/plain", size=5),)  # type: ignore[attr-defined]
    assert (told.number, told.digest) == ("1/TB", "d" * 64)  # type: ignore[attr-defined]


def test_texts_within_lists__are_normalised_too() -> None:
    r = Register()
    identities = {"p1": Identity(name="Lo\u0300 Văn X ", phone="0912\u200b345")}
    r.do(A, "PetitionReceived", RECEIVED, **PETITION, identities=identities)
    (received,) = r.facts[A]
    assert received.event.identities == {"p1": Identity(name="Lò Văn X", phone="0912345")}  # type: ignore[attr-defined]
