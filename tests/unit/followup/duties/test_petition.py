"""What a petition makes people owe beside its reply: reports, results, higher answers, prepared answers, notices.

The reply of the plan's conference is due on Mon 16 Sep 2019.
"""

from uuid import UUID

import msgspec
import pytest

from shared.events import Event
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import ConferenceCancelled, ConferenceRescheduled
from shared.events.petition import (
    AcceptanceNoticeSent,
    AgencyResultReported,
    AnswerPrepared,
    ForwarderInformed,
    HigherAuthorityAnswered,
    PetitionAssigned,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionReassigned,
    PetitionReceived,
    PetitionRedirected,
    PetitionReopened,
    PetitionScheduled,
    PetitionWithdrawn,
    RefusalNoticeSent,
    ReplyReported,
    Report,
    WrittenReplyIssued,
)
from shared.events.regulation import AgencyClosed
from shared.identifiers import derived_id
from tests.support.history import DISTRICT, day
from tests.support.scenario import (
    CONFERENCE,
    HELD,
    PETITION,
    Record,
    adopted,
    given,
    held,
    planned,
    policy_with,
    received,
)

SECOND = derived_id("conference", "c2")
AGENCY, OTHER, SUCCESSOR = "H35.10.3", "H35.10.4", "H35.10.8"


def at_petition(on: str, event: Event, time: str = "10:00") -> Record:
    return Record(f"{on} {time}", PETITION, event)


def reply(on: str, number: str = "1/UBND", *told: str) -> Record:
    reports = tuple(Report(recipient=who, on=day(on)) for who in told)  # type: ignore[arg-type]
    return at_petition(
        on, WrittenReplyIssued(effective_on=day(on), number=number, signatory="CT", digest="00", reports=reports)
    )


def reported(on: str, *told: str, number: str = "1/UBND") -> Record:
    reports = tuple(Report(recipient=who, on=day(on)) for who in told)  # type: ignore[arg-type]
    return at_petition(on, ReplyReported(effective_on=day(on), reply_number=number, reports=reports), "11:00")


def assigned(on: str, agency: str = AGENCY) -> Record:
    return at_petition(on, PetitionAssigned(effective_on=day(on), agency=agency))


def result(on: str, what: str = "resolved", agency: str = AGENCY) -> Record:
    event = AgencyResultReported(effective_on=day(on), agency=agency, result=what)  # type: ignore[arg-type]
    return at_petition(on, event)


def forwarded(on: str, agency: str = AGENCY) -> Record:
    return at_petition(on, PetitionForwarded(effective_on=day(on), agency=agency))


def prepared(on: str, agency: str = AGENCY) -> Record:
    return at_petition(on, AnswerPrepared(effective_on=day(on), agency=agency))


def closed(on: str) -> Record:
    event = AgencyClosed(effective_on=day(on), code=AGENCY, successor=SUCCESSOR)
    return Record(f"{on} 08:00", derived_id("agency", AGENCY), event)


WITHDRAWN = at_petition("2019-09-12", PetitionWithdrawn(effective_on=day("2019-09-12")))
REOPENED = at_petition("2019-09-18", PetitionReopened(effective_on=day("2019-09-18")))


# --- the report of the reply ------------------------------------------------------------------------------------------

ALL = ("party_committee", "government", "chair")
REPORTS: dict[str, tuple[list[Record], list[str]]] = {
    "not reported": ([reply("2019-09-05")], ["office 2019-09-05 open"]),
    "of an agency": ([assigned("2019-09-02"), reply("2019-09-05")], [f"{AGENCY} 2019-09-05 open"]),
    "with the reply": ([reply("2019-09-05", "1/UBND", *ALL)], ["office 2019-09-05 met"]),
    "to two of three": ([reply("2019-09-05", "1/UBND", "chair", "government")], ["office 2019-09-05 open"]),
    "to the third later on the same day": (
        [reply("2019-09-05", "1/UBND", "chair", "government"), reported("2019-09-05", "party_committee")],
        ["office 2019-09-05 met"],
    ),
    "to the third a day late": (
        [reply("2019-09-05", "1/UBND", "chair", "government"), reported("2019-09-06", "party_committee")],
        ["office 2019-09-05 met_late"],
    ),
    "again, later": (
        [reply("2019-09-05", "1/UBND", *ALL), reported("2019-09-06", *ALL)],
        ["office 2019-09-05 met"],
    ),
    "of another reply": (
        [reply("2019-09-05"), reported("2019-09-05", *ALL, number="2/UBND")],
        ["office 2019-09-05 open"],
    ),
    "of each reply": (
        [reply("2019-09-05"), reply("2019-09-06", "2/UBND"), reported("2019-09-06", *ALL, number="2/UBND")],
        ["office 2019-09-05 open", "office 2019-09-06 met"],
    ),
    # the end of the case does not end it: the reply was given
    "withdrawn after the reply": ([reply("2019-09-05"), WITHDRAWN], ["office 2019-09-05 open"]),
    "of a reply in the second round": (
        [reply("2019-09-05", "1/UBND", *ALL), REOPENED, reply("2019-09-20", "2/UBND")],
        ["office 2019-09-05 met", "office 2019-09-20 open"],
    ),
}


