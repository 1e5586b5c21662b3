"""What an act is: one struct says everything that intake knows of one kind of command and of the event that it records.

A command is judged in this order: first what holds whatever its body says, then the body.

    possible             the aggregate's own state allows such a command at all
    possible_in_context  so do the rules in force and the other cases
    check                the body fits the state
    check_in_context     the body fits the bodies, calendars, rules and other cases, and its sealed texts are there

The first two take no body, so that a caller can be told which commands are possible by the rules themselves.
`possible` and `check` look at their own stream alone: an annulment judges the facts that stay by these two again, when
neither the context of that time nor the sealed texts are at hand.
"""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from services.intake.domain import errors
from services.intake.domain.conference import Conference
from services.intake.domain.context import DecisionContext
from services.intake.domain.facts import AnyFact, AnyNewFact, Fact
from services.intake.domain.petition import Petition
from services.intake.domain.regulation import Regulation
from shared.events import DatedEvent

E = TypeVar("E", bound=DatedEvent)
S = TypeVar("S", Petition, Conference)

#: Who may: an act names one of these, or two of them together.
OFFICE_OR_CHAIR = frozenset({"office", "chair"})
SYSTEM_OR_OFFICE = frozenset({"system", "office", "chair"})
AGENCY_OR_OFFICE = frozenset({"agency", "office"})
AGENCY_OFFICE_OR_CHAIR = frozenset({"agency", "office", "chair"})
OFFICE_OR_OPERATIONS = frozenset({"office", "chair", "operations"})


# --- what an act does where it says nothing else -------------------------------------------------------------------


def always(state: Petition | Conference) -> None:
    """Possible in every state."""


def in_any_context(state: Petition | Conference, context: DecisionContext) -> None:
    """Possible under all rules, whatever became of the other cases."""


def any_body(state: Petition | Conference, event: DatedEvent) -> None:
    """Every body fits the state."""


def any_body_in_context(state: Petition | Conference, event: DatedEvent, context: DecisionContext) -> None:
    """Every body fits the context."""


def unchanged(state: S, event: DatedEvent) -> S:
    """Nothing that a later command is judged on changes."""
    return state


def as_sent(state: Petition | Conference, event: E, context: DecisionContext) -> E:
    """The event is recorded as its body says."""
    return event


def nothing_more(state: Conference, event: DatedEvent, context: DecisionContext) -> tuple[AnyNewFact, ...]:
    """The event brings no other event with it."""
    return ()


def no_others(event: DatedEvent) -> tuple[UUID, ...]:
    """The event names no other case."""
    return ()


def no_clock(event: DatedEvent, target_id: UUID) -> tuple[UUID, ...]:
    """The decision looks at no reply's clock."""
    return ()


def own_clock(event: DatedEvent, target_id: UUID) -> tuple[UUID, ...]:
    """The decision looks at the clock of the petition's reply."""
    return (target_id,)


def nothing_rests(fact: AnyFact, context: DecisionContext) -> Iterable[AnyFact]:
    """No fact of another case rests on the event."""
    return ()


def any_part(petition: Petition, event: DatedEvent, agency: str, context: DecisionContext) -> None:
    """Every agency may that has a part in the petition."""


def nobody_else(petition: Petition, agency: str) -> bool:
    """No agency may that is not in charge of the petition."""
    return False


def no_agency(state: Conference, event: DatedEvent, agency: str, regulation: Regulation) -> None:
    """No agency may."""
    raise errors.AgencyMayNot(None, "records", topic=event.TOPIC)


# --- acts ----------------------------------------------------------------------------------------------------------


