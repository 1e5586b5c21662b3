"""What a conference makes people owe: before it, after it, around a proposal, and for as long as something is posted.

The plan's conference of Fri 23 Aug 2019: 22(1) is the last working day before it; 26-30 Aug are five days after it.
"""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from shared.events import Event
from shared.events.conference import (
    ComplexityDetermined,
    ConclusionNoticeIssued,
    ConferenceCancelled,
    ConferenceProposalDecided,
    ConferenceProposed,
    ConferenceRescheduled,
    DialogueRequested,
    InternalReviewHeld,
    InvitationsSent,
    PreparationReported,
    PreparationTaskAssigned,
    PreparationTaskDone,
    PublicationEnded,
    PublicationStarted,
    PublicNoticePublished,
    RequestAnswered,
)
from tests.support.history import DISTRICT, day
from tests.support.scenario import CONFERENCE, Record, adopted, given, held, planned, policy_with


def at_conference(on: str, event: Event, time: str = "09:00", conference: UUID = CONFERENCE) -> Record:
    return Record(f"{on} {time}", conference, event)


def notice(on: str, channel: str, for_date: str = "2019-08-23") -> Record:
    words: dict[str, Any] = {"channel": channel, "for_date": day(for_date), "evidence": "x"}
    return at_conference(on, PublicNoticePublished(effective_on=day(on), **words))


def published(on: str, channel: str, what: str = "result") -> Record:
    words: dict[str, Any] = {"channel": channel, "what": what, "evidence": "x"}
    return at_conference(on, PublicationStarted(effective_on=day(on), **words))


def taken_down(on: str, channel: str = "posting", what: str = "result") -> Record:
    words: dict[str, Any] = {"channel": channel, "what": what}
    return at_conference(on, PublicationEnded(effective_on=day(on), **words))


def rescheduled(on: str, to: str) -> Record:
    return at_conference(on, ConferenceRescheduled(effective_on=day(on), first_day=day(to), last_day=day(to)))


def task(on: str, name: str = "t1") -> Record:
    event = PreparationTaskAssigned(effective_on=day(on), task=name, kind="facilities", agency="H35.10.6")
    return at_conference(on, event)


def task_done(on: str, name: str = "t1") -> Record:
    return at_conference(on, PreparationTaskDone(effective_on=day(on), task=name))


CANCELLED = at_conference("2019-08-15", ConferenceCancelled(effective_on=day("2019-08-15")))


# --- before it --------------------------------------------------------------------------------------------------------


def test_planned__what_must_precede_it() -> None:
    scenario = given(planned(), task("2019-08-01"))
    assert scenario.stands(CONFERENCE, "invitation") == ["office 2019-08-14 open"]
    assert scenario.stands(CONFERENCE, "public_notice") == [
        "media office 2019-08-22 open",
        "portal office 2019-08-22 open",
    ]
    assert scenario.stands(CONFERENCE, "preparation_report") == ["office 2019-08-22 open"]
    assert scenario.stands(CONFERENCE, "preparation_task") == ["t1 H35.10.6 2019-08-22 open"]


def test_station__owes_the_notice_in_its_own_channel() -> None:
    plan = planned()
    plan = plan._replace(event=msgspec.structs.replace(plan.event, station="H35.10.7"))
    found = given(plan).stands(CONFERENCE, "public_notice")
    assert found == ["media H35.10.7 2019-08-22 open", "portal office 2019-08-22 open"]


def test_notice__each_channel_is_met_for_itself() -> None:
    scenario = given(planned(), notice("2019-08-20", "portal"), notice("2019-08-21", "posting"))
    assert scenario.stands(CONFERENCE, "public_notice") == [
        "media office 2019-08-22 open",
        "portal office 2019-08-22 met",
    ]


