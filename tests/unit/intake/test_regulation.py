"""The register of bodies, calendars, policies and plans: what it takes, and what it refuses by its own error."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.intake.domain import Fact, Regulation, errors, fold_regulation
from services.intake.domain.acts import REGULATION_ACTS
from shared.calendar import DayOff, MakeUpDay
from shared.events import DATED_EVENTS, DatedEvent
from shared.events.any_stream import RecordAnnulled
from shared.events.regulation import FrequencyDutyWaived, PolicyAdopted
from shared.identifiers import NATION, derived_id
from shared.policy import Document, Policy, Rule
from shared.policy.schema import Frequency, Waiver
from tests.unit.intake.plan import CLOSED, DISTRICT, EDUCATION, NOTICE, Register

DOCUMENT = Document(number="1/NQ", issued_on=date(2025, 1, 1))
POLICY = Policy(policy_id="p", document=DOCUMENT, valid_from=date(2025, 1, 1))
RULE = Rule(duty="reply", form="deadline", length=10, counted_from="conference_end", section="1")
COMMUNE = {"code": "H35.10.32", "name": "x", "level": "commune", "parent": DISTRICT, "valid_from": date(2019, 1, 1)}
PLAN = {"jurisdiction": DISTRICT, "number": "570/KH-UBND", "year": 2019}
NEW_YEAR = DayOff(date=date(2030, 1, 1), name="Tết Dương lịch")
SWAP = MakeUpDay(date=date(2030, 1, 5), instead_of=date(2030, 1, 3))
AGENCY = {"code": "H35.10.8", "name": "x", "jurisdiction": DISTRICT, "valid_from": NOTICE}


def policy(**fields: Any) -> dict[str, Any]:
    return {"jurisdiction": DISTRICT, "policy": msgspec.structs.replace(POLICY, **fields)}


def calendar(*days: DayOff, **fields: Any) -> dict[str, Any]:
    return {"year": 2030, "holidays": days or (NEW_YEAR,)} | fields


REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("AlreadyRegistered", "JurisdictionRegistered", COMMUNE | {"code": DISTRICT}),
    ("UnknownJurisdiction", "JurisdictionRegistered", COMMUNE | {"parent": "H99", "code": "H99.1"}),
    ("JurisdictionClosedThen", "JurisdictionRegistered", COMMUNE | {"valid_from": date(1999, 1, 1)}),
    ("InvalidCode", "JurisdictionRegistered", COMMUNE | {"code": "H36.1"}),
    ("InvalidCode", "JurisdictionRegistered", COMMUNE | {"code": NATION, "parent": NATION}),
    ("InvalidCode", "JurisdictionRegistered", COMMUNE | {"code": "H37", "parent": "H37"}),
    ("InvalidCode", "JurisdictionRegistered", COMMUNE | {"code": "H35.11"}),
    ("UnknownJurisdiction", "JurisdictionClosed", {"code": "H99"}),
    ("UnknownJurisdiction", "JurisdictionClosed", {"code": DISTRICT, "successor": "H99"}),
    ("UnknownJurisdiction", "JurisdictionClosed", {"code": DISTRICT, "successor": DISTRICT}),
    ("AlreadyRegistered", "AgencyRegistered", AGENCY | {"code": EDUCATION}),
    ("UnknownJurisdiction", "AgencyRegistered", AGENCY | {"jurisdiction": "H9"}),
    ("InvalidCode", "AgencyRegistered", AGENCY | {"code": "H36.05"}),
    ("InvalidCode", "AgencyRegistered", AGENCY | {"code": "H36"}),
    ("InvalidCode", "AgencyRegistered", AGENCY | {"code": "H35"}),
    ("InvalidCode", "AgencyRegistered", AGENCY | {"code": "H35.10.8", "jurisdiction": "H36"}),
    ("UnknownAgency", "AgencyClosed", {"code": "H35.77"}),
    ("AlreadyClosed", "AgencyClosed", {"code": CLOSED}),
    ("PlanAlreadyAdopted", "DialoguePlanAdopted", PLAN),
    ("UnknownJurisdiction", "DialoguePlanAdopted", PLAN | {"jurisdiction": "H99"}),
    ("UnknownJurisdiction", "PolicyAdopted", policy() | {"jurisdiction": "H99"}),
    ("InvalidPolicy", "PolicyAdopted", policy(policy_id=" ")),
    ("InvalidPolicy", "PolicyAdopted", policy(rules=(msgspec.structs.replace(RULE, duty="nonsense"),))),
    ("InvalidPolicy", "PolicyAdopted", policy(rules=(RULE, RULE))),
    ("InvalidPolicy", "PolicyAdopted", policy(rules=(msgspec.structs.replace(RULE, length=None),))),
    ("InvalidPolicy", "PolicyAdopted", policy(rules=(msgspec.structs.replace(RULE, form="undated"),))),
    ("CalendarAlreadyThere", "CalendarProposed", calendar() | {"year": 2019}),
    ("InvalidCalendar", "CalendarPublished", calendar(NEW_YEAR, NEW_YEAR)),
    ("InvalidCalendar", "CalendarPublished", calendar(DayOff(date=date(2029, 1, 1), name="x"))),
    ("InvalidCalendar", "CalendarPublished", calendar(makeup_days=(SWAP,))),
    ("InvalidCalendar", "CalendarPublished", calendar(year=2101, holidays=(DayOff(date=date(2101, 1, 1), name="x"),))),
]  # fmt: skip


def check_regulation(event: DatedEvent, regulation: Regulation) -> str:
    """The jurisdiction that the event belongs to, as its act says. Raises Refused."""
    return REGULATION_ACTS[type(event)].check(event, regulation)


def event(topic: str, **fields: Any) -> DatedEvent:
    return DATED_EVENTS[topic](effective_on=NOTICE, **fields)


@pytest.mark.parametrize(("error", "topic", "fields"), REFUSED)
def test_what_the_register_refuses(error: str, topic: str, fields: dict[str, Any]) -> None:
    register = Register()
    plan = event("DialoguePlanAdopted", **PLAN)
    recorded = [*register.rules, Fact(plan, derived_id("plan"), 1, 99, register.rules[-1].recorded_at)]
    with pytest.raises(errors.Refused) as refused:
        check_regulation(event(topic, **fields), fold_regulation(recorded))
    assert type(refused.value).__name__ == error, str(refused.value)


TAKEN: list[tuple[str, dict[str, Any], str]] = [
    ("JurisdictionRegistered", COMMUNE, "H35.10.32"),
    ("JurisdictionClosed", {"code": DISTRICT, "successor": "H35"}, DISTRICT),
    ("AgencyRegistered", AGENCY, DISTRICT),
    ("AgencyRegistered", AGENCY | {"code": "H35.10.31.2"}, DISTRICT),
    ("AgencyRegistered", AGENCY | {"code": "H35.1"}, DISTRICT),
    ("AgencyRegistered", AGENCY | {"code": "G09.12"}, DISTRICT),
    ("AgencyRegistered", AGENCY | {"code": DISTRICT}, DISTRICT),
    ("AgencyRegistered", AGENCY | {"code": "H36.05", "jurisdiction": NATION}, NATION),
    ("AgencyClosed", {"code": EDUCATION}, DISTRICT),
    ("DialoguePlanAdopted", PLAN, DISTRICT),
    ("PolicyAdopted", policy(rules=(RULE,)), DISTRICT),
    ("CalendarPublished", calendar(), NATION),
    ("CalendarProposed", calendar(), NATION),
]


@pytest.mark.parametrize(("topic", "fields", "jurisdiction"), TAKEN)
def test_what_the_register_takes(topic: str, fields: dict[str, Any], jurisdiction: str) -> None:
    assert check_regulation(event(topic, **fields), Register().regulation) == jurisdiction


def test_agency__of_a_jurisdiction_that_ended_belongs_to_who_took_over() -> None:
    register = Register().rule(event("JurisdictionClosed", code="H36", successor=DISTRICT))
    registered = event("AgencyRegistered", **AGENCY | {"code": "H36.05"})
    assert check_regulation(registered, register.regulation) == DISTRICT
    elsewhere = event("AgencyRegistered", **AGENCY | {"code": "H36.05", "jurisdiction": "H35.10.31"})
    with pytest.raises(errors.InvalidCode):
        check_regulation(elsewhere, Register().regulation)


# --- a policy that is annulled ---------------------------------------------------------------------------------------

WAIVABLE = Rule(duty="annual_dialogue", form="frequency", frequency=Frequency(waiver=Waiver(substitute="optional")))


def recorded(register: Register, adoption: PolicyAdopted, *later: DatedEvent) -> tuple[list[Any], UUID]:
    """The facts of a register with an adoption and what came after it, and the id of the adoption."""
    facts: list[Any] = list(register.rules)
    for event in (adoption, *later):
        position = len(facts) + 1
        at = datetime(2026, 1, 1, tzinfo=UTC)
        facts.append(Fact(event, derived_id("fact", position), 1, position, at))
    return facts, derived_id("fact", len(register.rules) + 1)


def adopting(*rules: Rule) -> PolicyAdopted:
    return PolicyAdopted(effective_on=NOTICE, **policy(valid_from=date(2019, 1, 1), rules=rules))


def test_policy_annulled__is_in_force_no_more() -> None:
    facts, adoption = recorded(Register(), adopting(RULE))
    regulation = fold_regulation(facts)
    annulment = RecordAnnulled(effective_on=NOTICE, event_id=adoption)
    assert check_regulation(annulment, regulation) == DISTRICT
    after = fold_regulation([*facts, Fact(annulment, derived_id("annulment"), 2, 99, facts[-1].recorded_at)])
    found = [r.rule_in_force(DISTRICT, "reply", NOTICE) for r in (regulation, after)]
    assert [each.policy.policy_id for each in found if each] == ["p", "plan-570"]
    with pytest.raises(errors.AlreadyAnnulled):
        check_regulation(annulment, after)


def test_policy_annulled__is_refused_while_a_waiver_rests_on_it() -> None:
    waiver = FrequencyDutyWaived(
        effective_on=NOTICE, code=DISTRICT, duty="annual_dialogue", period="2019", number="1/QĐ"
    )
    facts, adoption = recorded(Register(), adopting(WAIVABLE), waiver)
    with pytest.raises(errors.LaterFactsRestOnIt) as refused:
        check_regulation(RecordAnnulled(effective_on=NOTICE, event_id=adoption), fold_regulation(facts))
    assert refused.value.values["reason"] == "waiver-not-provided"


def test_record_of_the_register_that_is_no_policy__is_not_annulled() -> None:
    register = Register()
    for fact in register.rules:
        with pytest.raises(errors.UnknownRecord):
            check_regulation(
                RecordAnnulled(effective_on=NOTICE, event_id=fact.event_id), fold_regulation(register.facts)
            )
    facts, adoption = recorded(register, adopting(RULE))
    early = RecordAnnulled(effective_on=NOTICE - timedelta(days=1), event_id=adoption)
    with pytest.raises(errors.InvalidValue):
        check_regulation(early, fold_regulation(facts))
