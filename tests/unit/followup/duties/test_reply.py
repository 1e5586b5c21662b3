"""The clock of a written reply by itself: what starts it, what moves it, what ends it, each counted by hand.

The plan's conference of Fri 23 Aug 2019: 26-30(5) [31 1 2] 3-6 Sep(9) [7 8] 9-13(14) [14 15] Mon 16(15). A second one
on Fri 30 Aug: [31 1 2] 3-6(4) 9-13(9) 16-20(14) Mon 23(15).
"""

from typing import NamedTuple
from uuid import UUID

import msgspec
import pytest

from services.followup.domain.cases import PetitionCase, fold_conference, fold_petition
from services.followup.domain.duties.due_dates import ExpectedDeadline, explain
from services.followup.domain.duties.petition import petition_duties
from services.followup.domain.duties.reply import CaseContext
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import RegulationLog
from shared.cases.reply_clock import Kin
from shared.events import Event
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import ConclusionNoticeIssued, ConferenceCancelled
from shared.events.petition import (
    AcceptanceNoticeSent,
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClosed,
    PetitionEscalated,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionReassigned,
    PetitionReceived,
    PetitionRedirected,
    PetitionReopened,
    PetitionWithdrawn,
    WrittenReplyIssued,
)
from shared.events.regulation import PolicyAdopted
from shared.identifiers import derived_id
from shared.policy import Policy, read_policy
from tests.support.deadlines import fact
from tests.support.history import DISTRICT, History, at, day
from tests.support.scenario import CONFERENCE, HELD, PETITION, Record, held, planned, received

SECOND, SURVIVOR, THIRD = derived_id("conference", "c2"), derived_id("petition", "b"), derived_id("petition", "d")


class KnownCases(NamedTuple):
    """The facts of every case, folded when asked, under a regulation."""

    facts: dict[UUID, list[Fact]]
    regulation: RegulationLog

    def case(self, petition: UUID) -> PetitionCase:
        found = fold_petition(petition, self.facts[petition])
        assert found is not None
        return found

    def kin(self, petition: UUID) -> tuple[Kin, ...]:
        found = []
        for other in self.facts:
            case = fold_petition(other, self.facts[other])
            if case is not None and case.survivor == petition and case.round.end is not None:
                found.append(Kin(case, case.round.end, self.kin(other)))
        return tuple(found)

    def replies(self, petition: UUID = PETITION) -> list[ExpectedDeadline]:
        """The reply of each round of a petition, as it is expected to stand."""
        context = CaseContext("test", self.regulation, lambda c: fold_conference(c, self.facts.get(c, [])))
        duties = petition_duties(self.case(petition), self.kin(petition), context)
        return [each for each in duties if each.duty == "reply"]


def known(*records: Record, policy: Policy | None = None) -> KnownCases:
    """These records, in this order, under the plan or an adopted policy."""
    rules = list(History().facts)
    if policy is not None:
        adopted = PolicyAdopted(effective_on=day("2019-01-02"), jurisdiction=DISTRICT, policy=policy)
        rules.append(fact(adopted, at("2019-01-02 08:00"), 50, "policy"))
    facts: dict[UUID, list[Fact]] = {}
    for position, each in enumerate(records, 100):
        found = fact(each.event, at(each.moment), position, each.event.AGGREGATE)
        facts.setdefault(each.subject, []).append(msgspec.structs.replace(found, originator_id=each.subject))
    return KnownCases(facts, RegulationLog(rules))


def at_petition(moment: str, event: Event, petition: UUID = PETITION) -> Record:
    return Record(moment, petition, event)


def dues(*records: Record, policy: Policy | None = None) -> list[str]:
    """The due dates of the petition's replies, with the outcome of those that have one."""
    return [f"{r.due_on} {r.outcome}".strip() for r in known(*records, policy=policy).replies()]


def rule(text: str) -> Policy:
    return read_policy(
        "policy_id: local\ndocument: {number: 1/QĐ, issued_on: 2019-01-01}\nvalid_from: 2019-01-01\n"
        f"rules:\n  - {{duty: reply, form: deadline, length: 15, {text}}}\n"
    )


