"""How a duty on a petition is put: under which rule, by whom, ended by what."""

from datetime import date

from services.followup.domain.cases import PetitionCase, Round
from services.followup.domain.duties.anchors import counted_from
from services.followup.domain.duties.duty import Done, Duty, Waived
from services.followup.domain.duties.reply import Surroundings
from services.followup.domain.facts import Fact
from shared.events.petition import (
    AgencyResultReported,
    PetitionAnsweredAtConference,
    PetitionMerged,
    RefusalNoticeSent,
)
from shared.policy import Ruling

OFFICE = "office"


def ruling_of(case: PetitionCase, around: Surroundings, name: str, day: date) -> Ruling | None:
    """The rule in force for a duty on the petition; None where nobody owes it."""
    return around.regulation.ruling(case.jurisdiction, name, day)


def owed(case: PetitionCase, around: Surroundings, name: str, start: Fact, debtor: str, **more: object) -> list[Duty]:
    """The duty under the rule in force on the day of its start; none where nobody owes it."""
    ruling = ruling_of(case, around, name, start.on)
    if ruling is None:
        return []
    fields = {"ruling": ruling, "counted_from": counted_from(ruling.rule, start), **more}
    return [
        Duty(
            source=around.source,
            subject="petition",
            subject_id=case.petition_id,
            duty=name,
            start=start,
            debtor=debtor,
            jurisdiction=case.jurisdiction,
            **fields,  # type: ignore[arg-type]
        )
    ]


def ended(life: Round) -> Waived | None:
    """What the end of a case's life waives; None while it goes on."""
    if life.end is None:
        return None
    reason = {
        PetitionAnsweredAtConference: "answered_at_conference",
        PetitionMerged: "merged",
        RefusalNoticeSent: "refused",
    }.get(type(life.end.event), life.end.topic.removeprefix("Petition").lower())
    return Waived(life.end.on, life.end, reason)


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


def round_of(case: PetitionCase, fact: Fact) -> Round:
    """The life of the case in which a fact was recorded."""
    starts = [0, *(r.reopened.position for r in case.rounds if r.reopened)]
    return case.rounds[max(i for i, position in enumerate(starts) if position <= fact.position)]


def agency_of(fact: Fact, around: Surroundings) -> str:
    """The body that a fact names, or who has taken over from it since."""
    agency = getattr(fact.event, "agency", "")
    return around.regulation.heir_of_agency(agency, None)
