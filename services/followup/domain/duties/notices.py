"""The notices owed on a petition where a document asks for them: whether it is taken up, what came of it elsewhere."""

from services.followup.domain.cases import PetitionCase
from services.followup.domain.duties.duty import Duty
from services.followup.domain.duties.petition_common import (
    agency_of,
    done,
    duty_of,
    final_results,
    round_of,
    rule_of,
    waived_by_end,
)
from services.followup.domain.duties.reply import CaseContext
from services.followup.domain.facts import holding_kind
from shared.cases.facts import by_effect
from shared.cases.reply_clock import traits_of
from shared.cases.successors import OFFICE
from shared.events.petition import (
    AgencyResultReported,
    ForwarderInformed,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionRedirected,
    RefusalNoticeSent,
)
from shared.policy import Step, StepKind, anchor_of


def notice_duties(case: PetitionCase, context: CaseContext) -> list[Duty]:
    """Every notice owed on the petition."""
    return [*_acceptances(case, context), *_forwarder_reports(case, context), *_result_notices(case, context)]


def _acceptances(case: PetitionCase, context: CaseContext) -> list[Duty]:
    """The petitioner is told in time whether the matter is taken up, refused or sent to the body in charge of it."""
    if rule_of(case, context, "acceptance_notice", case.received.on) is None:
        return []
    round_ = case.rounds[0]
    end = round_.end
    declined = [end] if end is not None and isinstance(end.event, RefusalNoticeSent | PetitionRedirected) else []
    notified = by_effect([*round_.accepted, *declined])
    marks = [
        Step(kind=StepKind.TRAIT, on=fact.on, trait=fact.event.variant)
        for fact in by_effect(holding_kind(round_.steps, PetitionMarkedComplex))
    ]
    return duty_of(
        case,
        context,
        "acceptance_notice",
        case.received,
        OFFICE,
        end=done(notified[0]) if notified else waived_by_end(round_),
        traits=traits_of(case.receipt),
        steps=(lambda _: marks) if marks else None,
    )


def _forwarder_reports(case: PetitionCase, context: CaseContext) -> list[Duty]:
    """A body to which the petition was forwarded tells the forwarder what it settled."""
    forwarded_facts = case.of(PetitionForwarded)
    if not forwarded_facts:
        return []
    informed = case.of(ForwarderInformed)
    forwarded = {agency_of(fact, context) for fact in forwarded_facts}
    duties: list[Duty] = []
    for result in final_results(case):
        agency = agency_of(result, context)
        if agency not in forwarded:
            continue
        later = [f for f in informed if f.position > result.position and agency_of(f, context) == agency]
        end = done(later[0]) if later else None
        duties += duty_of(case, context, "forwarder_report", result, agency, part=str(result.event_id), end=end)
    return duties


def _result_notices(case: PetitionCase, context: CaseContext) -> list[Duty]:
    """The body that had forwarded the petition tells the petitioner what came of it."""
    duties: list[Duty] = []
    for fact in (*case.of(ForwarderInformed), *final_results(case)):
        rule_in_force = rule_of(case, context, "result_notice", fact.on)
        anchor = "settlement" if isinstance(fact.event, AgencyResultReported) else "body_notice"
        if rule_in_force is None or anchor_of(rule_in_force.rule) != anchor:
            continue
        round_ = round_of(case, fact)
        replied = by_effect(reply for reply in round_.replies if reply.on >= fact.on)
        end = done(replied[0]) if replied else waived_by_end(round_)
        duties += duty_of(case, context, "result_notice", fact, OFFICE, part=str(fact.event_id), end=end)
    return duties
