"""What is known of a petition or a conference: the fold of its standing facts."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from services.followup.domain.facts import Fact
from shared.cases.facts import by_effect, standing
from shared.cases.rounds import ReplyCase, Round, evolve_reply_case
from shared.events.conference import (
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
    PublicationEnded,
    PublicationStarted,
    RequestAnswered,
)
from shared.events.petition import (
    HigherAuthorityAnswered,
    PetitionAssigned,
    PetitionClassified,
    PetitionEscalated,
    PetitionForwarded,
    PetitionReassigned,
    PetitionReceived,
    PetitionScheduled,
)


class PetitionCase(ReplyCase[Fact], kw_only=True):
    """A petition as its facts tell it."""

    petition_id: UUID
    facts: list[Fact] = []
    by_kind: dict[type, list[Fact]] = {}
    classified: PetitionClassified | None = None
    scheduled: list[UUID] = []
    forwarded: list[Fact] = []
    escalated: list[Fact] = []
    higher_answers: list[Fact] = []

    @property
    def lead(self) -> str:
        """The lead agency, or "" until there is one."""
        last = self.assigned[-1].event if self.assigned else None
        return last.agency if isinstance(last, PetitionAssigned | PetitionReassigned) else ""

    @property
    def conferences(self) -> set[UUID]:
        return {*self.scheduled, *self.raised}

    def of(self, kind: type) -> list[Fact]:
        """The facts of a kind, in the order recorded."""
        return self.by_kind.get(kind, [])


def fold_petition(petition_id: UUID, facts: Sequence[Fact]) -> PetitionCase | None:
    """The case in its standing facts; None where nothing was received."""
    case: PetitionCase | None = None
    for fact in standing(facts):
        if isinstance(fact.event, PetitionReceived):
            case = PetitionCase(fact, [Round()], petition_id=petition_id)
        if case is not None:
            evolve(case, fact)
    return case


def evolve(case: PetitionCase, fact: Fact) -> None:
    """Take the next fact into a case; any but an annulment, which takes one out again."""
    case.facts.append(fact)
    case.by_kind.setdefault(type(fact.event), []).append(fact)
    match fact.event:
        case PetitionClassified() as classified:
            case.classified = classified
        case PetitionScheduled() as scheduled:
            case.scheduled.append(scheduled.conference_id)
        case PetitionForwarded():
            case.forwarded.append(fact)
        case PetitionEscalated():
            case.escalated.append(fact)
        case HigherAuthorityAnswered():
            case.higher_answers.append(fact)
        case _:
            evolve_reply_case(case, fact)


class BackwardPeriod(msgspec.Struct):
    """The time in which one starting act counts back from one first conference day.

    A rescheduling in time moves the day within the stretch; one dated after the due date ends it and starts the next.
    """

    start: Fact
    planned: Fact
    first_day: date
    overtaken: Fact | None = None


class ConferenceCase(msgspec.Struct):
    """A conference as its facts tell it."""

    conference_id: UUID
    by_kind: dict[type, list[Fact]] = {}
    jurisdiction: str = ""
    proposed: Fact | None = None
    decided: Fact | None = None
    planned: Fact | None = None
    rescheduled: list[Fact] = []
    opened: Fact | None = None
    cancelled: Fact | None = None
    closed: Fact | None = None
    complexity: list[Fact] = []
    published: list[Fact] = []
    taken_down: list[Fact] = []

    @property
    def concluded(self) -> Fact | None:
        """The conclusion notice."""
        notices = by_effect(self.of(ConclusionNoticeIssued))
        return notices[0] if notices else None

    @property
    def audience(self) -> str:
        """Whom the dialogue is for; "" is everyone."""
        if self.plan is not None:
            return self.plan.audience
        asked = self.proposed.event if self.proposed else None
        return asked.audience if isinstance(asked, DialogueRequested) else ""

    @property
    def plan(self) -> ConferencePlanned | None:
        return self.planned.event if self.planned and isinstance(self.planned.event, ConferencePlanned) else None

    @property
    def first_day(self) -> date | None:
        """The first day as it stands now."""
        last = by_effect(self.rescheduled)[-1].event if self.rescheduled else self.plan
        return last.first_day if isinstance(last, ConferencePlanned | ConferenceRescheduled) else None

    def of(self, kind: type) -> list[Fact]:
        """The facts of a kind, in the order recorded."""
        return self.by_kind.get(kind, [])


def fold_conference(conference_id: UUID, facts: Sequence[Fact]) -> ConferenceCase | None:
    """The conference in its standing facts; None where there are none."""
    known = standing(facts)
    if not known:
        return None
    case = ConferenceCase(conference_id)
    for fact in known:
        case.by_kind.setdefault(type(fact.event), []).append(fact)
        match fact.event:
            case ConferenceProposed() | DialogueRequested() as proposed:
                case.proposed, case.jurisdiction = fact, proposed.jurisdiction
            case ConferenceProposalDecided() | RequestAnswered():
                case.decided = fact
            case ConferencePlanned() as planned:
                case.planned, case.jurisdiction = fact, planned.jurisdiction
            case ConferenceRescheduled():
                case.rescheduled.append(fact)
            case ConferenceOpened():
                case.opened = fact
            case ConferenceCancelled():
                case.cancelled = fact
            case ConferenceClosed():
                case.closed = fact
            case ComplexityDetermined():
                case.complexity.append(fact)
            case PublicationStarted():
                case.published.append(fact)
            case PublicationEnded():
                case.taken_down.append(fact)
            case _:
                pass
    return case if case.jurisdiction else None


class Dialogue(msgspec.Struct, frozen=True):
    """A periodic conference that was held: all that the duties of its authority look at."""

    jurisdiction: str
    audience: str
    closed: Fact


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