def reply(on: str, *answers: str) -> WrittenReplyIssued:
    return WrittenReplyIssued(effective_on=day(on), number="1/UBND", signatory="CT", digest="00", answers=answers)


SECOND_HELD = (
    planned("2019-08-30", "2019-08-24", conference=SECOND),
    *held(PETITION, on="2019-08-30", conference=SECOND),
)
CANCELLED = Record("2019-08-25 09:00", CONFERENCE, ConferenceCancelled(effective_on=day("2019-08-25")))
OPENED, SCHEDULED, RAISED, CLOSED = held(PETITION)


# --- what starts it ---------------------------------------------------------------------------------------------------


class TestStart:
    """Rules 1 and 2: the first conference where the petition was raised and left open."""

    def test_closed_conference__starts_it(self) -> None:
        (found,) = known(*HELD).replies()
        assert (found.due_on, found.counted_from, found.debtor) == (day("2019-09-16"), day("2019-08-23"), "office")
        assert found.start.event.TOPIC == "ConferenceClosed"
        assert (found.source, found.subject, found.subject_id, found.duty) == ("test", "petition", PETITION, "reply")
        assert (found.jurisdiction, found.part) == (DISTRICT, "")

    @pytest.mark.parametrize(
        "records",
        [
            (received(),),
            # the conference is not closed yet
            (planned(), received(), OPENED, SCHEDULED, RAISED),
            # scheduled, but not raised
            (planned(), received(), OPENED, SCHEDULED, CLOSED),
            (*HELD, CANCELLED),
        ],
        ids=["received", "not closed", "not raised", "cancelled"],
    )
    def test_no_conference_that_left_it_open__no_clock(self, records: tuple[Record, ...]) -> None:
        assert dues(*records) == []

    def test_second_conference__never_restarts_it(self) -> None:
        (found,) = known(*HELD, *SECOND_HELD).replies()
        assert (found.due_on, found.start.originator_id) == (day("2019-09-16"), CONFERENCE)

    def test_first_conference_recorded_after_the_second__starts_it_all_the_same(self) -> None:
        first = [each._replace(moment="2019-09-02 09:00") for each in held(PETITION)]
        (found,) = known(planned(), received(), *SECOND_HELD, *first).replies()
        assert (found.due_on, found.start.originator_id) == (day("2019-09-16"), CONFERENCE)

    def test_first_conference_cancelled__the_second_starts_it(self) -> None:
        assert dues(*HELD, CANCELLED, *SECOND_HELD) == ["2019-09-23"]

    def test_conference_of_several_days__starts_it_with_its_last(self) -> None:
        # Thu 22 and Fri 23 Aug
        records = (
            planned("2019-08-22", last="2019-08-23"),
            received(),
            *held(PETITION, on="2019-08-22", last="2019-08-23"),
        )
        assert dues(*records) == ["2019-09-16"]

    def test_closing_annulled__no_clock(self) -> None:
        records = known(*HELD)
        closed = records.facts[CONFERENCE][-1]
        annulled = Record(
            "2019-08-24 09:00", CONFERENCE, RecordAnnulled(effective_on=day("2019-08-24"), event_id=closed.event_id)
        )
        assert known(*HELD, annulled).replies() == []


# 1 Aug 2019 is a Thursday: 2(1) 5-9(6) 12-16(11) 19-22(15); Mon 5 Aug: 6-9(4) 12-16(9) 19-23(14) 26(15);
# Wed 28 Aug: 29 30(2) 3-6(6) 9-13(11) 16-19(15); Fri 30 Aug: Mon 23 Sep
@pytest.mark.parametrize(
    ("anchor", "due"),
    [
        ("receipt", "2019-08-22"),
        ("acceptance", "2019-08-26"),
        ("assignment", "2019-09-19"),
        ("conclusion", "2019-09-23"),
        ("conference_end", "2019-09-16"),
    ],
)
def test_start__is_what_the_rule_counts_from(anchor: str, due: str) -> None:
    accepted = at_petition("2019-08-05 09:00", AcceptanceNoticeSent(effective_on=day("2019-08-05"), number="1"))
    again = at_petition("2019-08-07 09:00", AcceptanceNoticeSent(effective_on=day("2019-08-07"), number="2"))
    assigned = at_petition("2019-08-28 09:00", PetitionAssigned(effective_on=day("2019-08-28"), agency="H35.10.3"))
    notice = ConclusionNoticeIssued(effective_on=day("2019-08-30"), number="1/TB", signatory="CT", digest="00")
    concluded = Record("2019-08-30 09:00", CONFERENCE, notice)
    records = (planned(), received(), accepted, again, *held(PETITION), assigned, concluded)
    assert dues(*records, policy=rule(f"counted_from: {anchor}")) == [due]