def test_invitation__by_the_earliest_that_names_the_day() -> None:
    def invited(on: str, for_date: str) -> Record:
        return at_conference(on, InvitationsSent(effective_on=day(on), for_date=day(for_date)))

    scenario = given(planned(), invited("2019-08-10", "2019-08-22"))
    assert scenario.stands(CONFERENCE, "invitation") == ["office 2019-08-14 open"]
    late_record = invited("2019-08-14", "2019-08-23")._replace(moment="2019-08-20 09:00")
    scenario.when(invited("2019-08-15", "2019-08-23"), late_record)
    assert scenario.stands(CONFERENCE, "invitation") == ["office 2019-08-14 met"]


def test_report_and_task__are_met_by_their_own_records() -> None:
    scenario = given(planned(), task("2019-08-01"), task("2019-08-02", "t2"))
    reported = at_conference("2019-08-20", PreparationReported(effective_on=day("2019-08-20")))
    scenario.when(task_done("2019-08-20", "t2"), reported)
    scenario.then("preparation_task", "DeadlineMet 2019-08-22").then("preparation_report", "DeadlineMet 2019-08-22")
    assert scenario.stands(CONFERENCE, "preparation_task") == [
        "t1 H35.10.6 2019-08-22 open",
        "t2 H35.10.6 2019-08-22 met",
    ]


def test_cancelled__waives_what_is_open_and_leaves_what_is_done() -> None:
    scenario = given(planned(), notice("2019-08-10", "media"), CANCELLED)
    assert scenario.stands(CONFERENCE, "public_notice") == [
        "media office 2019-08-22 met",
        "portal office 2019-08-22 waived",
    ]
    (invitation,) = [r for r in scenario.history.engine.raised_of(CONFERENCE) if r.duty == "invitation"]
    assert (invitation.outcome, invitation.ground, invitation.breached) == ("waived", "cancelled", True)


# --- rescheduled (rule 3) ---------------------------------------------------------------------------------------------

# Invitations: Fri 23 Aug is due on Wed 14; Fri 30 Aug on Wed 21; Fri 6 Sep: 5 4 3(3) [2 1 31] 30 29 28 Tue 27(7).
RESCHEDULED: dict[str, tuple[list[Record], list[str]]] = {
    "on the due date": ([rescheduled("2019-08-14", "2019-08-30")], ["office 2019-08-21 open"]),
    "a day after the due date": (
        [rescheduled("2019-08-15", "2019-08-30")],
        ["office 2019-08-14 waived", "office 2019-08-21 open"],
    ),
    "twice in time": (
        [rescheduled("2019-08-12", "2019-08-30"), rescheduled("2019-08-21", "2019-09-06")],
        ["office 2019-08-27 open"],
    ),
    "twice, the second too late": (
        [rescheduled("2019-08-12", "2019-08-30"), rescheduled("2019-08-22", "2019-09-06")],
        ["office 2019-08-21 waived", "office 2019-08-27 open"],
    ),
    "twice too late": (
        [rescheduled("2019-08-15", "2019-08-30"), rescheduled("2019-08-22", "2019-09-06")],
        ["office 2019-08-14 waived", "office 2019-08-21 waived", "office 2019-08-27 open"],
    ),
    "in time, recorded in the other order": (
        [
            rescheduled("2019-08-21", "2019-09-06")._replace(moment="2019-08-22 09:00"),
            rescheduled("2019-08-12", "2019-08-30")._replace(moment="2019-08-22 10:00"),
        ],
        # what the second had started by itself is taken back
        ["office 2019-08-27 open", "office 2019-08-27 waived"],
    ),
    "moved forward": ([rescheduled("2019-08-06", "2019-08-20")], ["office 2019-08-09 open"]),
}


@pytest.mark.parametrize("case", RESCHEDULED)
def test_rescheduled__moves_what_is_not_yet_overdue_and_opens_the_rest_again(case: str) -> None:
    records, stands = RESCHEDULED[case]
    assert given(planned(), *records).stands(CONFERENCE, "invitation") == stands


