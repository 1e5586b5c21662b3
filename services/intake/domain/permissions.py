"""Who may do which act where. An act says its roles; here it is whose case it is."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from services.intake.domain.acts import AnyAct, act_on
from services.intake.domain.acts.act import ConferenceAct, CreatingAct, PetitionAct
from services.intake.domain.conference import Conference
from services.intake.domain.context import DecisionContext
from services.intake.domain.errors import (
    AgencyMayNot,
    DelegationNotPassedOn,
    InvalidValue,
    JurisdictionMayNot,
    LastAdministrator,
    RoleMayNot,
    SourceMayNot,
)
from services.intake.domain.facts import AnyFact, agencies_named
from services.intake.domain.field_checks import code_of
from services.intake.domain.petition import Petition
from services.intake.domain.regulation import Regulation
from services.intake.domain.successors import inherited
from shared.cases.pushing import is_own_source
from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled
from shared.events.person import DelegationGranted, PersonNameErased, PostAnnulled, PostEnded, PostEvent
from shared.events.petition import PetitionReceived
from shared.events.regulation import (
    AgencyClosed,
    CalendarPublished,
    FrequencyDutyWaived,
    JurisdictionClosed,
    JurisdictionRegistered,
    ReceptionDayHeld,
)
from shared.identifiers import NATION, code_or_text, is_within

#: These read the sealed content of every case in their subtree.
READERS = frozenset({"office", "chair"})
#: The roles of callers who act on a petition only where it came from them.
SENDERS = frozenset({"system"})
#: The roles of callers who see of a subtree only what they were given.
HOLDERS = frozenset({"agency"})
#: The roles of callers who see to people and to no case.
WITHOUT_CASES = frozenset({"admin"})
#: The aggregates of the regulation.
REGULATION = frozenset({"jurisdiction", "agency", "policy", "calendar", "plan", "catalogue", "person"})


class Caller(msgspec.Struct, frozen=True):
    """Who asks: a calling system or person with roles, a jurisdiction subtree and, for an agency, its code."""

    name: str
    roles: frozenset[str]
    jurisdiction: str
    agency: str = ""
    #: In whose names it may push; none: in its own alone.
    sources: tuple[str, ...] = ()
    #: Of a person: the stable identifier at the sign-in provider, the post that is acted in, and, while the chair
    #: delegates to it, by which delegation and with which of the roles. A system has none of these.
    subject: str = ""
    post: UUID | None = None
    delegation: UUID | None = None
    delegated: frozenset[str] = frozenset()
    #: Whether a system reads the answers to what came from it.
    reads_answers: bool = True

    def delegation_for(self, roles: frozenset[str]) -> UUID | None:
        """The delegation without which none of these roles would be the caller's; None where none is needed."""
        return None if (self.roles - self.delegated) & roles else self.delegation

    @property
    def is_sender(self) -> bool:
        """Whether the caller acts only on what came from it."""
        return self.roles <= SENDERS

    @property
    def own_source(self) -> str:
        """The source that is meant where a command with a reference names none."""
        return self.name if self.may_push_as(self.name) else self.sources[0]

    def may_push_as(self, source: str) -> bool:
        """Whether the caller may push in the name of a source."""
        return is_own_source(source, self.name, self.sources)


def check_role(caller: Caller, roles: frozenset[str]) -> None:
    """Refuse a caller that has none of the roles of an act. Raises RoleMayNot."""
    if caller.roles.isdisjoint(roles):
        raise RoleMayNot(None, "needs", roles=sorted(roles))


def may(caller: Caller, event: DatedEvent, target: Petition | Conference | None, regulation: Regulation) -> None:
    """Refuse a command that is not the caller's to give. Raises NotAllowed, and InvalidCode where its place is none."""
    act = act_on(type(event), target)
    if act is not None:
        check_role(caller, act.roles)
    if isinstance(event, DelegationGranted) and act is not None and caller.delegation_for(act.roles):
        raise DelegationNotPassedOn
    if isinstance(event, PostEnded | PostAnnulled) and caller.subject:
        _check_administered_after(event, caller, regulation)
    place = _place(event, target, regulation)
    # What was an ended jurisdiction's case is now that of its successor, whose officials act on it.
    if not is_within(place, caller.jurisdiction):
        field = None
        if target is None:  # a name or a slip of the pen lies nowhere, and not outside the caller's jurisdiction
            field = next((name for name in ("jurisdiction", "code") if hasattr(event, name)), None)
            code_of(field or "code", place)
        successor = regulation.successor_of_jurisdiction(place, event.effective_on)
        if not is_within(successor, caller.jurisdiction):
            raise _elsewhere(place, caller, field)
    # All roles but the agency's act for the authority itself, in its whole subtree.
    if act is not None and "agency" in caller.roles and caller.roles & act.roles == {"agency"}:
        _check_agency(caller.agency, act, event, target, regulation)