@pytest.mark.parametrize("anchor", ["acceptance", "assignment", "conclusion"])
def test_start__that_has_not_happened__no_clock(anchor: str) -> None:
    assert dues(*HELD, policy=rule(f"counted_from: {anchor}")) == []


def test_start__by_the_rule_for_the_audience_of_the_dialogue() -> None:
    # Fri 23 Aug + 5: 26-30(5)
    youth = msgspec.structs.replace(rule("counted_from: conference_end"), audience="youth")
    youth = msgspec.structs.replace(youth, rules=(msgspec.structs.replace(youth.rules[0], length=5),))
    with_youth = planned()
    with_youth = with_youth._replace(event=msgspec.structs.replace(with_youth.event, audience="youth"))
    assert dues(with_youth, received(), *held(PETITION), policy=youth) == ["2019-08-30"]
    assert dues(*HELD, policy=youth) == ["2019-09-16"]


def with_audience(record: Record, audience: str = "youth") -> Record:
    return record._replace(event=msgspec.structs.replace(record.event, audience=audience))


def test_audience__is_kept_when_the_case_is_reopened() -> None:
    # Wed 18 Sep + 5: 19 20 23 24 Wed 25; under the plan + 15 = Wed 9 Oct
    youth = msgspec.structs.replace(rule("counted_from: conference_end"), audience="youth")
    youth = msgspec.structs.replace(youth, rules=(msgspec.structs.replace(youth.rules[0], length=5),))
    reopened = at_petition("2019-09-18 09:00", PetitionReopened(effective_on=day("2019-09-18")))
    records = (received(), *held(PETITION), ended(reply("2019-09-10")), reopened)
    assert dues(with_audience(planned()), *records, policy=youth)[1] == "2019-09-25"
    assert dues(planned(), *records, policy=youth)[1] == "2019-10-09"


def test_later_document_for_the_audience__moves_its_clock_alone() -> None:
    # Fri 23 Aug + 20: 16 Sep is (15), 17-20(19) Mon 23(20)
    more = msgspec.structs.replace(
        rule("counted_from: conference_end"), audience="youth", valid_from=day("2019-08-30"), running_clocks="move"
    )
    more = msgspec.structs.replace(more, rules=(msgspec.structs.replace(more.rules[0], length=20),))
    assert dues(with_audience(planned()), received(), *held(PETITION), policy=more) == ["2019-09-23"]
    assert dues(*HELD, policy=more) == ["2019-09-16"]


def test_online__is_known_from_the_receipt() -> None:
    policy = rule("counted_from: receipt, variants: [{when: [online], length: 3}]")
    online = PetitionReceived(effective_on=day("2019-08-01"), jurisdiction=DISTRICT, channel="online")
    # Thu 1 Aug + 3: 2(1) 5 6(3)
    assert dues(at_petition("2019-08-01 09:00", online), policy=policy) == ["2019-08-06"]
    assert dues(received(), policy=policy) == ["2019-08-22"]


# --- what moves it ----------------------------------------------------------------------------------------------------


def assigned(on: str, due_on: str = "", again: bool = False) -> Record:
    kind = PetitionReassigned if again else PetitionAssigned
    event = kind(
        effective_on=day(on), agency="H35.10.4" if again else "H35.10.3", due_on=day(due_on) if due_on else None
    )
    return at_petition(f"{on} 10:00", event)


def complex_on(on: str) -> Record:
    event = PetitionMarkedComplex(effective_on=day(on), decided_by="chair", criteria=("x",))
    return at_petition(f"{on} 10:00", event)


def extended(petitioner: str, committee: str | None, to: str = "2019-09-30") -> Record:
    event = ExtensionGranted(
        effective_on=day(petitioner),
        petitioner_told_on=day(petitioner),
        committee_told_on=day(committee) if committee else None,
        expected_on=day(to),
    )
    return at_petition("2019-10-20 10:00", event)