class Act(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """What every act says."""

    #: The event that the command records; its fields are those of the body.
    event: type[E]
    #: The address: the whole path, or the last word of it behind the case.
    path: str
    #: The roles of which a caller needs one.
    roles: frozenset[str]
    #: The fields that the decision fills in, so that no body has them.
    decided: tuple[str, ...] = ()
    #: The lists of the body that name at least one.
    not_empty: tuple[str, ...] = ()
    #: The other cases that the event names; they are loaded for the decision.
    names: Callable[[E], Iterable[UUID]] = no_others
    #: The petitions at whose reply's clock the decision looks: what that depends on is loaded too.
    clocks: Callable[[E, UUID], Iterable[UUID]] = no_clock
    #: Whether the decision expects the policies and calendars by which it counted to stand unchanged at the append.
    rests_on_rules: bool = False


class CreatingAct(Act[E], Generic[S, E], frozen=True, kw_only=True):
    """The first event of a petition or conference: there is no state yet."""

    #: What the first event makes.
    begin: Callable[[E], S]
    check_in_context: Callable[[E, DecisionContext], None]
    #: The event with what the decision fills in. Raises Refused.
    fill: Callable[[E, DecisionContext], E] = lambda event, context: event
    #: Refuses an agency that does not act in its own name. Raises AgencyMayNot.
    check_agency: Callable[[E, str], None] = lambda event, agency: None


class PetitionAct(Act[E], Generic[E], frozen=True, kw_only=True):
    """A command on a petition that exists."""

    possible: Callable[[Petition], None]
    possible_in_context: Callable[[Petition, DecisionContext], None] = in_any_context
    #: An act whose body is not judged says so: `any_body`.
    check: Callable[[Petition, E], None]
    check_in_context: Callable[[Petition, E, DecisionContext], None] = any_body_in_context
    #: The state after the event.
    fold: Callable[[Petition, E], Petition]
    #: The event with what the decision fills in. Raises Refused.
    fill: Callable[[Petition, E, DecisionContext], E] = as_sent
    #: The facts of other cases that would be impossible without a recorded one.
    resting_on: Callable[[Fact[E], DecisionContext], Iterable[AnyFact]] = nothing_rests
    #: Whether an agency that is not in charge of the petition still owes this act.
    is_owed_by: Callable[[Petition, str], bool] = nobody_else
    #: Refuses an agency that has a part in the petition and still may not, or not so. Raises Refused.
    check_agency: Callable[[Petition, E, str, DecisionContext], None] = any_part
    #: Whether it may not be dated before the receipt.
    follows_receipt: bool = True


class ConferenceAct(Act[E], Generic[E], frozen=True, kw_only=True):
    """A command on a conference that exists."""

    possible: Callable[[Conference], None]
    possible_in_context: Callable[[Conference, DecisionContext], None] = in_any_context
    #: An act whose body is not judged says so: `any_body`.
    check: Callable[[Conference, E], None]
    check_in_context: Callable[[Conference, E, DecisionContext], None] = any_body_in_context
    #: The state after the event.
    fold: Callable[[Conference, E], Conference]
    #: The event with what the decision fills in. Raises Refused.
    fill: Callable[[Conference, E, DecisionContext], E] = as_sent
    #: The events that it brings with it.
    brings: Callable[[Conference, E, DecisionContext], tuple[AnyNewFact, ...]] = nothing_more
    #: The facts of other cases that would be impossible without a recorded one.
    resting_on: Callable[[Fact[E], DecisionContext], Iterable[AnyFact]] = nothing_rests
    #: Whether it may not be dated before the conference's first act.
    follows_beginning: bool = True
    #: Refuses an agency whose business it is not; an agency needs the role too. Raises AgencyMayNot.
    check_agency: Callable[[Conference, E, str, Regulation], None] = no_agency


class RegulationAct(Act[E], Generic[E], frozen=True, kw_only=True):
    """A command on the register of bodies, policies, calendars and plans, which is one state for all of them.

    An act without a path is none of a caller's: the service records such events by itself.
    """

    #: Whether the address names no body that exists.
    creates: bool
    #: The fields that the address gives, so that no body has them.
    in_path: tuple[str, ...] = ()
    #: Refuses what the register does not allow; the jurisdiction that the event belongs to.
    check: Callable[[E, Regulation], str]
    #: Changes the register.
    fold: Callable[[Regulation, Fact[E]], None]
    #: The event with what the decision fills in.
    fill: Callable[[E], E] = lambda event: event
    #: The kind of stream, of an event that any stream may hold.
    stream: str = ""
    #: Whether nothing takes it back: no annulment, no later record of the same.
    is_final: bool = True

    @property
    def aggregate(self) -> str:
        """The kind of stream that the event is of."""
        return self.stream or self.event.AGGREGATE


AnyPetitionAct = PetitionAct[Any]
AnyConferenceAct = ConferenceAct[Any]
AnyAct = Act[Any]


# --- judging, the same for a command and for a fact that an annulment leaves ------------------------------------------


def check_petition(act: PetitionAct[E], petition: Petition, event: E) -> None:
    """Refuse a body that the petition's own stream does not allow. Raises PetitionRefused."""
    if act.follows_receipt and event.effective_on < petition.received_on:
        raise errors.DatedBeforeReceipt("effective_on", day=event.effective_on, received_on=petition.received_on)
    act.check(petition, event)


def after_act(act: AnyPetitionAct, petition: Petition, fact: AnyFact) -> Petition:
    """The petition after one more fact, which stays behind its state."""
    after = msgspec.structs.replace(act.fold(petition, fact.event))
    after.__dict__["facts_behind"] = (*petition.facts, fact)
    return after


def check_conference(act: ConferenceAct[E], conference: Conference, event: E) -> None:
    """Refuse a body that the conference's own stream does not allow. Raises ConferenceRefused."""
    if act.follows_beginning and event.effective_on < conference.begun_on:
        raise errors.DatedBeforeConference("effective_on", "begun", day=conference.begun_on)
    act.check(conference, event)