def test_rescheduled_too_late__the_new_deadline_starts_with_the_rescheduling() -> None:
    scenario = given(planned(), rescheduled("2019-08-15", "2019-08-30"))
    old, new = sorted(
        (r for r in scenario.history.engine.raised_of(CONFERENCE) if r.duty == "invitation"),
        key=lambda r: r.due_on or 0,
    )
    assert (old.ground, old.breached) == ("rescheduled", True)
    assert new.starting_event == scenario.history.facts[-1].event_id


def test_task_given_after_a_rescheduling__counts_from_the_day_that_stood_then() -> None:
    # The rescheduling of 23 Aug is after the due date of the day before, but before the task was given.
    scenario = given(planned(), rescheduled("2019-08-23", "2019-08-30"), task("2019-08-26"))
    assert scenario.stands(CONFERENCE, "preparation_task") == ["t1 H35.10.6 2019-08-29 open"]


def test_undated_notice__is_owed_until_the_conference_itself() -> None:
    policy = policy_with("- {duty: invitation, form: undated}")
    scenario = given(adopted(policy), planned(), rescheduled("2019-08-23", "2019-08-30"))
    assert scenario.stands(CONFERENCE, "invitation") == ["office None open"]
    scenario.when(rescheduled("2019-08-31", "2019-09-06"))
    assert scenario.stands(CONFERENCE, "invitation") == ["office None open", "office None waived"]


# --- after it ---------------------------------------------------------------------------------------------------------


def concluded(on: str) -> Record:
    return at_conference(on, ConclusionNoticeIssued(effective_on=day(on), number="1/TB", signatory="CT", digest="00"))


def test_closed__review_and_conclusion_within_five_days() -> None:
    scenario = given(planned(), *held())
    assert scenario.stands(CONFERENCE, "internal_review") == ["chair 2019-08-30 open"]
    assert scenario.stands(CONFERENCE, "conclusion_notice") == ["chair 2019-08-30 open"]
    assert scenario.stands(CONFERENCE, "result_publication") == []
    reviewed = at_conference("2019-08-28", InternalReviewHeld(effective_on=day("2019-08-28")))
    scenario.when(reviewed).then("internal_review", "DeadlineMet 2019-08-30").then("conclusion_notice")
    scenario.when(concluded("2019-08-30")).then("conclusion_notice", "DeadlineMet 2019-08-30").then("internal_review")


def test_conclusion__the_first_by_effect_counts() -> None:
    scenario = given(planned(), *held())
    scenario.when(concluded("2019-09-02"))
    scenario.then("conclusion_notice", "DeadlineBreached 2019-08-30", "DeadlineMetLate 2019-08-30")
    scenario.when(concluded("2019-08-29")._replace(moment="2019-09-03 09:00"))
    scenario.then("conclusion_notice", "DeadlineBreachRetracted 2019-08-30", "DeadlineMet 2019-08-30")


RESULTS = "- {duty: result_publication, form: deadline, length: 10, unit: calendar_days"
BY_ALL = "channels: {all_of: [{channel: media, evidence: x}, {channel: portal, evidence: x}]}}"
BY_ANY = "channels: {any_of: [{channel: media, evidence: x}, {channel: portal, evidence: x}]}}"


def test_results__each_channel_for_itself__the_station_its_own() -> None:
    plan = planned()
    plan = plan._replace(event=msgspec.structs.replace(plan.event, station="H35.10.7"))
    scenario = given(adopted(policy_with(f"{RESULTS}, {BY_ALL}")), plan, *held())
    assert scenario.stands(CONFERENCE, "result_publication") == [
        "media H35.10.7 2019-09-02 open",
        "portal office 2019-09-02 open",
    ]
    scenario.when(published("2019-08-29", "portal", "conclusion"), published("2019-08-29", "posting"))
    assert "portal office 2019-09-02 open" in scenario.stands(CONFERENCE, "result_publication")
    scenario.when(published("2019-08-30", "portal"))
    assert "portal office 2019-09-02 met" in scenario.stands(CONFERENCE, "result_publication")


