"""What intake lets be done depends on the policy in force: variants, extensions, suspensions, waivers, publications."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.intake.domain import Caller, decide, errors, may, may_under_rules
from services.intake.domain.reply_clock import reply_due
from shared.events import DATED_EVENTS
from shared.events.petition import NoticeDocument
from shared.events.regulation import AgencyClosed, CalendarPublished, JurisdictionClosed, PolicyAdopted
from shared.identifiers import derived_id
from shared.policy import Policy, UncountablePolicy, read_policy, shipped_policy
from tests.unit.intake.plan import DISTRICT, DUE, EDUCATION, HEALTH, HELD, NOTICE, A, C, Register

CHAIR_OF_OTHER = Caller("c", frozenset({"chair"}), "H36", "")


class Rules(Register):
    """The plan's conference under other rules."""

    def adopt(self, policy: Policy, on: date = date(2019, 1, 2)) -> "Rules":
        self.rule(PolicyAdopted(effective_on=on, jurisdiction=DISTRICT, policy=policy))
        return self

    def due(self) -> date | None:
        petition = self.petition(A)
        assert petition is not None
        return reply_due(petition, msgspec.structs.replace(self.context(), target_id=A))


def policy(rules: str) -> Policy:
    head = "policy_id: local\ndocument: {number: 1/QĐ, issued_on: 2019-01-01}\nvalid_from: 2019-01-01\nrules:\n"
    return read_policy(head + rules)


REPLY = (
    "  - duty: reply\n    form: deadline\n    length: 15\n    counted_from: conference_end\n"
    "    variants: [{when: [several_fields], length: 20, criteria: [từ hai sở trở lên]}]\n"
    "    extension: {times: 1, each: 5, told: [petitioner]}\n"
    "    pause: {told: [petitioner]}\n"
)


def extend(register: Rules, expected: date, **more: Any) -> UUID:
    fields = {"petitioner_told_on": NOTICE, "expected_on": expected, **more}
    return register.do(A, "ExtensionGranted", NOTICE, **fields)


class TestVariants:
    def mark(self, register: Rules, variant: str, *criteria: str) -> None:
        register.do(A, "PetitionMarkedComplex", NOTICE, variant=variant, decided_by="chair", criteria=criteria)

    def test_without_a_limit_of_its_own__is_refused(self) -> None:
        register = Rules()
        register.closed()
        with pytest.raises(errors.VariantNotProvided, match="several_fields"):
            self.mark(register, "several_fields", "x")

    def test_by_a_criterion_that_is_not_written__is_refused_with_those_that_are(self) -> None:
        register = Rules().adopt(policy(REPLY))
        register.closed()
        with pytest.raises(errors.InvalidValue, match="từ hai sở trở lên"):
            self.mark(register, "several_fields", "khó")
        self.mark(register, "several_fields", "từ hai sở trở lên")
        # Fri 23 Aug 2019 + 20 working days; in this register only 2 September is off: 23 Sep
        assert register.due() == date(2019, 9, 23)
        with pytest.raises(errors.AlreadyComplex, match="several_fields"):
            self.mark(register, "several_fields", "từ hai sở trở lên")


class TestExtension:
    def test_as_much_as_the_policy_allows__and_once(self) -> None:
        register = Rules().adopt(policy(REPLY))
        register.closed()
        with pytest.raises(errors.ExtensionTooLong, match="at most 2019-09-23"):
            extend(register, date(2019, 9, 24))
        extend(register, date(2019, 9, 20))
        assert register.due() == date(2019, 9, 20)
        with pytest.raises(errors.ExtensionNotProvided, match="allows 1 and no more"):
            extend(register, date(2019, 9, 25))

    def test_the_plan__asks_for_both_notices(self) -> None:
        register = Rules()
        register.closed()
        with pytest.raises(errors.InvalidValue, match="committee_told_on"):
            extend(register, date(2019, 9, 30))
        extend(register, date(2019, 9, 30), committee_told_on=NOTICE)
        assert register.due() == date(2019, 9, 30)

    def test_a_policy_without_any__is_refused(self) -> None:
        register = Rules().adopt(policy("  - {duty: reply, form: deadline, length: 15}\n"))
        register.closed()
        with pytest.raises(errors.ExtensionNotProvided):
            extend(register, date(2019, 9, 30))