@pytest.mark.parametrize("case", REPORTS)
def test_reply_report__to_all_three_on_the_day_of_the_reply(case: str) -> None:
    records, stands = REPORTS[case]
    assert given(*HELD, *records).stands(PETITION, "reply_report") == stands


def test_reply_report__to_those_whom_the_rule_names() -> None:
    policy = policy_with("- {duty: reply_report, form: deadline, length: 1, recipients: [superior]}")
    scenario = given(adopted(policy), *HELD, reply("2019-09-05", "1/UBND", *ALL))
    assert scenario.stands(PETITION, "reply_report") == ["office 2019-09-06 open"]
    scenario.when(reported("2019-09-06", "superior"))
    assert scenario.stands(PETITION, "reply_report") == ["office 2019-09-06 met"]


def test_reply_report__to_the_usual_recipients_where_the_rule_names_none() -> None:
    scenario = given(
        adopted(policy_with("- {duty: reply_report, form: deadline, length: 1}")), *HELD, reply("2019-09-05")
    )
    scenario.when(reported("2019-09-06", "chair", "government"))
    assert scenario.stands(PETITION, "reply_report") == ["office 2019-09-06 open"]
    scenario.when(reported("2019-09-06", "party_committee"))
    assert scenario.stands(PETITION, "reply_report") == ["office 2019-09-06 met"]


# --- the result -------------------------------------------------------------------------------------------------------

SECOND_ASSIGNED = assigned("2019-09-20", OTHER)
RESULTS: dict[str, tuple[list[Record], list[str]]] = {
    "not assigned": ([], []),
    "assigned": ([assigned("2019-08-30")], [f"{AGENCY} None open"]),
    "in progress": ([assigned("2019-08-30"), result("2019-09-05", "in_progress")], [f"{AGENCY} None open"]),
    "resolved": ([assigned("2019-08-30"), result("2019-09-05")], [f"{AGENCY} None met"]),
    "not resolved": ([assigned("2019-08-30"), result("2019-09-05", "not_resolved")], [f"{AGENCY} None met"]),
    "reported before it was assigned": ([result("2019-08-29"), assigned("2019-08-30")], [f"{AGENCY} None open"]),
    "reassigned: one duty, of the last agency": (
        [
            assigned("2019-08-30"),
            at_petition("2019-09-03", PetitionReassigned(effective_on=day("2019-09-03"), agency=OTHER)),
        ],
        [f"{OTHER} None open"],
    ),
    "withdrawn": ([assigned("2019-08-30"), WITHDRAWN], [f"{AGENCY} None waived"]),
    # each assignment has its own result, up to the next; in the order of the assignments
    "assigned twice, reported after the second": (
        [assigned("2019-08-30"), SECOND_ASSIGNED, result("2019-09-25")],
        [f"{OTHER} None open", f"{OTHER} None met"],
    ),
    "assigned twice, reported between": (
        [assigned("2019-08-30"), result("2019-09-05"), SECOND_ASSIGNED],
        [f"{OTHER} None met", f"{OTHER} None open"],
    ),
    "assigned three times, reported after the second": (
        [assigned("2019-08-30"), SECOND_ASSIGNED, result("2019-09-23"), assigned("2019-09-25", SUCCESSOR)],
        [f"{SUCCESSOR} None open", f"{SUCCESSOR} None met", f"{SUCCESSOR} None open"],
    ),
    "withdrawn, reopened and assigned again": (
        [assigned("2019-08-30"), WITHDRAWN, REOPENED, SECOND_ASSIGNED],
        [f"{OTHER} None waived", f"{OTHER} None open"],
    ),
}