def _check_administered_after(event: PostEnded | PostAnnulled, caller: Caller, regulation: Regulation) -> None:
    """Refuse a person the end of the own post where nobody would administer its place then. Raises LastAdministrator.

    Nobody could undo it but with a token from the server.
    """
    people = regulation.people
    post = people.post_of(event)
    if post.subject != caller.subject or not post.roles & WITHOUT_CASES or not post.stands(event.effective_on):
        return
    others = (each for each in people.posts.values() if each.post_id != post.post_id and each.roles & WITHOUT_CASES)
    if not any(o.stands(event.effective_on) and is_within(post.jurisdiction, o.jurisdiction) for o in others):
        raise LastAdministrator("post", place=post.jurisdiction)


def may_ever(caller: Caller, act: AnyAct, target: Petition | Conference | None, context: DecisionContext) -> None:
    """Refuse a command that is not the caller's to give on whatever day and with whatever body. Raises NotAllowed."""
    if target is None:
        check_role(caller, act.roles)
    else:
        _may_somewhere(caller, act.roles, _with_successors(target.jurisdiction, context.regulation, context))
        if isinstance(target, Petition) and caller.roles & act.roles == {"agency"}:
            _check_part(caller.agency, act, _on_each_day(target, context))


def may_at_place(caller: Caller, roles: frozenset[str], place: str, regulation: Regulation, today: date) -> None:
    """Refuse what is not the caller's to begin or do at a jurisdiction, with whatever body. Raises NotAllowed."""
    _may_somewhere(caller, roles, (place, regulation.successor_of_jurisdiction(place, today)))


def _may_somewhere(caller: Caller, roles: frozenset[str], places: Sequence[str]) -> None:
    """Refuse who has none of the roles, or has them at none of a jurisdiction and its successors. Raises NotAllowed."""
    check_role(caller, roles)
    if not any(is_within(place, caller.jurisdiction) for place in places):
        raise _elsewhere(places[0], caller)
    if caller.roles & roles == {"agency"} and not caller.agency:
        raise AgencyMayNot(None, "no-agency")


def check_source(caller: Caller, source: str) -> None:
    """Refuse a source in whose name a caller may not push. Raises SourceMayNot."""
    if source and not caller.may_push_as(source):
        raise SourceMayNot("source", "push", source=source, caller=caller.name)


def check_person(caller: Caller, on_behalf_of: str) -> None:
    """Refuse a person who acts in the name of another; systems say for whom they act. Raises InvalidValue."""
    if caller.subject and on_behalf_of not in ("", caller.subject):
        raise InvalidValue("on_behalf_of", "other-person")


def check_sender(caller: Caller, actor: str, source: str) -> None:
    """Refuse a system that acts on a petition which came from another. Raises SourceMayNot.

    `actor` and `source` are those of the petition's receipt.
    """
    if caller.is_sender and actor != caller.name and not caller.may_push_as(source):
        raise SourceMayNot(None, "petition")


def may_see(
    caller: Caller, case: Petition | Conference, facts: Sequence[AnyFact], regulation: Regulation, today: date
) -> bool:
    """Whether a caller sees a case. The jurisdiction, those above it, and whoever has taken over from it do.

    An agency sees of them what it has or had a part in, or what a body had that it has taken over from.
    """
    if caller.roles <= WITHOUT_CASES:
        return False
    if not regulation.lies_within(case.jurisdiction, caller.jurisdiction, today):
        return False
    if not caller.roles <= HOLDERS:
        return True
    named = {code for fact in facts for code in agencies_named(fact.event)}
    heirs = {regulation.successor_of(code, today) for code in named}
    if isinstance(case, Petition):
        heirs |= inherited(case, regulation, today).bodies
    return caller.agency in named | heirs


def may_read_content(caller: Caller, case: Petition | Conference) -> None:
    """Refuse sealed content to all but the office and, of a petition, the agencies in charge. Raises NotAllowed."""
    if not is_within(case.jurisdiction, caller.jurisdiction):
        raise JurisdictionMayNot(None, "case", place=case.jurisdiction, own=caller.jurisdiction)
    if caller.roles & READERS:
        return
    if isinstance(case, Petition) and "agency" in caller.roles and caller.agency and caller.agency in case.in_charge:
        return
    raise RoleMayNot(None, "content")