def notice(number: str = "12/TB-PGDĐT", digest: str = "ab" * 32) -> NoticeDocument:
    return NoticeDocument(number=number, digest=digest)


class TestExtensionByTheLeadAgency:
    """II.4.3: the agency that resolves a petition tells the citizen and reports when it will reply."""

    def tried(self, register: Rules, agency: str = EDUCATION, **more: Any) -> None:
        fields = {"petitioner_told_on": NOTICE, "committee_told_on": NOTICE, "expected_on": date(2019, 9, 20)}
        event = DATED_EVENTS["ExtensionGranted"](effective_on=NOTICE, **(fields | more))
        petition, context = register.petition(A), msgspec.structs.replace(register.context(), target_id=A)
        caller = Caller("portal", frozenset({"agency"}), DISTRICT, agency)
        may(caller, event, petition, register.regulation)
        may_under_rules(caller, event, petition, context)
        decide(event, petition, context, A)

    def led(self, *policies: Policy) -> Rules:
        register = Rules()
        for each in policies:
            register.adopt(each)
        register.assigned()
        return register

    def test_granted__with_number_date_and_file_of_each_notice(self) -> None:
        register = self.led()
        self.tried(register, petitioner_notice=notice(), committee_notice=notice("13/BC-PGDĐT"))
        for lacking in ("petitioner_notice", "committee_notice"):
            given = {"petitioner_notice": notice(), "committee_notice": notice()} | {lacking: None}
            with pytest.raises(errors.InvalidValue, match="SHA-256") as refused:
                self.tried(register, **given)
            assert refused.value.field == lacking
        with pytest.raises(errors.InvalidValue, match="committee be informed"):
            self.tried(register, petitioner_notice=notice(), committee_notice=notice(), committee_told_on=None)

    @pytest.mark.parametrize(
        ("number", "digest", "field"),
        [
            (" ", "ab" * 32, "number"),
            ("1", "zzz", "digest"),
            ("1", "ab" * 31, "digest"),
            ("1" * 2001, "ab" * 32, "number"),
        ],
    )
    def test_notice__is_a_document(self, number: str, digest: str, field: str) -> None:
        with pytest.raises(errors.InvalidValue) as refused:
            self.tried(self.led(), petitioner_notice=notice(number, digest), committee_notice=notice())
        assert refused.value.field == f"petitioner_notice.{field}"

    def test_only_those__whom_the_policy_names_are_told(self) -> None:
        self.tried(self.led(policy(REPLY)), petitioner_notice=notice())

    def test_an_agency_that_does_not_lead__does_not(self) -> None:
        register = self.led()
        register.do(A, "PetitionReassigned", NOTICE, agency=HEALTH, assisting=(EDUCATION,), reason="x")
        with pytest.raises(errors.AgencyMayNot, match="does not lead"):
            self.tried(register, petitioner_notice=notice(), committee_notice=notice())
        self.tried(register, HEALTH, petitioner_notice=notice(), committee_notice=notice())

    def test_an_heir_of_the_lead__does(self) -> None:
        register = self.led()
        register.rule(AgencyClosed(effective_on=NOTICE, code=EDUCATION, successor=HEALTH))
        self.tried(register, HEALTH, petitioner_notice=notice(), committee_notice=notice())

    def test_left_to_the_chair_by_the_policy__is_the_chairs(self) -> None:
        by_chair = policy(REPLY.replace("told: [petitioner]}", "told: [petitioner], granted_by: chair}", 1))
        register = self.led(by_chair)
        with pytest.raises(errors.AgencyMayNot, match="leaves an extension to the chair"):
            self.tried(register, petitioner_notice=notice())
        extend(register, date(2019, 9, 20))  # by the chair, or by the office for it, with no document asked for
        with pytest.raises(UncountablePolicy):
            policy(REPLY.replace("told: [petitioner]}", "told: [petitioner], granted_by: mayor}", 1))


