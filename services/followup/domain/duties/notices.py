"""The notices that a petition brings where a document asks for them: is it taken up, what came of it elsewhere."""

from services.followup.domain.cases import PetitionCase
from services.followup.domain.duties.duty import Duty
from services.followup.domain.duties.petition_common import (
    OFFICE,
    agency_of,
    done,
    ended,
    owed,
    round_of,
    ruling_of,
    settlements,
)
from services.followup.domain.duties.reply import Surroundings, traits_of
from services.followup.domain.facts import Fact, by_effect
from shared.events.petition import (
    AgencyResultReported,
    ForwarderInformed,
    PetitionMarkedComplex,
    PetitionRedirected,
    RefusalNoticeSent,
)
from shared.policy import Step, anchor_of


def notice_duties(case: PetitionCase, around: Surroundings) -> list[Duty]:
    """Every notice owed on the petition."""
    return [*_acceptances(case, around), *_forwarder_reports(case, around), *_result_notices(case, around)]


def _acceptances(case: PetitionCase, around: Surroundings) -> list[Duty]:
    """Whether the matter is taken up, refused or sent to the body whose it is must be said in time."""
    if ruling_of(case, around, "acceptance_notice", case.received.on) is None:
        return []
    life = case.rounds[0]
    said = by_effect([*life.accepted, *([life.end] if life.end and _says_whose(life.end) else ())])
    marks = [
        Step(kind="trait", on=fact.on, trait=fact.event.variant)
        for fact in by_effect(life.steps)
        if isinstance(fact.event, PetitionMarkedComplex)
    ]
    return owed(
        case,
        around,
        "acceptance_notice",
        case.received,
        OFFICE,
        end=done(said[0]) if said else ended(life),
        traits=traits_of(case),
        steps=(lambda _: marks) if marks else None,
    )


def _says_whose(fact: Fact) -> bool:
    return isinstance(fact.event, RefusalNoticeSent | PetitionRedirected)


def _forwarder_reports(case: PetitionCase, around: Surroundings) -> list[Duty]:
    """A body to which the petition was forwarded tells the forwarder what it settled."""
    if not case.forwarded:
        return []
    informed = case.of(ForwarderInformed)
    forwarded = {agency_of(fact, around) for fact in case.forwarded}
    duties: list[Duty] = []
    for settled in settlements(case):
        agency = agency_of(settled, around)
        if agency not in forwarded:
            continue
        told = [f for f in informed if f.position > settled.position and agency_of(f, around) == agency]
        end = done(told[0]) if told else None
        duties += owed(case, around, "forwarder_report", settled, agency, part=str(settled.event_id), end=end)
    return duties


def _result_notices(case: PetitionCase, around: Surroundings) -> list[Duty]:
    """Who had forwarded the petition tells the petitioner what came of it."""
    duties: list[Duty] = []
    for fact in (*case.of(ForwarderInformed), *settlements(case)):
        ruling = ruling_of(case, around, "result_notice", fact.on)
        wanted = "settlement" if isinstance(fact.event, AgencyResultReported) else "body_notice"
        if ruling is None or anchor_of(ruling.rule) != wanted:
            continue
        life = round_of(case, fact)
        replied = by_effect(reply for reply in life.replies if reply.on >= fact.on)
        end = done(replied[0]) if replied else ended(life)
        duties += owed(case, around, "result_notice", fact, OFFICE, part=str(fact.event_id), end=end)
    return duties
