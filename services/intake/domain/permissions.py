"""Who may do which deed where. Which roles a route is for is said by its route; here it is whose case it is."""

import msgspec

from services.intake.domain.conference import Conference
from services.intake.domain.errors import AgencyMayNot, JurisdictionMayNot, RoleMayNot
from services.intake.domain.petition import Petition
from services.intake.domain.regulation import Regulation
from services.intake.domain.successors import inherited
from shared.events import DatedEvent
from shared.events.conference import ConferenceProposed, PreparationTaskDone, PublicNoticePublished
from shared.events.petition import PetitionReceived, PetitionWithdrawn
from shared.events.regulation import (
    AgencyClosed,
    FrequencyDutyWaived,
    JurisdictionClosed,
    JurisdictionRegistered,
    ReceptionDayHeld,
)
from shared.identifiers import NATION, MalformedCode, agency_code, is_within


class Caller(msgspec.Struct, frozen=True):
    """Who asks: a calling system or person with roles, a jurisdiction subtree and, for an agency, its code."""

    name: str
    roles: frozenset[str]
    jurisdiction: str
    agency: str = ""


#: These act for the authority itself, in its whole subtree.
OFFICIALS = frozenset({"office", "chair"})
READERS = OFFICIALS
REGULATION = frozenset({"jurisdiction", "agency", "policy", "calendar", "plan"})


def may(caller: Caller, event: DatedEvent, target: Petition | Conference | None, regulation: Regulation) -> None:
    """Refuse a deed that is not the caller's to do. Raises NotAllowed."""
    place = _place(event, target, regulation)
    # What was an ended jurisdiction's case is now that of its successor, whose officials act on it.
    successor = regulation.successor_of_jurisdiction(place, event.effective_on)
    if not is_within(place, caller.jurisdiction) and not is_within(successor, caller.jurisdiction):
        raise JurisdictionMayNot(f"the deed concerns {place}, outside {caller.jurisdiction or 'any jurisdiction'}")
    if caller.roles & OFFICIALS:
        return
    if event.AGGREGATE in REGULATION and "operations" in caller.roles:
        return
    if "system" in caller.roles and isinstance(event, (PetitionReceived, PetitionWithdrawn)):
        return
    if "agency" in caller.roles:
        _agency_may(caller.agency, event, target, regulation)
        return
    raise RoleMayNot(f"the roles {', '.join(sorted(caller.roles)) or 'none'} do not record {event.TOPIC}")


def may_read_content(caller: Caller, case: Petition | Conference) -> None:
    """Refuse sealed content to all but the office and, of a petition, the agencies that have it. Raises NotAllowed."""
    if not is_within(case.jurisdiction, caller.jurisdiction):
        raise JurisdictionMayNot(f"the case is of {case.jurisdiction}, outside {caller.jurisdiction}")
    if caller.roles & READERS:
        return
    if isinstance(case, Petition) and "agency" in caller.roles and caller.agency and caller.agency in case.bodies:
        return
    raise RoleMayNot("content is for the office and for the agency that has the case")


def _place(event: DatedEvent, target: Petition | Conference | None, regulation: Regulation) -> str:
    """The jurisdiction that a deed concerns."""
    if target is not None:
        return target.jurisdiction
    match event:
        case PetitionReceived():
            return _code(event.jurisdiction or NATION)
        case JurisdictionRegistered() | JurisdictionClosed() | ReceptionDayHeld() | FrequencyDutyWaived():
            return _code(event.code)
        case AgencyClosed():
            known = regulation.agencies.get(_code(event.code))
            return known.jurisdiction if known else _code(event.code)
        case _:
            # What names no place, a calendar, is for the whole country.
            return _code(getattr(event, "jurisdiction", "") or NATION)


def _code(text: str) -> str:
    try:
        return agency_code(text)
    except MalformedCode:
        return text  # `decide` says what is wrong with it


def _agency_may(agency: str, event: DatedEvent, target: Petition | Conference | None, regulation: Regulation) -> None:
    if not agency:
        raise AgencyMayNot("the token names no agency")
    named = _code(getattr(event, "agency", "") or agency)
    if named != agency:
        raise AgencyMayNot(f"agency: {agency} does not act for {named}")
    match event, target:
        case ConferenceProposed(), None:
            if event.proposer != agency:
                raise AgencyMayNot(f"proposer: {agency} proposes in its own name")
        case PreparationTaskDone(), Conference():
            task = target.task(event.task)
            if task is not None and _heir(task.agency, "preparation_task", target, event, regulation) != agency:
                raise AgencyMayNot(f"task: {event.task!r} was given to {task.agency}")
        case PublicNoticePublished(), Conference():
            if _heir(target.station, "public_notice", target, event, regulation) != agency:
                raise AgencyMayNot("only the station of the conference publishes its notices")
        case _, Petition():
            if agency not in inherited(target, regulation, event.effective_on).bodies:
                raise AgencyMayNot(f"the petition was neither forwarded nor assigned to {agency}")
        case _:
            raise AgencyMayNot(f"an agency does not record {event.TOPIC}")


def _heir(code: str, duty: str, conference: Conference, event: DatedEvent, regulation: Regulation) -> str:
    """Who does by the day of the act what a body was charged with before the conference."""
    day = conference.planned_on or event.effective_on
    named = regulation.heirs_named(conference.jurisdiction, duty, day, conference.audience)
    return regulation.successor_of(code, event.effective_on, named)