class TestRunningClocks:
    """The conference of 23 August under the plan; a document in force from 2 September moves the clocks that run."""

    MOVING = msgspec.structs.replace(policy(REPLY), policy_id="moving", valid_from=date(2019, 9, 2))

    def held(self, running: str) -> Rules:
        register = Rules()
        register.closed()
        moving = msgspec.structs.replace(self.MOVING, running_clocks=running)  # type: ignore[arg-type]
        return register.adopt(moving, date(2019, 9, 2))

    def test_moved__are_extended_and_varied_as_the_new_document_provides(self) -> None:
        register = self.held("move")
        with pytest.raises(errors.ExtensionTooLong, match="at most 2019-09-23"):
            extend(register, date(2019, 9, 24))
        with pytest.raises(errors.InvalidValue, match="từ hai sở trở lên"):
            register.do(
                A, "PetitionMarkedComplex", NOTICE, variant="several_fields", decided_by="chair", criteria=("khó",)
            )
        extend(register, date(2019, 9, 20))
        assert register.due() == date(2019, 9, 20)

    def test_kept__stay_under_their_own(self) -> None:
        register = self.held("keep")
        with pytest.raises(errors.VariantNotProvided):
            register.do(
                A, "PetitionMarkedComplex", NOTICE, variant="several_fields", decided_by="chair", criteria=("khó",)
            )
        extend(register, date(2019, 9, 30), committee_told_on=NOTICE)
        assert register.due() == date(2019, 9, 30)


class TestSuspension:
    def suspend(self, register: Rules, on: date = NOTICE) -> None:
        register.do(A, "ClockSuspended", on, number="3/QĐ", petitioner_told_on=on)

    def test_the_plan__lets_no_clock_stand_still(self) -> None:
        register = Rules()
        register.closed()
        with pytest.raises(errors.SuspensionNotProvided):
            self.suspend(register)

    def test_suspended_and_resumed(self) -> None:
        # Fri 30 Aug (5) is left out, as are 3-6 Sep: five working days; 16 Sep + 5 = 23 Sep
        register = Rules().adopt(policy(REPLY))
        register.closed()
        self.suspend(register)
        assert register.due() is None
        with pytest.raises(errors.AlreadySuspended):
            self.suspend(register)
        with pytest.raises(errors.NothingToExtend):
            extend(register, date(2019, 9, 30))
        register.do(A, "ClockResumed", date(2019, 9, 9), number="4/QĐ")
        assert register.due() == date(2019, 9, 23)
        with pytest.raises(errors.NeverSuspended):
            register.do(A, "ClockResumed", date(2019, 9, 10), number="5/QĐ")

    def test_no_clock__nothing_to_suspend(self) -> None:
        register = Rules().adopt(policy(REPLY))
        register.receive(A)
        with pytest.raises(errors.NothingToSuspend):
            self.suspend(register)


class TestAcceptance:
    def test_accepted_once__then_not_refused(self) -> None:
        register = Rules()
        register.receive(A).do(A, "AcceptanceNoticeSent", NOTICE, number="1/TB")
        with pytest.raises(errors.AlreadyAccepted):
            register.do(A, "AcceptanceNoticeSent", NOTICE, number="2/TB")
        with pytest.raises(errors.AlreadyAccepted, match="close it with a ground"):
            register.do(A, "RefusalNoticeSent", NOTICE, number="2/TB")

    def test_refused__ends_the_case(self) -> None:
        register = Rules()
        register.receive(A).do(A, "RefusalNoticeSent", NOTICE, number="1/TB")
        with pytest.raises(errors.CaseEnded, match="refused"):
            register.do(A, "PetitionForwarded", NOTICE, agency=EDUCATION)

    def test_reply_counted_from_acceptance(self) -> None:
        register = Rules().adopt(policy("  - {duty: reply, form: deadline, length: 15, counted_from: acceptance}\n"))
        register.receive(A)
        assert register.due() is None
        register.do(A, "AcceptanceNoticeSent", HELD, number="1/TB")
        assert register.due() == DUE