@pytest.mark.parametrize("case", RESULTS)
def test_result__of_each_assignment(case: str) -> None:
    records, expected = RESULTS[case]
    history = given(*HELD, *records).history
    positions = {fact.event_id: fact.position for fact in history.facts}
    rows = [r for r in history.engine.raised_of(PETITION) if r.duty == "result_report"]
    rows.sort(key=lambda r: positions[r.starting_event])
    assert [f"{r.debtor} {r.due_on} {r.outcome or 'open'}" for r in rows] == expected
    assert all(r.part == str(r.starting_event) for r in rows)


# Thu 26 Sep 2019 is twenty days after Fri 6 Sep; Thu 12 Sep after Fri 23 Aug.
@pytest.mark.parametrize(
    ("anchor", "records", "due"),
    [
        ("assignment", [assigned("2019-08-30")], "2019-09-19"),
        ("conference_end", [assigned("2019-08-30")], "2019-09-12"),
        ("reply", [assigned("2019-08-30")], None),
        ("reply", [assigned("2019-08-30"), reply("2019-09-06")], "2019-09-26"),
        (
            "reply",
            [assigned("2019-08-30"), reply("2019-09-10", "2"), reply("2019-09-06")._replace(moment="2019-09-11 09:00")],
            "2019-09-26",
        ),
        ("conclusion", [assigned("2019-08-30")], None),
    ],
)
def test_result__counted_from_what_the_rule_says__undated_until_that_is_there(
    anchor: str, records: list[Record], due: str | None
) -> None:
    policy = policy_with(
        f"- {{duty: result_report, form: deadline, length: 20, unit: calendar_days, counted_from: {anchor}}}"
    )
    (found,) = [
        r
        for r in given(adopted(policy), *HELD, *records).history.engine.raised_of(PETITION)
        if r.duty == "result_report"
    ]
    assert found.due_on == (day(due) if due else None)
    assert found.explanation is not None
    assert ("no_anchor" in found.explanation.notes) == (due is None)


def test_result__counted_from_a_fixed_date() -> None:
    policy = policy_with(
        "- {duty: result_report, form: deadline, length: 0, counted_from: fixed_date, fixed_date: '12-20'}"
    )
    scenario = given(adopted(policy), *HELD, assigned("2019-08-30"))
    (found,) = [r for r in scenario.history.engine.raised_of(PETITION) if r.duty == "result_report"]
    assert found.due_on == day("2019-12-20")


def test_result__counted_from_a_conference_that_was_cancelled__is_undated() -> None:
    policy = policy_with("- {duty: result_report, form: deadline, length: 20, counted_from: conference_end}")
    cancelled = Record("2019-09-02 09:00", CONFERENCE, ConferenceCancelled(effective_on=day("2019-09-02")))
    scenario = given(adopted(policy), *HELD, assigned("2019-08-30"), cancelled)
    (found,) = [r for r in scenario.history.engine.raised_of(PETITION) if r.duty == "result_report"]
    assert found.due_on is None


# --- the higher answer ------------------------------------------------------------------------------------------------


def escalated(on: str) -> Record:
    return at_petition(on, PetitionEscalated(effective_on=day(on), authority="H35"))


def higher_answer(on: str) -> Record:
    return at_petition(on, HigherAuthorityAnswered(effective_on=day(on), authority="H35"))


HIGHER: dict[str, tuple[list[Record], list[str]]] = {
    "escalated": ([escalated("2019-09-02")], ["office None open"]),
    "answered": ([escalated("2019-09-02"), higher_answer("2019-09-05")], ["office None met"]),
    "answered before it was escalated": ([higher_answer("2019-09-01"), escalated("2019-09-02")], ["office None open"]),
    "escalated twice, answered once": (
        [escalated("2019-09-02"), escalated("2019-09-03"), higher_answer("2019-09-05")],
        ["office None met", "office None open"],
    ),
    "escalated twice, answered twice": (
        [escalated("2019-09-02"), higher_answer("2019-09-03"), escalated("2019-09-04"), higher_answer("2019-09-05")],
        ["office None met", "office None met"],
    ),
    "withdrawn": ([escalated("2019-09-02"), WITHDRAWN], ["office None waived"]),
    "withdrawn and reopened": ([escalated("2019-09-02"), WITHDRAWN, REOPENED], ["office None waived"]),
    "escalated in the second round": ([WITHDRAWN, REOPENED, escalated("2019-09-20")], ["office None open"]),
}