# Complex: 16 Sep is (15), 17-20(19) 23-27(24) 30-4 Oct(29) Mon 7(30).
MOVED: dict[str, tuple[list[Record], str]] = {
    # rule 1
    "assigned": ([assigned("2019-08-30")], "2019-09-16"),
    "the chair's earlier date": ([assigned("2019-08-30", "2019-09-10")], "2019-09-10"),
    "a later date of the chair has no effect": ([assigned("2019-08-30", "2019-09-20")], "2019-09-16"),
    "an earlier date on reassignment": (
        [assigned("2019-08-30"), assigned("2019-09-03", "2019-09-12", True)],
        "2019-09-12",
    ),
    # rule 4
    "complex on the due date": ([complex_on("2019-09-16")], "2019-10-07"),
    "complex a day late": ([complex_on("2019-09-17")], "2019-09-16"),
    "complex, then the chair's date": ([complex_on("2019-09-10"), assigned("2019-09-11", "2019-09-25")], "2019-09-25"),
    # rule 5
    "both notices on the due date": ([extended("2019-09-16", "2019-09-16")], "2019-09-30"),
    "the petitioner told a day late": ([extended("2019-09-17", "2019-09-16")], "2019-09-16"),
    "the committee told a day late": ([extended("2019-09-16", "2019-09-17")], "2019-09-16"),
    "the committee not told": ([extended("2019-09-16", None)], "2019-09-16"),
    # in the order in which they took effect: recorded the other way round it is the same
    "complex after an extension": (
        [extended("2019-09-10", "2019-09-10", "2019-09-20"), complex_on("2019-09-18")],
        "2019-10-07",
    ),
    # rule 6
    "escalated": (
        [at_petition("2019-09-03 10:00", PetitionEscalated(effective_on=day("2019-09-02"), authority="H35"))],
        "2019-09-16",
    ),
    "suspended, under a document that lets no clock stand still": (
        [at_petition("2019-09-03 10:00", ClockSuspended(effective_on=day("2019-09-02"), number="1"))],
        "2019-09-16",
    ),
}


@pytest.mark.parametrize("case", MOVED)
def test_clock__is_moved_by_what_took_effect_in_time(case: str) -> None:
    records, due = MOVED[case]
    assert dues(*HELD, *records) == [due]
    assert dues(*HELD, *reversed(records)) == [due], "the order of recording does not matter"


def test_suspended_and_resumed__the_days_between_do_not_count() -> None:
    # suspended on Mon 2 Sep (off), resumed on Fri 6 Sep: 3 4 5 are left out; Mon 16 + 3 working days = Thu 19
    policy = rule("pause: {told: [petitioner]}")
    told = day("2019-09-02")
    suspended = at_petition("2019-09-02 09:00", ClockSuspended(effective_on=told, number="1", petitioner_told_on=told))
    resumed = at_petition("2019-09-06 09:00", ClockResumed(effective_on=day("2019-09-06"), number="2"))
    assert dues(*HELD, suspended, policy=policy) == ["None"]
    assert dues(*HELD, suspended, resumed, policy=policy) == ["2019-09-19"]
    untold = at_petition("2019-09-02 09:00", ClockSuspended(effective_on=told, number="1"))
    assert dues(*HELD, untold, resumed, policy=policy) == ["2019-09-16"]


# --- what ends it -----------------------------------------------------------------------------------------------------


def ended(event: Event) -> Record:
    return at_petition("2019-09-12 10:00", event)


ENDS: dict[str, tuple[Event, str, str | None]] = {
    "withdrawn": (PetitionWithdrawn(effective_on=day("2019-09-10")), "waived", "withdrawn"),
    "redirected": (
        PetitionRedirected(effective_on=day("2019-09-10"), body="H35.4", procedure="complaint"),
        "waived",
        "redirected",
    ),
    "merged": (PetitionMerged(effective_on=day("2019-09-10"), into=SURVIVOR), "waived", "merged"),
    "closed": (PetitionClosed(effective_on=day("2019-09-10"), ground="x"), "waived", "closed"),
    "answered at a later conference": (
        PetitionAnsweredAtConference(effective_on=day("2019-09-10"), conference_id=SECOND),
        "waived",
        "answered_at_conference",
    ),
    "replied": (reply("2019-09-10"), "met", None),
}