class TestConference:
    def test_request__is_answered_once__and_planned_for_those_who_asked(self) -> None:
        register = Rules()
        register.do(C, "DialogueRequested", HELD, jurisdiction=DISTRICT, requester="Huyện đoàn", audience="youth")
        days = {"first_day": NOTICE, "last_day": NOTICE, "kind": "periodic", "place": "x", "jurisdiction": DISTRICT}
        with pytest.raises(errors.InvalidValue, match="audience"):
            register.do(C, "ConferencePlanned", HELD, **days)
        register.do(C, "RequestAnswered", HELD, accepted=False)
        with pytest.raises(errors.ProposalAlreadyDecided):
            register.do(C, "RequestAnswered", HELD, accepted=True)
        with pytest.raises(errors.ProposalNotAccepted):
            register.do(C, "ConferencePlanned", HELD, audience="youth", **days)

    def test_answer__to_nobody(self) -> None:
        register = Rules().planned()
        with pytest.raises(errors.NeverRequested):
            register.do(C, "RequestAnswered", HELD, accepted=True)

    def test_publication__begins_once_and_ends_once(self) -> None:
        register = Rules()
        register.opened()
        result = {"what": "result", "channel": "posting", "evidence": "biên bản"}
        with pytest.raises(errors.ConferenceNotClosed):
            register.do(C, "PublicationStarted", HELD, **result)
        register.do(C, "ConferenceClosed", HELD)
        register.do(C, "PublicationStarted", NOTICE, **result)
        with pytest.raises(errors.AlreadyPublished):
            register.do(C, "PublicationStarted", NOTICE, **result)
        register.do(C, "PublicationEnded", NOTICE, what="result", channel="posting")
        with pytest.raises(errors.NeverPublished):
            register.do(C, "PublicationEnded", NOTICE, what="result", channel="posting")

    def test_complexity__needs_a_limit_of_its_own(self) -> None:
        register = Rules()
        register.closed()
        fields = {"variant": "complex", "decided_by": "chair", "criteria": ("x",)}
        with pytest.raises(errors.VariantNotProvided):
            register.do(C, "ComplexityDetermined", NOTICE, **fields)

    def test_complexity__is_determined_once(self) -> None:
        register = Rules().adopt(
            policy(
                "  - duty: conclusion_notice\n    form: deadline\n    length: 5\n"
                "    variants: [{when: [complex], length: 10}]\n"
            )
        )
        register.closed()
        fields = {"variant": "complex", "decided_by": "chair", "criteria": ("x",)}
        register.do(C, "ComplexityDetermined", NOTICE, **fields)
        with pytest.raises(errors.AlreadyDetermined):
            register.do(C, "ComplexityDetermined", NOTICE, **fields)


class TestRegulation:
    def regulate(self, register: Rules, topic: str, on: date = NOTICE, **fields: Any) -> None:
        event = DATED_EVENTS[topic](effective_on=on, **fields)
        decide(event, None, register.context(), derived_id("x"))

    def test_policy__is_refused_with_every_problem(self) -> None:
        wrong = msgspec.structs.replace(shipped_policy("plan-570"), policy_id="A B", replaces=("A B",))
        with pytest.raises(errors.InvalidPolicy, match=r"policy\.policy_id.*policy\.replaces"):
            self.regulate(Rules(), "PolicyAdopted", jurisdiction=DISTRICT, policy=wrong)

    def test_waiver__where_the_policy_allows_it__with_its_substitute(self) -> None:
        twice = policy(
            "  - duty: annual_dialogue\n    form: frequency\n"
            "    frequency: {per: half_year, waiver: {substitute: required}}\n"
        )
        register = Rules()
        waiver = {"code": DISTRICT, "duty": "annual_dialogue", "number": "7/QĐ"}
        with pytest.raises(errors.WaiverNotProvided):
            self.regulate(register, "FrequencyDutyWaived", period="2019", substitute="x", **waiver)
        register.adopt(twice)
        with pytest.raises(errors.InvalidValue, match="write it as 2020-H2"):
            self.regulate(register, "FrequencyDutyWaived", period="2019", substitute="x", **waiver)
        with pytest.raises(errors.InvalidValue, match="substitute"):
            self.regulate(register, "FrequencyDutyWaived", period="2019-H2", **waiver)
        self.regulate(register, "FrequencyDutyWaived", period="2019-H2", substitute="văn bản", **waiver)

    def test_reception_day__of_a_jurisdiction_that_exists(self) -> None:
        with pytest.raises(errors.UnknownJurisdiction):
            self.regulate(Rules(), "ReceptionDayHeld", code="H99")
        self.regulate(Rules(), "ReceptionDayHeld", code=DISTRICT)