@pytest.mark.parametrize("case", HIGHER)
def test_higher_answer__of_each_escalation(case: str) -> None:
    records, stands = HIGHER[case]
    assert given(*HELD, *records).stands(PETITION, "higher_answer") == stands


# --- the prepared answer ----------------------------------------------------------------------------------------------


def scheduled(on: str, conference: UUID = CONFERENCE) -> Record:
    return at_petition(on, PetitionScheduled(effective_on=day(on), conference_id=conference), "09:30")


CANCELLED = Record("2019-08-15 09:00", CONFERENCE, ConferenceCancelled(effective_on=day("2019-08-15")))
SECOND_PLANNED = planned("2019-08-30", "2019-08-02", conference=SECOND)


def rescheduled(on: str, to: str) -> Record:
    event = ConferenceRescheduled(effective_on=day(on), first_day=day(to), last_day=day(to))
    return Record(f"{on} 09:00", CONFERENCE, event)


BASE = (planned(), received(), scheduled("2019-08-05"))
PREPARED: dict[str, tuple[list[Record], list[str]]] = {
    "not forwarded": ([*BASE], []),
    "not scheduled": ([planned(), received(), forwarded("2019-08-05")], []),
    "forwarded": ([*BASE, forwarded("2019-08-06")], [f"{AGENCY} {AGENCY} 2019-08-22 open"]),
    "prepared": ([*BASE, forwarded("2019-08-06"), prepared("2019-08-22")], [f"{AGENCY} {AGENCY} 2019-08-22 met"]),
    "prepared late": (
        [*BASE, forwarded("2019-08-06"), prepared("2019-08-23")],
        [f"{AGENCY} {AGENCY} 2019-08-22 met_late"],
    ),
    "prepared by another": (
        [*BASE, forwarded("2019-08-06"), prepared("2019-08-22", OTHER)],
        [f"{AGENCY} {AGENCY} 2019-08-22 open"],
    ),
    "forwarded to two": (
        [*BASE, forwarded("2019-08-06"), forwarded("2019-08-06", OTHER), prepared("2019-08-20", OTHER)],
        [f"{AGENCY} {AGENCY} 2019-08-22 open", f"{OTHER} {OTHER} 2019-08-22 met"],
    ),
    "the successor prepares it": (
        [*BASE, forwarded("2019-08-06"), closed("2019-08-10"), prepared("2019-08-20", SUCCESSOR)],
        [f"{AGENCY} {SUCCESSOR} 2019-08-22 met"],
    ),
    "the conference is cancelled": (
        [*BASE, forwarded("2019-08-06"), CANCELLED],
        [f"{AGENCY} {AGENCY} 2019-08-22 waived"],
    ),
    "withdrawn": (
        [*BASE, forwarded("2019-08-06"), at_petition("2019-08-20", PetitionWithdrawn(effective_on=day("2019-08-20")))],
        [f"{AGENCY} {AGENCY} 2019-08-22 waived"],
    ),
    "rescheduled in time": (
        [*BASE, forwarded("2019-08-06"), rescheduled("2019-08-22", "2019-08-30")],
        [f"{AGENCY} {AGENCY} 2019-08-29 open"],
    ),
    "rescheduled too late": (
        [*BASE, forwarded("2019-08-06"), rescheduled("2019-08-23", "2019-08-30")],
        [f"{AGENCY} {AGENCY} 2019-08-22 waived", f"{AGENCY} {AGENCY} 2019-08-29 open"],
    ),
    # the last one that is planned and not cancelled counts
    "scheduled twice": (
        [
            *BASE,
            SECOND_PLANNED._replace(moment="2019-08-05 11:00"),
            scheduled("2019-08-06", SECOND),
            forwarded("2019-08-06"),
        ],
        [f"{AGENCY} {AGENCY} 2019-08-29 open"],
    ),
    "scheduled twice, the first cancelled": (
        [
            *BASE,
            SECOND_PLANNED._replace(moment="2019-08-05 11:00"),
            scheduled("2019-08-06", SECOND),
            forwarded("2019-08-06"),
            CANCELLED,
        ],
        [f"{AGENCY} {AGENCY} 2019-08-29 open"],
    ),
}


