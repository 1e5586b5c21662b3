"""How a duty on a petition is put: under which rule, by whom, ended by what."""

from datetime import date

from services.followup.domain.cases import PetitionCase
from services.followup.domain.duties.duty import Done, Duty, Waived
from services.followup.domain.duties.reply import CaseContext
from services.followup.domain.facts import Fact
from shared.cases.rounds import Round
from shared.events.petition import (
    AgencyResultReported,
    PetitionAnsweredAtConference,
    PetitionMerged,
    RefusalNoticeSent,
)
from shared.policy import RuleInForce, counted_from

OFFICE = "office"


def rule_of(case: PetitionCase, context: CaseContext, name: str, day: date) -> RuleInForce | None:
    """The rule in force for a duty on the petition; None where nobody owes it."""
    return context.regulation.rule_in_force(case.jurisdiction, name, day)


def duty_of(
    case: PetitionCase, context: CaseContext, name: str, start: Fact, debtor: str, **more: object
) -> list[Duty]:
    """The duty under the rule in force on the day of its start; none where nobody owes it."""
    rule_in_force = rule_of(case, context, name, start.on)
    if rule_in_force is None:
        return []
    fields = {"rule_in_force": rule_in_force, "counted_from": counted_from(rule_in_force.rule, start.on), **more}
    return [
        Duty(
            source=context.source,
            subject="petition",
            subject_id=case.petition_id,
            duty=name,
            start=start,
            debtor=debtor,
            jurisdiction=case.jurisdiction,
            **fields,  # type: ignore[arg-type]
        )
    ]


def waived_by_end(round_: Round[Fact]) -> Waived | None:
    """What the end of a case's life waives; None while it goes on."""
    if round_.end is None:
        return None
    reason = {
        PetitionAnsweredAtConference: "answered_at_conference",
        PetitionMerged: "merged",
        RefusalNoticeSent: "refused",
    }.get(type(round_.end.event), round_.end.topic.removeprefix("Petition").lower())
    return Waived(round_.end.on, round_.end, reason)


def done(fact: Fact | None) -> Done | None:
    """The duty done by a fact; None while there is none."""
    return Done(fact.on, fact) if fact is not None else None


def settlements(case: PetitionCase) -> list[Fact]:
    """The reports of a final result."""
    return [
        f
        for f in case.of(AgencyResultReported)
        if isinstance(f.event, AgencyResultReported) and f.event.result != "in_progress"
    ]


def round_of(case: PetitionCase, fact: Fact) -> Round[Fact]:
    """The life of the case in which a fact was recorded."""
    starts = [0, *(r.reopened.position for r in case.rounds if r.reopened)]
    return case.rounds[max(i for i, position in enumerate(starts) if position <= fact.position)]


def agency_of(fact: Fact, context: CaseContext) -> str:
    """The body that a fact names, or who has taken over from it since."""
    agency = getattr(fact.event, "agency", "")
    return context.regulation.successor_of_agency(agency, None)