class TestSuccessorOfBodies:
    @pytest.fixture
    def register(self) -> Rules:
        register = Rules()
        register.assigned()
        return register.rule(AgencyClosed(effective_on=date(2019, 9, 3), code=EDUCATION, successor=HEALTH))

    def test_acts_on_what_it_took_over(self, register: Rules) -> None:
        register.do(A, "AgencyResultReported", date(2019, 9, 5), agency=HEALTH, result="resolved")

    def test_before_that_day__does_not(self, register: Rules) -> None:
        with pytest.raises(errors.NeverAssigned):
            register.do(A, "AgencyResultReported", date(2019, 9, 2), agency=HEALTH, result="resolved")

    def test_token_of_the_successor(self, register: Rules) -> None:
        caller = Caller("a", frozenset({"agency"}), DISTRICT, HEALTH)
        for on, allowed in ((date(2019, 9, 5), True), (date(2019, 9, 2), False)):
            event = DATED_EVENTS["AgencyResultReported"](effective_on=on, agency=HEALTH, result="resolved")
            if allowed:
                may(caller, event, register.petition(A), register.regulation)
            else:
                with pytest.raises(errors.AgencyMayNot):
                    may(caller, event, register.petition(A), register.regulation)

    def test_closing_without_a_successor__the_one_that_the_document_names(self) -> None:
        register = Rules().adopt(
            read_policy(
                "policy_id: heirs\ndocument: {number: 3/QĐ, issued_on: 2019-01-01}\nvalid_from: 2019-01-01\n"
                f"heirs: {{{EDUCATION}: {HEALTH}}}\nrules:\n  - {{duty: reply, form: deadline, length: 15}}\n"
            )
        )
        register.assigned()
        register.rule(AgencyClosed(effective_on=date(2019, 9, 3), code=EDUCATION))
        register.do(A, "AgencyResultReported", date(2019, 9, 5), agency=HEALTH, result="resolved")

    def test_office_of_the_successor_jurisdiction(self, register: Rules) -> None:
        closed = JurisdictionClosed(effective_on=date(2019, 9, 3), code="H35.10.31", successor="H36")
        register.rule(closed)
        event = DATED_EVENTS["PetitionClassified"](effective_on=date(2019, 9, 5), subject="s", field="f")
        may(CHAIR_OF_OTHER, event, register.petition(A), register.regulation)
        with pytest.raises(errors.JurisdictionMayNot):
            before = DATED_EVENTS["PetitionClassified"](effective_on=date(2019, 9, 2), subject="s", field="f")
            may(CHAIR_OF_OTHER, before, register.petition(A), register.regulation)


def test_fixed_date__in_a_year_without_a_calendar_holds_up_no_act() -> None:
    """The day is the document's, not the act's: followup lists the duty until that year is published."""
    fixed = "{duty: conclusion_notice, form: deadline, length: 10, counted_from: fixed_date, fixed_date: 12-25}"
    Rules().adopt(policy(f"  - {fixed}\n")).closed()


def test_clock_that_reaches_a_year_without_a_calendar__is_refused_with_that_year() -> None:
    register = Rules().adopt(policy("  - {duty: acceptance_notice, form: deadline, length: 200}\n"))
    with pytest.raises(errors.CalendarYearMissing, match=r"'acceptance_notice'.*2020"):
        register.receive(A)
    register.rule(CalendarPublished(effective_on=date(2019, 1, 1), year=2020, holidays=()))
    register.receive(A)


def test_calendar__is_published_by_who_stands_above_all_others_in_the_store() -> None:
    event = CalendarPublished(effective_on=date(2019, 9, 2), year=2030, holidays=())
    province, district = (Caller("o", frozenset({"office"}), code, "") for code in ("H35", "H35.10"))
    rules = Rules()
    with pytest.raises(errors.JurisdictionMayNot):
        may(province, event, None, rules.regulation)  # two provinces: the country's alone
    rules.rule(JurisdictionClosed(effective_on=date(2019, 8, 1), code="H36", successor="H35"))
    may(province, event, None, rules.regulation)
    with pytest.raises(errors.JurisdictionMayNot, match="H35"):
        may(district, event, None, rules.regulation)