@pytest.mark.parametrize("case", PREPARED)
def test_prepared_answer__before_the_conference(case: str) -> None:
    records, stands = PREPARED[case]
    assert given(*records).stands(PETITION, "prepared_answer") == stands


@pytest.mark.parametrize("case", ["the conference is cancelled", "rescheduled too late", "withdrawn"])
def test_prepared_answer__tells_why_it_is_owed_no_more(case: str) -> None:
    rows = given(*PREPARED[case][0]).history.engine.raised_of(PETITION)
    grounds = {
        "the conference is cancelled": "cancelled",
        "rescheduled too late": "rescheduled",
        "withdrawn": "withdrawn",
    }
    assert [r.ground for r in rows if r.duty == "prepared_answer" and r.ground] == [grounds[case]]


def test_prepared_answer__moved_by_a_later_document_for_the_audience() -> None:
    # Fri 23 Aug 2019: 22(1) 21 20(3)
    more = msgspec.structs.replace(
        policy_with("- {duty: prepared_answer, form: minimum_notice, length: 3}", "running_clocks: move\n"),
        audience="youth",
        valid_from=day("2019-08-10"),
    )
    youth = planned()._replace(event=msgspec.structs.replace(planned().event, audience="youth"))
    for plan, due in ((youth, "2019-08-20"), (planned(), "2019-08-22")):
        scenario = given(
            plan, received(), scheduled("2019-08-05"), forwarded("2019-08-06"), adopted(more, "2019-08-07")
        )
        assert scenario.stands(PETITION, "prepared_answer") == [f"{AGENCY} {AGENCY} {due} open"]


# --- notices, where a document asks for them --------------------------------------------------------------------------

# Received on Thu 1 Aug 2019 + 5 working days: 2(1) 5-8(5).
NOTICES = adopted(
    policy_with(
        "- {duty: acceptance_notice, form: deadline, length: 5, variants: [{when: [complex], length: 10}]}\n"
        "- {duty: forwarder_report, form: deadline, length: 10, unit: calendar_days}\n"
        "- {duty: result_notice, form: deadline, length: 5, unit: calendar_days}\n"
    )
)


def accepted(on: str) -> Record:
    return at_petition(on, AcceptanceNoticeSent(effective_on=day(on), number="1"))


def complex_on(on: str) -> Record:
    return at_petition(on, PetitionMarkedComplex(effective_on=day(on), decided_by="chair", criteria=("x",)))


def redirected(on: str) -> Record:
    return at_petition(on, PetitionRedirected(effective_on=day(on), body="H35.4", procedure="complaint"))


ACCEPTANCES: dict[str, tuple[list[Record], list[str]]] = {
    "received": ([], ["office 2019-08-08 open"]),
    "accepted": ([accepted("2019-08-08")], ["office 2019-08-08 met"]),
    "accepted late": ([accepted("2019-08-09")], ["office 2019-08-08 met_late"]),
    "accepted twice, the earlier recorded later": (
        [accepted("2019-08-09"), accepted("2019-08-08")._replace(moment="2019-08-12 09:00")],
        ["office 2019-08-08 met"],
    ),
    "refused": (
        [at_petition("2019-08-07", RefusalNoticeSent(effective_on=day("2019-08-07"), number="2"))],
        ["office 2019-08-08 met"],
    ),
    "redirected": ([redirected("2019-08-07")], ["office 2019-08-08 met"]),
    "withdrawn": (
        [at_petition("2019-08-07", PetitionWithdrawn(effective_on=day("2019-08-07")))],
        ["office 2019-08-08 waived"],
    ),
    # complex: 9(6) 12-15(10)
    "complex": ([complex_on("2019-08-07")], ["office 2019-08-15 open"]),
    "complex too late": ([complex_on("2019-08-09")], ["office 2019-08-08 open"]),
}


