"""What the duties on a petition have in common: the rule in force, what ends them, the body that owes them."""

from datetime import date

from services.followup.domain.cases import PetitionCase
from services.followup.domain.duties.duty import Done, Duty, Waived, WaiverGround
from services.followup.domain.duties.reply import CaseContext
from services.followup.domain.facts import Fact
from shared.cases.rounds import ENDINGS, Ending, Round
from shared.events.petition import (
    AgencyResultReported,
    AnswerPrepared,
    ForwarderInformed,
    PetitionForwarded,
)
from shared.policy import RuleInForce

#: A fact that names the body which did something, or which is to do it.
AgencyFact = Fact[PetitionForwarded | AnswerPrepared | AgencyResultReported | ForwarderInformed]


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
    fields = {"rule_in_force": rule_in_force, "counted_from": start.on, **more}
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
    """How the end of a round waives its duties; None while the round goes on."""
    if round_.end is None:
        return None
    return Waived(round_.end.on, round_.end, _ground(ENDINGS[type(round_.end.event)]))


def _ground(ending: Ending) -> WaiverGround:
    match ending:
        case "answered":
            return WaiverGround.ANSWERED_AT_CONFERENCE
        case "withdrawn":
            return WaiverGround.WITHDRAWN
        case "redirected":
            return WaiverGround.REDIRECTED
        case "merged":
            return WaiverGround.MERGED
        case "closed":
            return WaiverGround.CLOSED
        case "refused":
            return WaiverGround.REFUSED


def done(fact: Fact | None) -> Done | None:
    """The duty done by a fact; None while there is none."""
    return Done(fact.on, fact) if fact is not None else None


def final_results(case: PetitionCase) -> list[Fact[AgencyResultReported]]:
    """The reports of a final result, in the order recorded."""
    return [fact for fact in case.of(AgencyResultReported) if fact.event.result != "in_progress"]


def round_of(case: PetitionCase, fact: Fact) -> Round[Fact]:
    """The round of the case in which a fact was recorded."""
    return case.rounds[case.round_at(fact.position)]


def agency_of(fact: AgencyFact, context: CaseContext) -> str:
    """The body that a fact names, or whoever has taken over from it since."""
    return context.regulation.successor_of_agency(fact.event.agency, None)
