"""Who may do what where."""

from typing import Any
from uuid import UUID

import pytest

from services.intake.domain import Caller, check_sender, check_source, errors, may, may_read_content, possible
from shared.events import DATED_EVENTS
from tests.unit.intake.plan import COMMUNE, DISTRICT, EDUCATION, HEALTH, NOTICE, OTHER, A, Register


def caller(role: str, jurisdiction: str = DISTRICT, agency: str = "") -> Caller:
    return Caller("c", frozenset({role}), jurisdiction, agency)


REPLY = {"number": "1", "signatory": "x", "digest": "d" * 64}
CASES: list[tuple[Caller, str, dict[str, Any], UUID | None, str]] = [
    (caller("office"), "PetitionWithdrawn", {}, A, ""),
    (caller("office", OTHER), "PetitionWithdrawn", {}, A, "JurisdictionMayNot"),
    (caller("auditor"), "PetitionWithdrawn", {}, A, "RoleMayNot"),
    (caller("system"), "PetitionReceived", {"jurisdiction": COMMUNE}, None, ""),
    (caller("system"), "WrittenReplyIssued", REPLY, A, "RoleMayNot"),
    (caller("operations"), "PetitionWithdrawn", {}, A, "RoleMayNot"),
    (caller("operations", "VN"), "CalendarPublished", {"year": 2030, "holidays": ()}, None, ""),
    (caller("office"), "CalendarPublished", {"year": 2030, "holidays": ()}, None, "JurisdictionMayNot"),
    (caller("agency", agency=EDUCATION), "WrittenReplyIssued", REPLY, A, ""),
    (caller("agency", agency=HEALTH), "WrittenReplyIssued", REPLY, A, "AgencyMayNot"),
    (caller("agency", agency=EDUCATION), "AnswerPrepared", {"agency": HEALTH}, A, "AgencyMayNot"),
    (caller("agency"), "WrittenReplyIssued", REPLY, A, "AgencyMayNot"),
]


@pytest.mark.parametrize(("who", "topic", "fields", "target", "error"), CASES)
def test_who_may(who: Caller, topic: str, fields: dict[str, Any], target: UUID | None, error: str) -> None:
    r = Register().assigned()
    event = DATED_EVENTS[topic](effective_on=NOTICE, **fields)
    petition = r.petition(target) if target else None
    if not error:
        may(who, event, petition, r.regulation)
        return
    with pytest.raises(errors.NotAllowed) as refused:
        may(who, event, petition, r.regulation)
    assert type(refused.value).__name__ == error