def test_results__through_any_channel__or_the_usual_ones() -> None:
    by_any = given(adopted(policy_with(f"{RESULTS}, {BY_ANY}")), planned(), *held())
    assert by_any.stands(CONFERENCE, "result_publication") == ["office 2019-09-02 open"]
    by_any.when(published("2019-08-30", "portal"))
    assert by_any.stands(CONFERENCE, "result_publication") == ["office 2019-09-02 met"]
    usual = given(adopted(policy_with(RESULTS + "}")), planned(), *held())
    assert usual.stands(CONFERENCE, "result_publication") == [
        "media office 2019-09-02 open",
        "portal office 2019-09-02 open",
    ]


@pytest.mark.parametrize(
    ("anchor", "before", "due"),
    [
        ("conclusion", [concluded("2019-08-28")], "2019-09-07"),
        # the last one taken down counts: Sun 1 Sep + 10
        (
            "publication_end",
            [
                published("2019-08-26", "posting", "conclusion"),
                taken_down("2019-09-01", "posting", "conclusion"),
                taken_down("2019-08-30", "posting", "conclusion")._replace(moment="2019-09-02 09:00"),
            ],
            "2019-09-11",
        ),
    ],
)
def test_results__counted_from_something_else__wait_for_it(anchor: str, before: list[Record], due: str) -> None:
    policy = policy_with(f"{RESULTS}, counted_from: {anchor}, {BY_ANY}")
    scenario = given(adopted(policy), planned(), *held())
    assert scenario.stands(CONFERENCE, "result_publication") == []
    scenario.when(*before)
    assert scenario.stands(CONFERENCE, "result_publication") == [f"office {due} open"]


@pytest.mark.parametrize(
    ("fixed", "due"),
    [
        ("08-23", "2019-08-26"),  # the day itself
        ("12-31", "2020-01-03"),
        ("03-15", "2020-03-18"),  # passed already: next year's
        ("2019-10-01", "2019-10-04"),
        ("2019-03-15", "2019-03-18"),
    ],
)
def test_conclusion__counted_from_a_fixed_date(fixed: str, due: str) -> None:
    policy = policy_with(
        "- {duty: conclusion_notice, form: deadline, length: 3, unit: calendar_days, "
        f"counted_from: fixed_date, fixed_date: '{fixed}'}}"
    )
    scenario = given(adopted(policy), planned(), *held())
    assert scenario.stands(CONFERENCE, "conclusion_notice") == [f"chair {due} open"]


def test_complexity__of_the_conference__counts_where_the_rule_has_such_a_limit() -> None:
    rule = "- {duty: conclusion_notice, form: deadline, length: 5, variants: [{when: [complex], length: 10}]}"
    words: dict[str, Any] = {"variant": "complex", "decided_by": "chair", "criteria": ("x",)}
    marked = at_conference("2019-08-28", ComplexityDetermined(effective_on=day("2019-08-28"), **words))
    # 10 days: 30(5) [31 1 2] 3-6(9) Mon 9 Sep(10)
    scenario = given(adopted(policy_with(rule)), planned(), *held(), marked)
    assert scenario.stands(CONFERENCE, "conclusion_notice") == ["chair 2019-09-09 open"]
    assert scenario.stands(CONFERENCE, "internal_review") == ["chair 2019-08-30 open"]
    late = marked._replace(
        moment="2019-09-02 09:00", event=msgspec.structs.replace(marked.event, effective_on=day("2019-09-02"))
    )
    late_one = given(adopted(policy_with(rule)), planned(), *held(), late)
    assert late_one.stands(CONFERENCE, "conclusion_notice") == ["chair 2019-08-30 open"]


# --- around a proposal ------------------------------------------------------------------------------------------------

