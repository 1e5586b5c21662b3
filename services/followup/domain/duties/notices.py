"""The notices that a petition brings where a document asks for them: is it taken up, what came of it elsewhere."""

from services.followup.domain.cases import PetitionCase
from services.followup.domain.duties.duty import Duty
from services.followup.domain.duties.petition_common import (
    OFFICE,
    agency_of,
    done,
    duty_of,
    round_of,
    rule_of,
    settlements,
    waived_by_end,
)
from services.followup.domain.duties.reply import CaseContext
from services.followup.domain.facts import Fact
from shared.cases.facts import by_effect
from shared.cases.reply_clock import traits_of
from shared.events.petition import (
    AgencyResultReported,
    ForwarderInformed,
    PetitionMarkedComplex,
    PetitionRedirected,
    RefusalNoticeSent,
)
from shared.policy import Step, anchor_of


def notice_duties(case: PetitionCase, context: CaseContext) -> list[Duty]:
    """Every notice owed on the petition."""
    return [*_acceptances(case, context), *_forwarder_reports(case, context), *_result_notices(case, context)]


def _acceptances(case: PetitionCase, context: CaseContext) -> list[Duty]:
    """Whether the matter is taken up, refused or sent to the body whose it is must be said in time."""
    if rule_of(case, context, "acceptance_notice", case.received.on) is None:
        return []
    round_ = case.rounds[0]
    said = by_effect([*round_.accepted, *([round_.end] if round_.end and _says_whose(round_.end) else ())])
    marks = [
        Step(kind="trait", on=fact.on, trait=fact.event.variant)
        for fact in by_effect(round_.steps)
        if isinstance(fact.event, PetitionMarkedComplex)
    ]
    return duty_of(
        case,
        context,
        "acceptance_notice",
        case.received,
        OFFICE,
        end=done(said[0]) if said else waived_by_end(round_),
        traits=traits_of(case.receipt),
        steps=(lambda _: marks) if marks else None,
    )


def _says_whose(fact: Fact) -> bool:
    return isinstance(fact.event, RefusalNoticeSent | PetitionRedirected)


def _forwarder_reports(case: PetitionCase, context: CaseContext) -> list[Duty]:
    """A body to which the petition was forwarded tells the forwarder what it settled."""
    if not case.forwarded:
        return []
    informed = case.of(ForwarderInformed)
    forwarded = {agency_of(fact, context) for fact in case.forwarded}
    duties: list[Duty] = []
    for settled in settlements(case):
        agency = agency_of(settled, context)
        if agency not in forwarded:
            continue
        told = [f for f in informed if f.position > settled.position and agency_of(f, context) == agency]
        end = done(told[0]) if told else None
        duties += duty_of(case, context, "forwarder_report", settled, agency, part=str(settled.event_id), end=end)
    return duties


def _result_notices(case: PetitionCase, context: CaseContext) -> list[Duty]:
    """Who had forwarded the petition tells the petitioner what came of it."""
    duties: list[Duty] = []
    for fact in (*case.of(ForwarderInformed), *settlements(case)):
        rule_in_force = rule_of(case, context, "result_notice", fact.on)
        wanted = "settlement" if isinstance(fact.event, AgencyResultReported) else "body_notice"
        if rule_in_force is None or anchor_of(rule_in_force.rule) != wanted:
            continue
        round_ = round_of(case, fact)
        replied = by_effect(reply for reply in round_.replies if reply.on >= fact.on)
        end = done(replied[0]) if replied else waived_by_end(round_)
        duties += duty_of(case, context, "result_notice", fact, OFFICE, part=str(fact.event_id), end=end)
    return duties