@pytest.mark.parametrize("case", ACCEPTANCES)
def test_acceptance__whether_it_is_taken_up_refused_or_sent_on(case: str) -> None:
    records, stands = ACCEPTANCES[case]
    assert given(NOTICES, received(), *records).stands(PETITION, "acceptance_notice") == stands


def test_acceptance__by_the_trait_that_was_found() -> None:
    # 20 working days would be Thu 29 Aug; several fields: 2(1) 5-9(6) Mon 12(7)
    policy = policy_with(
        "- duty: acceptance_notice\n  form: deadline\n  length: 5\n"
        "  variants: [{when: [complex], length: 20}, {when: [several_fields], length: 7},"
        " {when: [complex, several_fields], length: 30}]"
    )
    marked = PetitionMarkedComplex(
        effective_on=day("2019-08-07"), decided_by="chair", criteria=("x",), variant="several_fields"
    )
    scenario = given(adopted(policy), received(), at_petition("2019-08-07", marked))
    assert scenario.stands(PETITION, "acceptance_notice") == ["office 2019-08-12 open"]


def test_acceptance__not_owed_where_no_document_asks_for_it() -> None:
    assert given(received(), accepted("2019-08-08")).stands(PETITION, "acceptance_notice") == []


def test_acceptance__traits_count_in_the_order_in_which_they_were_found() -> None:
    # Complex, 10 days: Thu 15 Aug; several fields on Fri 9 Aug come in time only then: 16 19-22 23 26-29(20)
    policy = policy_with(
        "- duty: acceptance_notice\n  form: deadline\n  length: 5\n"
        "  variants: [{when: [complex], length: 10}, {when: [complex, several_fields], length: 20}]"
    )
    several = PetitionMarkedComplex(
        effective_on=day("2019-08-09"), decided_by="chair", criteria=("x",), variant="several_fields"
    )
    late_record = complex_on("2019-08-07")._replace(moment="2019-08-12 09:00")
    scenario = given(adopted(policy), received(), at_petition("2019-08-09", several), late_record)
    assert scenario.stands(PETITION, "acceptance_notice") == ["office 2019-08-29 open"]


def informed(on: str, agency: str = AGENCY) -> Record:
    return at_petition(on, ForwarderInformed(effective_on=day(on), agency=agency))


FORWARDED: dict[str, tuple[list[Record], list[str], list[str]]] = {
    "forwarded": ([forwarded("2019-08-05")], [], []),
    "settled": ([forwarded("2019-08-05"), result("2019-08-12")], [f"{AGENCY} 2019-08-22 open"], []),
    "in progress": ([forwarded("2019-08-05"), result("2019-08-12", "in_progress")], [], []),
    "settled by another": ([forwarded("2019-08-05"), result("2019-08-12", agency=OTHER)], [], []),
    "informed before it was settled": (
        [forwarded("2019-08-05"), informed("2019-08-06"), result("2019-08-12")],
        [f"{AGENCY} 2019-08-22 open"],
        ["office 2019-08-11 open"],
    ),
    "informed": (
        [forwarded("2019-08-05"), result("2019-08-12"), informed("2019-08-22")],
        [f"{AGENCY} 2019-08-22 met"],
        ["office 2019-08-27 open"],
    ),
    "informed by another": (
        [forwarded("2019-08-05"), result("2019-08-12"), informed("2019-08-22", OTHER)],
        [f"{AGENCY} 2019-08-22 open"],
        ["office 2019-08-27 open"],
    ),
    "settled and informed by the successor": (
        [
            forwarded("2019-08-05"),
            closed("2019-08-10"),
            result("2019-08-12", agency=SUCCESSOR),
            informed("2019-08-22", SUCCESSOR),
        ],
        [f"{SUCCESSOR} 2019-08-22 met"],
        ["office 2019-08-27 open"],
    ),
    "replied": (
        [forwarded("2019-08-05"), result("2019-08-12"), informed("2019-08-20"), reply("2019-08-25")],
        [f"{AGENCY} 2019-08-22 met"],
        ["office 2019-08-25 met"],
    ),
    "replied before": (
        [forwarded("2019-08-05"), result("2019-08-12"), reply("2019-08-19"), informed("2019-08-20")],
        [f"{AGENCY} 2019-08-22 met"],
        ["office 2019-08-25 open"],
    ),
    "replied twice, the earlier recorded later": (
        [
            forwarded("2019-08-05"),
            result("2019-08-12"),
            informed("2019-08-20"),
            reply("2019-08-26"),
            reply("2019-08-20", "2")._replace(moment="2019-08-27 09:00"),
        ],
        [f"{AGENCY} 2019-08-22 met"],
        ["office 2019-08-25 met"],
    ),
    "withdrawn": (
        [
            forwarded("2019-08-05"),
            result("2019-08-12"),
            informed("2019-08-20"),
            at_petition("2019-08-22", PetitionWithdrawn(effective_on=day("2019-08-22"))),
        ],
        [f"{AGENCY} 2019-08-22 met"],
        ["office 2019-08-25 waived"],
    ),
}


