"""Rows of the read side: in which state a case stands, whose it is, who owed the reply and for how long."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.followup.domain.deadlines.case_rows import CaseRow, Span
from shared.events import Event
from shared.events.conference import ConferenceCancelled, ConferenceProposed, ConferenceRescheduled
from shared.events.petition import (
    AgencyResultReported,
    HigherAuthorityAnswered,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClassified,
    PetitionClosed,
    PetitionEscalated,
    PetitionMerged,
    PetitionReassigned,
    PetitionRedirected,
    PetitionReopened,
    PetitionScheduled,
    PetitionWithdrawn,
    RefusalNoticeSent,
    WrittenReplyIssued,
)
from shared.events.regulation import AgencyClosed, DialoguePlanAdopted, JurisdictionClosed, JurisdictionRegistered
from shared.identifiers import derived_id
from tests.support.history import DISTRICT, at, day
from tests.support.scenario import (
    CONFERENCE,
    HELD,
    PETITION,
    Happening,
    Record,
    adopted,
    given,
    held,
    planned,
    policy_with,
    received,
)

SURVIVOR, SECOND = derived_id("petition", "b"), derived_id("conference", "c2")
AGENCY, OTHER, SUCCESSOR = "H35.10.3", "H35.10.4", "H35.10.8"
OPENED, SCHEDULED, RAISED, CLOSED = held(PETITION)


def row(*happenings: Happening, of: UUID = PETITION) -> CaseRow:
    found = given(*happenings).history.engine.case_row(of)
    assert found is not None
    return found


def at_petition(on: str, kind: type[Event], **words: Any) -> Record:
    return Record(f"{on} 10:00", PETITION, kind(effective_on=day(on), **words))  # type: ignore[call-arg]


def assigned(on: str, agency: str = AGENCY) -> Record:
    return at_petition(on, PetitionAssigned, agency=agency)


def reply(on: str, *answers: str) -> Record:
    return at_petition(on, WrittenReplyIssued, number="1/UBND", signatory="CT", digest="00", answers=answers)


def result(on: str) -> Record:
    return at_petition(on, AgencyResultReported, agency=AGENCY, result="resolved")


ESCALATED = at_petition("2019-09-02", PetitionEscalated, authority="H35")
CANCELLED = Record("2019-09-02 09:00", CONFERENCE, ConferenceCancelled(effective_on=day("2019-09-02")))

STATES: dict[str, tuple[list[Happening], str, bool]] = {
    "received": ([received()], "no_clock", True),
    "raised, the conference still open": ([planned(), received(), OPENED, SCHEDULED, RAISED], "raised", True),
    "raised, the conference cancelled": ([*HELD, CANCELLED], "raised", True),
    "raised, the conference cancelled before it was closed": (
        [planned(), received(), OPENED, SCHEDULED, RAISED, CANCELLED],
        "no_clock",
        True,
    ),
    "left open at a conference": ([*HELD], "raised", True),
    "with a clock, of no conference": (
        [adopted(policy_with("- {duty: reply, form: deadline, length: 5, counted_from: receipt}")), received()],
        "raised",
        True,
    ),
    "assigned": ([*HELD, assigned("2019-08-30")], "assigned", True),
    "escalated": ([*HELD, assigned("2019-08-30"), ESCALATED], "escalated", True),
    "escalated and answered": (
        [*HELD, assigned("2019-08-30"), ESCALATED, at_petition("2019-09-05", HigherAuthorityAnswered, authority="H35")],
        "assigned",
        True,
    ),
    "replied": ([*HELD, reply("2019-09-05")], "resolved", False),
    "replied, the result not yet reported": ([*HELD, assigned("2019-08-30"), reply("2019-09-05")], "replied", True),
    "replied, the result reported": (
        [*HELD, assigned("2019-08-30"), reply("2019-09-05"), result("2019-09-06")],
        "resolved",
        False,
    ),
    "replied without a clock": ([received(), reply("2019-09-05")], "resolved", False),
    "one of two answered": (
        [planned(), received(petitioners=("p1", "p2")), *held(PETITION), reply("2019-09-05", "p1")],
        "raised",
        True,
    ),
    "replied and reopened": (
        [*HELD, reply("2019-09-05"), at_petition("2019-09-18", PetitionReopened)],
        "raised",
        True,
    ),
    "withdrawn": ([*HELD, at_petition("2019-09-02", PetitionWithdrawn)], "withdrawn", False),
    "withdrawn after the reply": (
        [*HELD, reply("2019-09-02"), at_petition("2019-09-05", PetitionWithdrawn)],
        "withdrawn",
        False,
    ),
    "redirected": (
        [*HELD, at_petition("2019-09-02", PetitionRedirected, procedure="other", body="H35.4")],
        "redirected",
        False,
    ),
    "merged": ([*HELD, at_petition("2019-09-02", PetitionMerged, into=SURVIVOR)], "merged", False),
    "closed": ([*HELD, at_petition("2019-09-02", PetitionClosed, ground="x")], "closed", False),
    "refused": ([received(), at_petition("2019-08-05", RefusalNoticeSent, number="1")], "refused", False),
    "answered": (
        [*HELD, at_petition("2019-09-02", PetitionAnsweredAtConference, conference_id=SECOND)],
        "answered",
        False,
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_state__of_a_petition(case: str) -> None:
    happenings, state, unresolved = STATES[case]
    found = row(*happenings)
    assert (found.state, found.unresolved) == (state, unresolved)


def test_petition__shows_its_title_dates_and_place() -> None:
    titled = at_petition("2019-08-02", PetitionClassified, subject="Đường", field="giao thông", urgency="urgent")
    found = row(planned(), received(), titled, *held(PETITION), assigned("2019-08-30"))
    assert (found.subject, found.subject_id, found.jurisdiction) == ("petition", PETITION, DISTRICT)
    assert (found.title, found.field, found.urgency) == ("Đường", "giao thông", "urgent")
    assert (found.received_on, found.due_on, found.breached_at) == (
        day("2019-08-01"),
        day("2019-09-16"),
        at("2019-09-17 00:00"),
    )
    assert (found.agency, found.conference_id, found.merged_into) == (AGENCY, CONFERENCE, None)
    plain = row(received())
    assert (plain.title, plain.agency, plain.conference_id, plain.due_on) == ("", "unassigned", None, None)


def test_petition__shows_where_it_comes_from_and_its_last_record() -> None:
    scenario = given(planned())
    history = scenario.history
    event = msgspec.structs.replace(received().event, receipt_code="K7M2Q9X4TD")
    fact = history.record(PETITION, event)
    found = history.engine.case_row(PETITION)
    assert found is not None
    assert (found.receipt_code, found.source, found.external_id) == (
        "K7M2Q9X4TD",
        fact.meta.source,
        fact.meta.external_id,
    )
    assert found.last_position == fact.position
    assigned_fact = history.record(PETITION, PetitionAssigned(effective_on=day("2019-08-30"), agency=AGENCY))
    found = history.engine.case_row(PETITION)
    assert found is not None and found.last_position == assigned_fact.position


def test_petition__belongs_to_the_last_conference_where_it_was_raised_else_scheduled() -> None:
    second = planned("2019-08-30", "2019-08-02", conference=SECOND)
    scheduled = at_petition("2019-08-02", PetitionScheduled, conference_id=SECOND)
    base = [planned(), second._replace(moment="2019-08-01 09:30"), received()._replace(moment="2019-08-01 09:40")]
    assert row(*base, scheduled).conference_id == SECOND
    assert row(*base, scheduled, OPENED, SCHEDULED).conference_id == CONFERENCE
    assert (
        row(*base, OPENED, SCHEDULED, RAISED, scheduled._replace(moment="2019-08-24 09:00")).conference_id == CONFERENCE
    )
    assert row(*base, *held(PETITION), *held(PETITION, on="2019-08-30", conference=SECOND)).conference_id == SECOND


def test_petition__shows_the_reply_that_is_open_else_the_last() -> None:
    reopened = at_petition("2019-09-18", PetitionReopened)
    assert row(*HELD, reply("2019-09-05"), reopened).due_on == day("2019-10-09")
    assert row(*HELD, reply("2019-09-05")).due_on == day("2019-09-16")
    again = msgspec.structs.replace(reply("2019-09-20").event, number="2")
    both = row(*HELD, reply("2019-09-05"), reopened, Record("2019-09-20 10:00", PETITION, again))
    assert both.due_on == day("2019-10-09")
    merged = row(*HELD, at_petition("2019-09-02", PetitionMerged, into=SURVIVOR))
    assert merged.merged_into == SURVIVOR


# --- who owed the reply -----------------------------------------------------------------------------------------------


def ended(on: str, code: str = AGENCY, successor: str = SUCCESSOR) -> Record:
    event = AgencyClosed(effective_on=day(on), code=code, successor=successor)
    return Record(f"{on} 08:00", derived_id("agency", code), event)


def reassigned(on: str, agency: str = OTHER) -> Record:
    return at_petition(on, PetitionReassigned, agency=agency)


def span(agency: str, since: str, until: str | None, days: int | None) -> Span:
    return Span(agency, day(since), day(until) if until else None, days)


# Fri 30 Aug to Mon 9 Sep 2019: [31 1 2] 3-6(4) [7 8] 9(5); to Thu 12 Sep: 10 11 12(3)
SPANS: dict[str, tuple[list[Happening], list[Span], str]] = {
    "assigned": ([assigned("2019-08-30")], [span(AGENCY, "2019-08-30", None, None)], AGENCY),
    "reassigned": (
        [assigned("2019-08-30"), reassigned("2019-09-09")],
        [span(AGENCY, "2019-08-30", "2019-09-09", 5), span(OTHER, "2019-09-09", None, None)],
        OTHER,
    ),
    "reassigned on the same day": (
        [assigned("2019-08-30"), reassigned("2019-08-30")._replace(moment="2019-08-30 11:00")],
        [span(AGENCY, "2019-08-30", "2019-08-30", 0), span(OTHER, "2019-08-30", None, None)],
        OTHER,
    ),
    "replied": ([assigned("2019-08-30"), reply("2019-09-09")], [span(AGENCY, "2019-08-30", "2019-09-09", 5)], AGENCY),
    "replied before it was assigned": (
        [assigned("2019-09-09"), reply("2019-09-05")._replace(moment="2019-09-10 09:00")],
        [span(AGENCY, "2019-09-09", "2019-09-05", None)],
        AGENCY,
    ),
    "withdrawn": (
        [assigned("2019-08-30"), at_petition("2019-09-09", PetitionWithdrawn)],
        [span(AGENCY, "2019-08-30", "2019-09-09", 5)],
        AGENCY,
    ),
    "the agency ended": (
        [assigned("2019-08-30"), ended("2019-09-09")],
        [span(AGENCY, "2019-08-30", "2019-09-09", 5), span(SUCCESSOR, "2019-09-09", None, None)],
        SUCCESSOR,
    ),
    "the agency ended on the day of the reply": (
        [assigned("2019-08-30"), ended("2019-09-09"), reply("2019-09-09")],
        [span(AGENCY, "2019-08-30", "2019-09-09", 5), span(SUCCESSOR, "2019-09-09", "2019-09-09", 0)],
        SUCCESSOR,
    ),
    "the agency ended after the reply": (
        [assigned("2019-08-30"), reply("2019-09-09"), ended("2019-09-10")],
        [span(AGENCY, "2019-08-30", "2019-09-09", 5)],
        SUCCESSOR,
    ),
    "the agency ended after the case": (
        [assigned("2019-08-30"), at_petition("2019-09-09", PetitionWithdrawn), ended("2019-09-10")],
        [span(AGENCY, "2019-08-30", "2019-09-09", 5)],
        AGENCY,
    ),
    "two agencies ended one after the other": (
        [assigned("2019-08-30"), ended("2019-09-09"), ended("2019-09-12", SUCCESSOR, OTHER)],
        [
            span(AGENCY, "2019-08-30", "2019-09-09", 5),
            span(SUCCESSOR, "2019-09-09", "2019-09-12", 3),
            span(OTHER, "2019-09-12", None, None),
        ],
        OTHER,
    ),
    "the agency ended without a successor": (
        [assigned("2019-08-30"), ended("2019-09-09", successor="")],
        [span(AGENCY, "2019-08-30", None, None)],
        AGENCY,
    ),
}


@pytest.mark.parametrize("case", SPANS)
def test_spans__each_agency_with_its_working_days(case: str) -> None:
    happenings, spans, agency = SPANS[case]
    found = row(*HELD, *happenings)
    assert list(found.spans) == spans
    assert found.agency == agency


def test_span__over_a_year_without_a_calendar__has_no_number() -> None:
    event = PetitionAssigned(effective_on=date(2018, 12, 3), agency=AGENCY)
    found = row(received(), Record("2019-08-02 09:00", PETITION, event), reassigned("2019-08-05"))
    assert [s.working_days for s in found.spans] == [None, None]


# --- places -----------------------------------------------------------------------------------------------------------


def registered(code: str, level: str = "district") -> Record:
    event = JurisdictionRegistered(
        effective_on=day("2019-01-01"),
        code=code,
        name=f"name of {code}",
        level=level,  # type: ignore[arg-type]
        valid_from=day("2004-01-01"),
    )
    return Record("2019-01-01 08:00", derived_id("jurisdiction", code), event)


def abolished(on: str) -> Record:
    event = JurisdictionClosed(effective_on=day(on), code=DISTRICT, successor="H35.31")
    return Record(f"{on} 08:00", derived_id("jurisdiction", DISTRICT), event)


def test_open_case__goes_to_the_successor__an_ended_one_stays_where_it_was_decided() -> None:
    places = (registered(DISTRICT), registered("H35.31", "commune"))
    withdrawn = at_petition("2019-09-02", PetitionWithdrawn)
    assert row(*places, *HELD, abolished("2019-09-05")).jurisdiction == "H35.31"
    assert row(*places, *HELD, withdrawn, abolished("2019-09-05")).jurisdiction == DISTRICT
    assert (
        row(*places, *HELD, withdrawn, abolished("2019-09-02")._replace(moment="2019-09-03 08:00")).jurisdiction
        == "H35.31"
    )


# --- conferences and authorities --------------------------------------------------------------------------------------

PROPOSED = Record(
    "2019-06-01 09:00",
    CONFERENCE,
    ConferenceProposed(effective_on=day("2019-06-01"), jurisdiction=DISTRICT, proposer="x"),
)
CONFERENCES: dict[str, tuple[list[Happening], str]] = {
    "proposed": ([PROPOSED], "proposed"),
    "planned": ([PROPOSED, planned()], "planned"),
    "open": ([planned(), OPENED], "open"),
    "held": ([planned(), OPENED, CLOSED], "held"),
    "cancelled": ([planned(), OPENED, CLOSED, CANCELLED], "cancelled"),
}


@pytest.mark.parametrize("case", CONFERENCES)
def test_state__of_a_conference(case: str) -> None:
    happenings, state = CONFERENCES[case]
    found = row(*happenings, of=CONFERENCE)
    assert (found.state, found.subject, found.subject_id, found.unresolved) == (state, "conference", CONFERENCE, False)
    assert (found.agency, found.jurisdiction, found.last_position) == ("office", DISTRICT, 8 + len(happenings))


def test_conference__shows_its_place_and_first_day_as_it_stands() -> None:
    event = ConferenceRescheduled(
        effective_on=day("2019-08-05"), first_day=day("2019-08-30"), last_day=day("2019-08-30")
    )
    found = row(planned(), Record("2019-08-05 09:00", CONFERENCE, event), of=CONFERENCE)
    assert (found.title, found.received_on) == ("Nhà văn hoá huyện", day("2019-08-30"))
    assert row(PROPOSED, of=CONFERENCE).title == ""


def test_conference__goes_to_the_successor_unless_it_was_held_before() -> None:
    places = (registered(DISTRICT), registered("H35.31", "commune"))
    assert row(*places, planned(), abolished("2019-08-05"), of=CONFERENCE).jurisdiction == "H35.31"
    assert row(*places, planned(), OPENED, CLOSED, abolished("2019-09-05"), of=CONFERENCE).jurisdiction == DISTRICT


def test_authority__shows_its_name_and_whether_it_still_exists() -> None:
    plan = DialoguePlanAdopted(effective_on=day("2019-06-24"), jurisdiction=DISTRICT, number="570", year=2019)
    adopted_plan = Record("2019-06-24 08:00", derived_id("plan"), plan)
    authority = derived_id("jurisdiction", DISTRICT)
    found = row(registered(DISTRICT), adopted_plan, of=authority)
    assert (found.subject, found.state, found.title, found.agency) == (
        "jurisdiction",
        "bound",
        f"name of {DISTRICT}",
        "chair",
    )
    assert (found.jurisdiction, found.subject_id, found.unresolved) == (DISTRICT, authority, False)
    assert row(adopted_plan, of=authority).title == DISTRICT
    assert row(registered(DISTRICT), adopted_plan, abolished("2019-09-05"), of=authority).state == "closed"


def test_unknown_subject__has_no_row() -> None:
    assert given().history.engine.case_row(PETITION) is None
