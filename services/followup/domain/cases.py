"""What is known of a petition or a conference: the fold of its standing facts."""

from collections.abc import Sequence
from datetime import date
from typing import Any, assert_never
from uuid import UUID

import msgspec

from services.followup.domain.facts import (
    ConferenceFact,
    Fact,
    K,
    PetitionFact,
    holding,
    is_of_conference,
    is_of_petition,
)
from shared.cases.facts import by_effect, standing
from shared.cases.rounds import ReplyCase, Round, evolve_reply_case
from shared.events.any_stream import RecordAnnulled, ReminderSent
from shared.events.conference import (
    AttendanceRecorded,
    ComplexityDetermined,
    ConclusionNoticeIssued,
    ConferenceCancelled,
    ConferenceClosed,
    ConferenceOpened,
    ConferencePlanned,
    ConferenceProposalDecided,
    ConferenceProposed,
    ConferenceRescheduled,
    DialogueRequested,
    InternalReviewHeld,
    InvitationsSent,
    MinutesAdopted,
    PreparationReported,
    PreparationTaskAssigned,
    PreparationTaskDone,
    PublicationEnded,
    PublicationStarted,
    PublicNoticePublished,
    RequestAnswered,
    SecretaryAppointed,
    SpeakerCalled,
    SpeakerRegistered,
)
from shared.events.petition import (
    AcceptanceNoticeSent,
    AgencyResultReported,
    AnswerPrepared,
    ClockResumed,
    ClockSuspended,
    EscalationProposed,
    ExtensionGranted,
    ForwarderInformed,
    HigherAuthorityAnswered,
    PersonalDataErased,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClassified,
    PetitionClosed,
    PetitionCorrected,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionRaised,
    PetitionReassigned,
    PetitionReceived,
    PetitionRedirected,
    PetitionReopened,
    PetitionScheduled,
    PetitionWithdrawn,
    RefusalNoticeSent,
    ReplyReported,
    WrittenReplyIssued,
)


class PetitionCase(ReplyCase[Fact], kw_only=True):
    """A petition as far as its duties depend on it."""

    petition_id: UUID
    #: Every standing fact, in the order recorded.
    facts: list[Fact] = []
    by_kind: dict[type, list[Fact]] = {}
    classified: PetitionClassified | None = None
    #: The conferences on whose agenda it was put.
    scheduled: list[UUID] = []

    @property
    def assignments(self) -> list[Fact[PetitionAssigned | PetitionReassigned]]:
        """The assignments, in the order in which they took effect."""
        facts: list[Any] = self.assigned
        return facts

    @property
    def lead(self) -> str:
        """The lead agency, or "" until there is one."""
        return self.assignments[-1].event.agency if self.assigned else ""

    @property
    def conferences(self) -> set[UUID]:
        """The conferences to which it belongs."""
        return {*self.scheduled, *self.raised}

    def of(self, kind: type[K]) -> list[Fact[K]]:
        """The facts of a kind, in the order recorded."""
        facts: list[Any] = self.by_kind.get(kind, [])
        return facts


def fold_petition(petition_id: UUID, facts: Sequence[Fact]) -> PetitionCase | None:
    """The case in its standing facts; None where nothing was received."""
    case: PetitionCase | None = None
    for fact in standing(facts):
        if isinstance(fact.event, PetitionReceived):
            case = PetitionCase(fact, [Round()], petition_id=petition_id)
        if case is not None and is_of_petition(fact):
            evolve(case, fact)
    return case


def evolve(case: PetitionCase, fact: PetitionFact) -> None:
    """Apply the next fact to a case; any but an annulment, which takes one out again."""
    case.facts.append(fact)
    case.by_kind.setdefault(type(fact.event), []).append(fact)
    event = fact.event
    match event:
        case PetitionClassified():
            case.classified = event
        case PetitionScheduled():
            case.scheduled.append(event.conference_id)
        case (
            PetitionCorrected()
            | PetitionRaised()
            | PetitionAssigned()
            | PetitionReassigned()
            | PetitionMarkedComplex()
            | ExtensionGranted()
            | ClockSuspended()
            | ClockResumed()
            | AcceptanceNoticeSent()
            | WrittenReplyIssued()
            | PetitionReopened()
            | PetitionAnsweredAtConference()
            | PetitionWithdrawn()
            | PetitionRedirected()
            | PetitionMerged()
            | PetitionClosed()
            | RefusalNoticeSent()
        ):
            evolve_reply_case(case, fact, event)
        case (
            PetitionReceived()
            | PetitionForwarded()
            | AnswerPrepared()
            | EscalationProposed()
            | PetitionEscalated()
            | HigherAuthorityAnswered()
            | ReplyReported()
            | AgencyResultReported()
            | ForwarderInformed()
            | PersonalDataErased()
            | ReminderSent()
            | RecordAnnulled()
        ):
            pass  # a duty that depends on one finds it by its kind
        case _:
            assert_never(event)