@pytest.mark.parametrize("case", FORWARDED)
def test_forwarded__the_settlement_is_told_back_and_then_to_the_petitioner(case: str) -> None:
    records, reports, notices = FORWARDED[case]
    rows = given(NOTICES, received(), *records).history.engine.raised_of(PETITION)

    def stands(duty: str) -> list[str]:
        return [f"{r.debtor} {r.due_on} {r.outcome or 'open'}" for r in rows if r.duty == duty]

    assert stands("forwarder_report") == reports
    assert all(r.part == str(r.starting_event) for r in rows if r.duty in ("forwarder_report", "result_notice"))
    assert stands("result_notice") == notices


def test_result_notice__counted_from_the_settlement() -> None:
    policy = policy_with(
        "- {duty: result_notice, form: deadline, length: 5, unit: calendar_days, counted_from: settlement}"
    )
    scenario = given(adopted(policy), received(), forwarded("2019-08-05"), result("2019-08-12"), informed("2019-08-20"))
    rows = [r for r in scenario.history.engine.raised_of(PETITION) if r.duty == "result_notice"]
    assert [(r.due_on, r.part) for r in rows] == [(day("2019-08-17"), str(rows[0].starting_event))]


def test_online_receipt__has_the_limit_for_it() -> None:
    rules = "- {duty: acceptance_notice, form: deadline, length: 5, variants: [{when: [online], length: 3}]}"
    online = PetitionReceived(effective_on=day("2019-08-01"), jurisdiction=DISTRICT, channel="online")
    scenario = given(adopted(policy_with(rules)), Record("2019-08-01 09:00", PETITION, online))
    assert scenario.stands(PETITION, "acceptance_notice") == ["office 2019-08-06 open"]
    assert given(adopted(policy_with(rules)), received()).stands(PETITION, "acceptance_notice") == [
        "office 2019-08-08 open"
    ]


def test_second_conference__raised_there_too__changes_no_report() -> None:
    scenario = given(*HELD, assigned("2019-08-28"), SECOND_PLANNED._replace(moment="2019-08-28 11:00"))
    scenario.when(*held(PETITION, on="2019-08-30", conference=SECOND)).then("result_report", of=PETITION)


def test_reply__an_earlier_conference_is_recorded_late__the_deadline_moves_and_stands() -> None:
    late = [planned("2019-08-16", conference=SECOND), *held(PETITION, on="2019-08-16", conference=SECOND)]
    recorded = [record._replace(moment=f"2019-08-28 08:{minute:02}") for minute, record in enumerate(late)]
    scenario = given(*HELD).when(*recorded)
    scenario.then("reply", "DeadlineMoved 2019-09-09")
    (raised,) = [r for r in scenario.history.engine.raised_of(PETITION) if r.duty == "reply"]
    closed = scenario.history.facts[-1]
    assert (raised.starting_event, raised.clock_reason) == (closed.event_id, "backdated_record")
    assert raised.explanation is not None and raised.explanation.counted_from == day("2019-08-16")
    annulled = RecordAnnulled(effective_on=day("2019-08-29"), event_id=closed.event_id, reason="x")
    scenario.history.record(SECOND, annulled, "2019-08-29 08:00", "conference")
    assert scenario.history.due(PETITION, "reply") == day("2019-09-16")
    assert not [e for e in scenario.history.told(PETITION, "reply") if "Waived" in e]