PROPOSED = at_conference(
    "2019-07-01", ConferenceProposed(effective_on=day("2019-07-01"), jurisdiction=DISTRICT, proposer="H35.10.9")
)
REQUESTED = at_conference(
    "2019-07-01", DialogueRequested(effective_on=day("2019-07-01"), jurisdiction=DISTRICT, requester="Huyện đoàn")
)
ACCEPTED = at_conference("2019-07-03", ConferenceProposalDecided(effective_on=day("2019-07-03"), accepted=True))
DECLINED = at_conference("2019-07-03", ConferenceProposalDecided(effective_on=day("2019-07-03"), accepted=False))
GRANTED = at_conference("2019-07-03", RequestAnswered(effective_on=day("2019-07-03"), accepted=True))
REFUSED = at_conference("2019-07-03", RequestAnswered(effective_on=day("2019-07-03"), accepted=False))
# Mon 1 Jul 2019 + 45 = Thu 15 Aug
BY_REQUEST = policy_with("- {duty: convene, form: deadline, length: 45, unit: calendar_days, counted_from: request}")
# Wed 3 Jul + 10 = Sat 13 Jul
BY_DECISION = policy_with("- {duty: convene, form: deadline, length: 10, unit: calendar_days}")
LATER_PLAN = planned(on="2019-07-04")

PROPOSALS: dict[str, tuple[list[Record], list[str], list[str]]] = {
    "proposed": ([PROPOSED], ["chair None open"], []),
    "accepted": ([PROPOSED, ACCEPTED], ["chair None met"], ["chair None open"]),
    "declined": ([PROPOSED, DECLINED], ["chair None met"], []),
    "accepted and held": (
        [PROPOSED, ACCEPTED, LATER_PLAN, *held()],
        ["chair None met"],
        ["chair None met"],
    ),
    "accepted and cancelled": (
        [PROPOSED, ACCEPTED, LATER_PLAN, CANCELLED],
        ["chair None met"],
        ["chair None waived"],
    ),
    "cancelled before it was decided": ([PROPOSED, LATER_PLAN, CANCELLED], ["chair None waived"], []),
    "accepted, under a rule with a number": (
        [adopted(BY_DECISION), PROPOSED, ACCEPTED],
        ["chair None met"],
        ["chair 2019-07-13 open"],
    ),
    "requested": ([adopted(BY_REQUEST), REQUESTED], ["chair None open"], ["chair 2019-08-15 open"]),
    "requested and refused": (
        [adopted(BY_REQUEST), REQUESTED, REFUSED],
        ["chair None met"],
        ["chair 2019-08-15 waived"],
    ),
    "requested and granted": (
        [adopted(BY_REQUEST), REQUESTED, GRANTED],
        ["chair None met"],
        ["chair 2019-08-15 open"],
    ),
    "requested, granted and held": (
        [adopted(BY_REQUEST), REQUESTED, GRANTED, planned("2019-08-15", "2019-07-04"), *held(on="2019-08-15")],
        ["chair None met"],
        ["chair 2019-08-15 met"],
    ),
    # a proposal is no request: it is counted from the decision
    "proposed, under a rule that counts from the request": (
        [adopted(BY_REQUEST), PROPOSED, ACCEPTED],
        ["chair None met"],
        ["chair 2019-08-17 open"],
    ),
    # a request is counted from the decision where no law says otherwise
    "requested, under the plan": ([REQUESTED, GRANTED], ["chair None met"], ["chair None open"]),
}


@pytest.mark.parametrize("case", PROPOSALS)
def test_proposal__is_decided_and_what_was_accepted_is_held(case: str) -> None:
    records, decided, convened = PROPOSALS[case]
    scenario = given(*records)
    assert scenario.stands(CONFERENCE, "proposal_decision") == decided
    assert scenario.stands(CONFERENCE, "convene") == convened