@pytest.mark.parametrize("case", ENDS)
def test_end__waives_or_meets_it(case: str) -> None:
    event, outcome, ground = ENDS[case]
    (found,) = known(*HELD, ended(event)).replies()
    assert (found.outcome, found.ground, found.done_on) == (outcome, ground, day("2019-09-10"))


def test_answered_at_the_conference__starts_no_clock() -> None:
    answered = PetitionAnsweredAtConference(effective_on=day("2019-08-23"), conference_id=CONFERENCE)
    records = (planned(), received(), OPENED, SCHEDULED, RAISED, at_petition("2019-08-23 10:00", answered), CLOSED)
    assert dues(*records) == []


def test_end_recorded_after_the_clock_was_set__leaves_its_trace() -> None:
    withdrawn = at_petition("2019-08-26 09:00", PetitionWithdrawn(effective_on=day("2019-08-20")))
    assert dues(*HELD, withdrawn) == ["2019-09-16 waived"]


def test_end_recorded_before_an_acceptance__starts_no_clock() -> None:
    withdrawn = at_petition("2019-08-02 09:00", PetitionWithdrawn(effective_on=day("2019-08-02")))
    accepted = at_petition("2019-08-05 09:00", AcceptanceNoticeSent(effective_on=day("2019-08-05"), number="1"))
    assert dues(received(), withdrawn, accepted, policy=rule("counted_from: acceptance")) == []


def test_reply_before_withdrawal__is_a_reply() -> None:
    withdrawn = at_petition("2019-09-12 11:00", PetitionWithdrawn(effective_on=day("2019-09-12")))
    assert dues(*HELD, ended(reply("2019-09-10")), withdrawn) == ["2019-09-16 met"]


def test_several_petitioners__met_when_the_last_is_answered() -> None:
    two = (planned(), received(petitioners=("p1", "p2")), *held(PETITION))
    assert dues(*two, ended(reply("2019-09-10", "p1"))) == ["2019-09-16"]
    (found,) = known(*two, ended(reply("2019-09-12", "p2")), ended(reply("2019-09-10", "p1"))).replies()
    assert (found.outcome, found.done_on) == ("met", day("2019-09-12"))
    assert dues(*two, ended(reply("2019-09-10"))) == ["2019-09-16 met"], "a reply that names nobody answers everyone"


# --- reopening --------------------------------------------------------------------------------------------------------


def test_reopened__has_a_new_clock_that_refers_to_the_old() -> None:
    # Wed 18 Sep: 19 20(2) 23-27(7) 30-4 Oct(12) 7 8 Wed 9(15)
    records = known(
        *HELD,
        ended(reply("2019-09-10")),
        at_petition("2019-09-18 09:00", PetitionReopened(effective_on=day("2019-09-18"))),
    )
    first, second = records.replies()
    assert (first.due_on, first.outcome, second.due_on, second.outcome) == (
        day("2019-09-16"),
        "met",
        day("2019-10-09"),
        "",
    )
    assert "reopened:2019-09-18" in explain(second, records.regulation.calendar).notes
    assert "reopened:2019-09-18" not in explain(first, records.regulation.calendar).notes
    assert first.deadline_id != second.deadline_id


def test_reopened__a_step_belongs_to_the_round_in_which_it_was_recorded() -> None:
    reopened = at_petition("2019-09-18 09:00", PetitionReopened(effective_on=day("2019-09-18")))
    # 30 days from Wed 18 Sep: 9 Oct is (15); 10 11(17) 14-18(22) 21-25(27) 28 29 30(30)
    assert dues(*HELD, ended(reply("2019-09-10")), reopened, complex_on("2019-09-20")) == [
        "2019-09-16 met",
        "2019-10-30",
    ]


# --- merging ----------------------------------------------------------------------------------------------------------


def merged(on: str, petition: UUID = PETITION, into: UUID = SURVIVOR) -> Record:
    event = PetitionMerged(effective_on=day(on), into=into)
    return at_petition(f"{on} 10:00", event, petition)