def check_reading_answer(caller: Caller, case: Petition | Conference) -> None:
    """Refuse the sealed words of an answer to who reads no content, but for the system that pushed the petition.

    That it came from the system is for `check_sender` to say. Raises NotAllowed.
    """
    if not caller.is_sender:
        may_read_content(caller, case)
    elif not caller.reads_answers:
        raise RoleMayNot(None, "answers")


def _elsewhere(place: str, caller: Caller, field: str | None = None) -> JurisdictionMayNot:
    if caller.jurisdiction:
        return JurisdictionMayNot(field, "act", place=place, own=caller.jurisdiction)
    return JurisdictionMayNot(field, "no-jurisdiction", place=place)


def _on_each_day(petition: Petition, context: DecisionContext) -> list[Petition]:
    """A petition with the bodies that have had it on the days until now, since a command may be dated back."""
    closed = {body.closed_on for body in context.regulation.agencies.values() if body.closed_on is not None}
    days = [day for day in sorted(closed) if day <= context.today]
    return [petition, *(inherited(petition, context.regulation, day) for day in (*days, context.today))]


def _with_successors(place: str, regulation: Regulation, context: DecisionContext) -> list[str]:
    """A jurisdiction and those that had taken over from it on some day until now."""
    found = [place]
    while (body := regulation.jurisdictions.get(found[-1])) and body.closed_on and body.closed_on <= context.today:
        successor = regulation.successor_of_jurisdiction(place, body.closed_on)
        if successor in found:
            break
        found.append(successor)
    return found


def _place(event: DatedEvent, target: Petition | Conference | None, regulation: Regulation) -> str:
    """The jurisdiction that an event concerns."""
    if target is not None:
        return target.jurisdiction
    if isinstance(event, PostEvent | PersonNameErased):
        return regulation.people.place_of(event)
    match event:
        case PetitionReceived():  # named first, since most commands are
            return code_or_text(event.jurisdiction or NATION)
        case JurisdictionRegistered() | JurisdictionClosed() | ReceptionDayHeld() | FrequencyDutyWaived():
            return code_or_text(event.code)
        case AgencyClosed():
            known = regulation.agencies.get(code_or_text(event.code))
            return known.jurisdiction if known else code_or_text(event.code)
        case CalendarPublished():
            # It is for the whole store: whoever stands above all others in it publishes and confirms it.
            return regulation.topmost(event.effective_on)
        case RecordAnnulled():
            adoption = next((fact for fact in regulation.adoptions if fact.event_id == event.event_id), None)
            return adoption.event.jurisdiction if adoption else NATION
        case _:
            return code_or_text(getattr(event, "jurisdiction", "") or NATION)


def _check_agency(
    agency: str, act: AnyAct, event: DatedEvent, target: Petition | Conference | None, regulation: Regulation
) -> None:
    """An agency acts in its own name, on what it is in charge of. Raises AgencyMayNot."""
    if not agency:
        raise AgencyMayNot(None, "no-agency")
    named = code_or_text(getattr(event, "agency", "") or agency)
    if named != agency:
        raise AgencyMayNot("agency", "other-agency", agency=agency, named=named)
    match act, target:
        case CreatingAct(), None:
            act.check_agency(event, agency)
        case ConferenceAct(), Conference():
            act.check_agency(target, event, agency, regulation)
        case _, Petition():
            _check_part(agency, act, [inherited(target, regulation, event.effective_on)])
        case _:
            raise AgencyMayNot(None, "records", topic=event.TOPIC)


def _check_part(agency: str, act: AnyAct, petitions: Sequence[Petition]) -> None:
    """An agency acts on a petition that it is in charge of, and gives what it owes on others. Raises AgencyMayNot.

    `petitions` is the one petition as it is on some days: in charge on one of them is enough.
    """
    if any(agency in each.in_charge for each in petitions):
        return
    if isinstance(act, PetitionAct) and any(act.is_owed_by(each, agency) for each in petitions):
        return
    had_part = any(agency in agencies_named(fact.event) for each in petitions for fact in each.facts)
    if had_part:
        raise AgencyMayNot(None, "no-longer", agency=agency)
    raise AgencyMayNot(None, "no-part", agency=agency)


def may_under_rules(
    caller: Caller, event: DatedEvent, target: Petition | Conference | None, context: DecisionContext
) -> None:
    """Refuse an agency what the rules in force leave to others, or ask of an agency alone. Raises Refused."""
    act = act_on(type(event), target)
    if isinstance(act, PetitionAct) and isinstance(target, Petition) and caller.roles & act.roles == {"agency"}:
        act.check_agency(inherited(target, context.regulation, event.effective_on), event, caller.agency, context)
