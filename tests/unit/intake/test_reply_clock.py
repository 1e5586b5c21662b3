"""Acts on a reply clock are judged by the date that followup counts: after a merger, after two dialogues on one day."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.reply_clock import reply_due
from shared.events.conference import ConclusionAssignment
from shared.events.regulation import PolicyAdopted
from shared.identifiers import derived_id
from shared.policy import read_policy
from tests.unit.intake.plan import DISTRICT, EDUCATION, HEALTH, HELD, NOTICE, PLANNED, A, B, C, Register

EARLIER = date(2019, 8, 14)
EARLY, OTHER = derived_id("case", "early"), derived_id("case", "other")
#: 14 August and 23 August 2019 and 15 working days, without 2 September.
INHERITED, OWN = date(2019, 9, 5), date(2019, 9, 16)
TOLD = {"petitioner_told_on": NOTICE, "committee_told_on": NOTICE}


def due(register: Register, petition_id: UUID) -> date | None:
    petition = register.petition(petition_id)
    assert petition is not None
    return reply_due(petition, replace(register.context(), target_id=petition_id))


def held(register: Register, conference: UUID, on: date, *petitions: UUID, audience: str = "") -> None:
    days = {"first_day": on, "last_day": on, "audience": audience}
    register.do(
        conference, "ConferencePlanned", PLANNED, jurisdiction=DISTRICT, kind="periodic", place="Hội trường", **days
    )
    register.do(conference, "ConferenceOpened", on)
    for petition in petitions:
        register.do(petition, "PetitionRaised", on, conference_id=conference)
    register.do(conference, "ConferenceClosed", on)


class TestMerger:
    """A was raised on 14 August, B on 23 August; A goes on in B."""

    @pytest.fixture
    def register(self) -> Register:
        register = Register().receive(A, B)
        held(register, EARLY, EARLIER, A)
        held(register, C, HELD, B)
        register.do(A, "PetitionMerged", HELD, into=B)
        return register

    def test_the_earliest_date__is_owed(self, register: Register) -> None:
        assert due(register, B) == INHERITED

    def test_extension__beyond_the_inherited_date__is_accepted(self, register: Register) -> None:
        register.do(B, "ExtensionGranted", NOTICE, expected_on=date(2019, 9, 12), **TOLD)
        assert due(register, B) == date(2019, 9, 12)

    def test_date_of_the_chair__beyond_the_inherited_date__is_refused_with_it(self, register: Register) -> None:
        with pytest.raises(errors.LaterThanDue, match="2019-09-05"):
            register.do(B, "PetitionAssigned", NOTICE, agency=EDUCATION, due_on=date(2019, 9, 12))
        register.do(B, "PetitionAssigned", NOTICE, agency=EDUCATION, due_on=INHERITED)

    def test_date_of_the_chair_in_the_conclusion__is_refused_too(self, register: Register) -> None:
        with pytest.raises(errors.LaterThanDue, match=r"assignments\[0\].due_on.*2019-09-05"):
            line: dict[str, Any] = {"petition_id": B, "agency": EDUCATION, "due_on": date(2019, 9, 12)}
            register.do(C, "ConclusionNoticeIssued", NOTICE, **conclusion(line))

    def test_annulled__does_not_count(self, register: Register) -> None:
        register.do(A, "RecordAnnulled", NOTICE, event_id=register.facts[A][-1].event_id)
        assert due(register, B) == OWN
        register.do(B, "PetitionAssigned", NOTICE, agency=EDUCATION, due_on=date(2019, 9, 12))

    def test_merged_again__brings_along_what_it_had_inherited(self, register: Register) -> None:
        register.receive(OTHER)
        register.do(B, "PetitionMerged", HELD, into=OTHER)
        assert due(register, OTHER) == INHERITED
        # A clock that it only inherited is never suspended.
        with pytest.raises(errors.NothingToSuspend):
            register.do(OTHER, "ClockSuspended", NOTICE, number="1", **TOLD)


def conclusion(*lines: dict[str, Any]) -> dict[str, Any]:
    made = tuple(ConclusionAssignment(**line) for line in lines)
    return {"number": "1/TB", "signatory": "Chủ tịch", "digest": "d" * 64, "assignments": made}


def adopt(register: Register, rule: str, audience: str = "") -> None:
    head = "policy_id: {}\ndocument: {{number: 1/QĐ, issued_on: 2019-01-01}}\nvalid_from: 2019-01-01\n"
    text = head.format(audience or "all") + (f"audience: {audience}\n" if audience else "") + f"rules:\n  - {rule}\n"
    event = PolicyAdopted(effective_on=date(2019, 1, 2), jurisdiction=DISTRICT, policy=read_policy(text))
    register.rule(event)


class TestTwoDialoguesOnOneDay:
    """The petition was raised with the youth and the women: the youth get a reply after 5 days, the women after 20."""

    def test_closed_first__sets_the_clock(self) -> None:
        for first, second, expected in (
            ("youth", "women", date(2019, 8, 30)),  # 23 August and 5 working days
            ("women", "youth", date(2019, 9, 23)),  # and 20
        ):
            register = Register()
            adopt(register, "{duty: reply, form: deadline, length: 5}", "youth")
            adopt(register, "{duty: reply, form: deadline, length: 20}", "women")
            register.receive(A)
            held(register, EARLY, HELD, A, audience=first)
            held(register, C, HELD, A, audience=second)
            assert due(register, A) == expected


class TestAnchors:
    def test_assignment__the_earliest_by_its_day__also_if_it_was_recorded_late(self) -> None:
        register = Register()
        adopt(register, "{duty: reply, form: deadline, length: 15, counted_from: assignment}")
        register.receive(A)
        register.do(A, "PetitionAssigned", NOTICE, agency=EDUCATION)
        register.do(A, "PetitionReassigned", HELD, agency=HEALTH)
        assert due(register, A) == OWN

    def test_conclusion__its_own_assignments_are_held_to_the_clock_that_it_starts(self) -> None:
        register = Register()
        adopt(register, "{duty: reply, form: deadline, length: 5, counted_from: conclusion}")
        register.receive(A)
        held(register, C, HELD, A)
        line: dict[str, Any] = {"petition_id": A, "agency": EDUCATION, "due_on": date(2019, 9, 10)}
        with pytest.raises(errors.LaterThanDue, match="2019-09-09"):  # 30 August and 5 working days, 2 September off
            register.do(C, "ConclusionNoticeIssued", NOTICE, **conclusion(line))


def test_replied__a_document_that_moves_running_clocks_does_not_move_it() -> None:
    register = Register()
    register.closed()
    register.do(A, "WrittenReplyIssued", NOTICE, number="1", signatory="x", digest="d" * 64)
    text = (
        "policy_id: moving\ndocument: {number: 1/QĐ, issued_on: 2019-01-01}\nvalid_from: 2019-09-02\n"
        "running_clocks: move\nrules:\n  - {duty: reply, form: deadline, length: 30}\n"
    )
    register.rule(PolicyAdopted(effective_on=date(2019, 9, 2), jurisdiction=DISTRICT, policy=read_policy(text)))
    assert due(register, A) == OWN