@pytest.mark.parametrize(
    ("topic", "fields", "field"),
    [
        ("PetitionReceived", {"jurisdiction": OTHER}, "jurisdiction"),
        ("JurisdictionClosed", {"code": OTHER}, "code"),
        ("CalendarPublished", {"year": 2030, "holidays": ()}, None),
    ],
)
def test_place_that_is_anothers__is_named_by_the_field_that_says_it(
    topic: str, fields: dict[str, Any], field: str | None
) -> None:
    with pytest.raises(errors.JurisdictionMayNot) as refused:
        may(caller("office"), DATED_EVENTS[topic](effective_on=NOTICE, **fields), None, Register().regulation)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("topic", "fields", "field"),
    [
        ("PetitionReceived", {"jurisdiction": "Thị trấn Tam Đường"}, "jurisdiction"),
        ("JurisdictionClosed", {"code": "Tam Đường"}, "code"),
    ],
)
def test_place_that_is_no_code_is_a_mistake_in_the_field_and_lies_outside_nobodys(
    topic: str, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(errors.InvalidCode) as refused:
        may(caller("office"), DATED_EVENTS[topic](effective_on=NOTICE, **fields), None, Register().regulation)
    assert refused.value.field == field


def test_source_is_pushed_as_by_who_holds_it() -> None:
    portal = Caller("portal", frozenset({"system"}), DISTRICT, sources=("paknn",))
    check_source(portal, "paknn")
    check_source(portal, "")
    with pytest.raises(errors.SourceMayNot) as refused:
        check_source(portal, "egov")
    assert (refused.value.field, refused.value.values) == ("source", {"source": "egov", "caller": "portal"})


def test_petition_is_acted_on_by_the_system_that_received_it_or_holds_its_source() -> None:
    portal = Caller("portal", frozenset({"system"}), DISTRICT, sources=("paknn",))
    check_sender(portal, "portal", "egov")
    check_sender(portal, "other", "paknn")
    check_sender(caller("office"), "other", "egov")
    with pytest.raises(errors.SourceMayNot):
        check_sender(portal, "other", "egov")


def test_content_is_for_the_office_and_the_agency_that_has_the_case() -> None:
    petition = Register().assigned().petition(A)
    assert petition is not None
    may_read_content(caller("office"), petition)
    may_read_content(caller("agency", agency=EDUCATION), petition)
    for other in (caller("agency", agency=HEALTH), caller("auditor"), caller("office", OTHER)):
        with pytest.raises(errors.NotAllowed):
            may_read_content(other, petition)


REPORT = {"reply_number": "1/TL", "reports": ({"recipient": "chair", "on": NOTICE},)}
LEAD_ACTS: list[tuple[str, dict[str, Any]]] = [
    ("WrittenReplyIssued", REPLY),
    ("ReplyReported", REPORT),
    ("AgencyResultReported", {"agency": EDUCATION, "result": "resolved"}),
    ("ForwarderInformed", {"agency": EDUCATION}),
    ("EscalationProposed", {"agency": EDUCATION}),
    ("AnswerPrepared", {"agency": EDUCATION}),
]


def reassigned() -> Register:
    """An agency was asked for its answer, gave it, led the case, and leads it no longer."""
    r = Register().receive(A)
    r.do(A, "PetitionForwarded", agency=EDUCATION)
    r.do(A, "AnswerPrepared", agency=EDUCATION, text="Đã sửa.")
    r.do(A, "PetitionAssigned", agency=EDUCATION)
    r.do(A, "PetitionReassigned", agency=HEALTH)
    return r


def is_possible(who: Caller, topic: str, r: Register) -> bool:
    """Whether the permission alone makes a command possible on the petition."""
    petition = r.petition(A)
    try:
        possible(DATED_EVENTS[topic], petition, r.context(), who)
    except errors.NotAllowed:
        return False
    except errors.Refused:
        return True
    return True


@pytest.mark.parametrize(("topic", "fields"), LEAD_ACTS)
def test_agency_that_led_a_petition_before__does_nothing_more_on_it(topic: str, fields: dict[str, Any]) -> None:
    r = reassigned()
    event, who = DATED_EVENTS[topic](effective_on=NOTICE, **fields), caller("agency", agency=EDUCATION)
    with pytest.raises(errors.AgencyMayNot) as refused:
        may(who, event, r.petition(A), r.regulation)
    assert refused.value.sentence == "no-longer"
    assert not is_possible(who, topic, r)
    assert is_possible(caller("agency", agency=HEALTH), topic, r)


def test_agency_that_led_a_petition_before__reads_nothing_sealed_of_it() -> None:
    petition = reassigned().petition(A)
    assert petition is not None
    may_read_content(caller("agency", agency=HEALTH), petition)
    with pytest.raises(errors.NotAllowed):
        may_read_content(caller("agency", agency=EDUCATION), petition)


def test_agency_that_assists__acts_and_reads_as_long_as_it_does() -> None:
    r = Register().receive(A)
    r.do(A, "PetitionAssigned", agency=HEALTH, assisting=(EDUCATION,))
    who, petition = caller("agency", agency=EDUCATION), r.petition(A)
    assert petition is not None
    may_read_content(who, petition)
    may(who, DATED_EVENTS["WrittenReplyIssued"](effective_on=NOTICE, **REPLY), petition, r.regulation)
    r.do(A, "PetitionReassigned", agency=HEALTH)
    with pytest.raises(errors.NotAllowed):
        may_read_content(who, r.petition(A) or petition)


def test_agency_that_still_owes_its_prepared_answer__gives_it_whoever_leads_and_reads_nothing() -> None:
    r = Register().receive(A)
    r.do(A, "PetitionForwarded", agency=EDUCATION)
    who, petition = caller("agency", agency=EDUCATION), r.petition(A)
    assert petition is not None
    may_read_content(who, petition)
    r.do(A, "PetitionAssigned", agency=HEALTH)
    petition = r.petition(A)
    assert petition is not None
    may(who, DATED_EVENTS["AnswerPrepared"](effective_on=NOTICE, agency=EDUCATION), petition, r.regulation)
    assert is_possible(who, "AnswerPrepared", r) and not is_possible(who, "WrittenReplyIssued", r)
    with pytest.raises(errors.NotAllowed):
        may_read_content(who, petition)