SURVIVES = received("2019-08-24", SURVIVOR, ("p2",))
SURVIVOR_HELD = (
    planned("2019-08-30", "2019-08-26", conference=SECOND),
    *held(SURVIVOR, on="2019-08-30", conference=SECOND),
)


def survivor_dues(*records: Record) -> list[str]:
    return [f"{r.due_on} {r.outcome}".strip() for r in known(*records).replies(SURVIVOR)]


def test_merged__the_survivor_takes_the_earliest_date() -> None:
    assert survivor_dues(*HELD, SURVIVES, *SURVIVOR_HELD) == ["2019-09-23"]
    assert survivor_dues(*HELD, SURVIVES, *SURVIVOR_HELD, merged("2019-09-10")) == ["2019-09-16"]


def test_merged__the_survivor_keeps_its_own_earlier_date() -> None:
    first = (planned(), received(petition=SURVIVOR, petitioners=("p2",)), *held(SURVIVOR))
    other = (received("2019-08-24"), *SECOND_HELD)
    assert survivor_dues(*first, *other, merged("2019-09-10")) == ["2019-09-16"]


def test_merged__a_survivor_without_a_clock__has_that_date_also_if_it_has_passed() -> None:
    (found,) = known(*HELD, SURVIVES, merged("2019-09-18")).replies(SURVIVOR)
    assert (found.due_on, found.start.event.TOPIC, found.counted_from) == (
        day("2019-09-16"),
        "PetitionMerged",
        day("2019-09-18"),
    )


def test_merged_twice__a_survivor_without_a_clock__starts_with_the_first_merger() -> None:
    both = (planned(), received(), received("2019-08-02", THIRD, ("p3",)), *held(PETITION, THIRD), SURVIVES)
    (found,) = known(*both, merged("2019-09-10"), merged("2019-09-11", THIRD)).replies(SURVIVOR)
    assert (found.start.on, found.due_on) == (day("2019-09-10"), day("2019-09-16"))


def test_merged__into_a_case_that_was_reopened__belongs_to_its_last_round() -> None:
    # Own clock: Mon 23 Sep. Reopened on Wed 18 Sep: Wed 9 Oct by itself; the merged one brings Mon 16 Sep.
    answered = at_petition("2019-09-12 10:00", reply("2019-09-12"), SURVIVOR)
    reopened = at_petition("2019-09-18 09:00", PetitionReopened(effective_on=day("2019-09-18")), SURVIVOR)
    records = (*HELD, SURVIVES, *SURVIVOR_HELD, answered, reopened, merged("2019-09-19"))
    assert survivor_dues(*records) == ["2019-09-23 met", "2019-09-16"]


def test_merged__without_any_clock__none() -> None:
    assert survivor_dues(received(), SURVIVES, merged("2019-09-10")) == []


def test_merged_one_into_the_next__the_last_takes_the_earliest_of_all() -> None:
    third = received("2019-08-25", THIRD, ("p3",))
    records = known(*HELD, SURVIVES, third, merged("2019-09-10"), merged("2019-09-11", SURVIVOR, THIRD))
    (found,) = records.replies(THIRD)
    assert found.due_on == day("2019-09-16")


def test_merged__is_met_when_every_petitioner_is_answered() -> None:
    records = (*HELD, SURVIVES, merged("2019-09-10"))
    mine, theirs = (at_petition("2019-09-12 10:00", reply("2019-09-12", who), SURVIVOR) for who in ("p1", "p2"))
    assert survivor_dues(*records, theirs) == ["2019-09-16"]
    assert survivor_dues(*records, theirs, mine) == ["2019-09-16 met"]


def test_merged__the_steps_of_the_merged_petition_count_in_its_date() -> None:
    assert survivor_dues(*HELD, SURVIVES, assigned("2019-08-30", "2019-09-12"), merged("2019-09-13")) == ["2019-09-12"]


def test_merged__and_then_more_time_for_the_survivor() -> None:
    granted = extended("2019-09-16", "2019-09-16")._replace(subject=SURVIVOR)
    assert survivor_dues(*HELD, SURVIVES, merged("2019-09-10"), granted) == ["2019-09-30"]