def test_decision__counted_from_a_request__is_not_owed_on_a_proposal() -> None:
    # Mon 1 Jul + 5 = Sat 6 Jul
    policy = policy_with(
        "- {duty: proposal_decision, form: deadline, length: 5, unit: calendar_days, counted_from: request}"
    )
    assert given(adopted(policy), PROPOSED).stands(CONFERENCE, "proposal_decision") == []
    assert given(adopted(policy), REQUESTED).stands(CONFERENCE, "proposal_decision") == ["chair 2019-07-06 open"]


def test_request_for_an_audience__is_under_its_rules_before_it_is_planned() -> None:
    youth = msgspec.structs.replace(BY_REQUEST, audience="youth")
    for_youth = REQUESTED._replace(event=msgspec.structs.replace(REQUESTED.event, audience="youth"))
    assert given(adopted(youth), for_youth).stands(CONFERENCE, "convene") == ["chair 2019-08-15 open"]
    assert given(adopted(youth), REQUESTED).stands(CONFERENCE, "convene") == []


# --- what must stay posted --------------------------------------------------------------------------------------------

POSTING = "- {duty: posting, form: minimum_duration, length: 5, unit: calendar_days, first_day: included"
FIVE_DAYS = adopted(policy_with(POSTING + "}"))
# Posted on Mon 26 Aug 2019: to the end of Fri 30.
POSTINGS: dict[str, tuple[list[Record], list[str]]] = {
    "posted": ([published("2019-08-26", "posting")], ["result:posting office None open"]),
    "in another channel": ([published("2019-08-26", "portal")], []),
    "taken down after its time": (
        [published("2019-08-26", "posting"), taken_down("2019-08-30")],
        ["result:posting office None met"],
    ),
    "taken down too early": (
        [published("2019-08-26", "posting"), taken_down("2019-08-29")],
        ["result:posting office 2019-08-29 open"],
    ),
    "something else taken down": (
        [
            published("2019-08-26", "posting"),
            taken_down("2019-08-28", what="conclusion"),
            taken_down("2019-08-28", "portal"),
        ],
        ["result:posting office None open"],
    ),
    "taken down on the day on which it was posted, recorded before": (
        [taken_down("2019-08-26"), published("2019-08-26", "posting")],
        ["result:posting office None open"],
    ),
    "posted again": (
        [published("2019-08-26", "posting"), taken_down("2019-08-28"), published("2019-08-29", "posting")],
        ["result:posting office 2019-08-28 waived", "result:posting office None open"],
    ),
    "posted again, and taken down then": (
        [published("2019-08-26", "posting"), published("2019-08-29", "posting"), taken_down("2019-08-30")],
        ["result:posting office 2019-08-30 open", "result:posting office None waived"],
    ),
    "taken down twice": (
        [published("2019-08-26", "posting"), taken_down("2019-08-28"), taken_down("2019-08-29")],
        ["result:posting office 2019-08-28 open"],
    ),
    "another thing posted": (
        [published("2019-08-26", "posting"), published("2019-08-27", "posting", "conclusion")],
        ["conclusion:posting office None open", "result:posting office None open"],
    ),
}


@pytest.mark.parametrize("case", POSTINGS)
def test_posting__must_stay_for_its_time(case: str) -> None:
    records, stands = POSTINGS[case]
    assert given(FIVE_DAYS, planned(), *held(), *records).stands(CONFERENCE, "posting") == stands


def test_posting__in_the_channels_that_the_rule_names__and_nowhere_under_the_plan() -> None:
    venue = adopted(policy_with(POSTING + ", channels: {all_of: [{channel: venue, evidence: x}]}}"))
    records = (planned(), *held(), published("2019-08-26", "posting"), published("2019-08-26", "venue"))
    assert given(venue, *records).stands(CONFERENCE, "posting") == ["result:venue office None open"]
    assert given(*records).stands(CONFERENCE, "posting") == []