class BackwardPeriod(msgspec.Struct):
    """The time in which one starting fact counts back from one first conference day.

    A rescheduling in time moves the day within the period; one dated after the due date ends it and starts the next.
    """

    #: What made the duty arise: the planning, a task, or the rescheduling that began this period.
    start: Fact
    #: The day that is counted back from, as it stands last within the period.
    first_day: date
    #: The rescheduling that ended the period; None for the last one.
    overtaken: Fact[ConferenceRescheduled] | None = None


class ConferenceCase(msgspec.Struct):
    """A conference as far as the duties that it brings depend on it. Of what happened twice the last is known."""

    conference_id: UUID
    by_kind: dict[type, list[Fact]] = {}
    jurisdiction: str = ""
    proposed: Fact[ConferenceProposed | DialogueRequested] | None = None
    decided: Fact[ConferenceProposalDecided | RequestAnswered] | None = None
    planned: Fact[ConferencePlanned] | None = None
    opened: Fact[ConferenceOpened] | None = None
    cancelled: Fact[ConferenceCancelled] | None = None
    closed: Fact[ConferenceClosed] | None = None

    @property
    def concluded(self) -> Fact[ConclusionNoticeIssued] | None:
        """The first conclusion notice."""
        notices = by_effect(self.of(ConclusionNoticeIssued))
        return notices[0] if notices else None

    @property
    def audience(self) -> str:
        """Whom the dialogue is for; "" is everyone."""
        if self.plan is not None:
            return self.plan.audience
        proposal = self.proposed.event if self.proposed else None
        return proposal.audience if isinstance(proposal, DialogueRequested) else ""

    @property
    def plan(self) -> ConferencePlanned | None:
        """What was planned, before any rescheduling."""
        return self.planned.event if self.planned else None

    @property
    def first_day(self) -> date | None:
        """The first day as it stands now."""
        rescheduled = by_effect(self.of(ConferenceRescheduled))
        if rescheduled:
            return rescheduled[-1].event.first_day
        return self.plan.first_day if self.plan else None

    def of(self, kind: type[K]) -> list[Fact[K]]:
        """The facts of a kind, in the order recorded."""
        facts: list[Any] = self.by_kind.get(kind, [])
        return facts


def fold_conference(conference_id: UUID, facts: Sequence[Fact]) -> ConferenceCase | None:
    """The conference in its standing facts; None where nothing says whose it is."""
    case = ConferenceCase(conference_id)
    for fact in standing(facts):
        if is_of_conference(fact):
            _evolve_conference(case, fact)
    return case if case.jurisdiction else None


def _evolve_conference(case: ConferenceCase, fact: ConferenceFact) -> None:
    case.by_kind.setdefault(type(fact.event), []).append(fact)
    event = fact.event
    match event:
        case ConferenceProposed() | DialogueRequested():
            case.proposed, case.jurisdiction = holding(fact, event), event.jurisdiction
        case ConferenceProposalDecided() | RequestAnswered():
            case.decided = holding(fact, event)
        case ConferencePlanned():
            case.planned, case.jurisdiction = holding(fact, event), event.jurisdiction
        case ConferenceOpened():
            case.opened = holding(fact, event)
        case ConferenceCancelled():
            case.cancelled = holding(fact, event)
        case ConferenceClosed():
            case.closed = holding(fact, event)
        case (
            ConferenceRescheduled()
            | PreparationTaskAssigned()
            | PreparationTaskDone()
            | PreparationReported()
            | PublicNoticePublished()
            | InvitationsSent()
            | AttendanceRecorded()
            | SecretaryAppointed()
            | SpeakerRegistered()
            | SpeakerCalled()
            | MinutesAdopted()
            | InternalReviewHeld()
            | ComplexityDetermined()
            | PublicationStarted()
            | PublicationEnded()
            | ConclusionNoticeIssued()
            | ReminderSent()
            | RecordAnnulled()
        ):
            pass  # a duty that depends on one finds it by its kind
        case _:
            assert_never(event)


class Dialogue(msgspec.Struct, frozen=True):
    """A periodic conference that was held: all that the duties of its authority depend on."""

    jurisdiction: str
    audience: str
    closed: Fact[ConferenceClosed]


def dialogue_of(case: ConferenceCase | None) -> Dialogue | None:
    """The dialogue that a conference was; None while it is not closed, and for one held for another reason."""
    if case is None or case.closed is None or case.plan is None or case.plan.kind != "periodic":
        return None
    return Dialogue(case.jurisdiction, case.audience, case.closed)


def dialogue_changes(conference_id: UUID, facts: Sequence[Fact]) -> list[tuple[Fact, Dialogue | None]]:
    """The facts of a conference that made it a dialogue, or no longer one, each with what it is then."""
    found: list[tuple[Fact, Dialogue | None]] = []
    before: Dialogue | None = None
    for number, fact in enumerate(facts, 1):
        after = dialogue_of(fold_conference(conference_id, facts[:number]))
        if after != before:
            found.append((fact, after))
        before = after
    return found
