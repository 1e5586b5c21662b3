"""A conference as its standing facts tell it."""

import functools
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from services.intake.domain.facts import Fact
from shared.cases.facts import by_effect, standing
from shared.events import DatedEvent
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
    InternalReviewHeld,
    MinutesAdopted,
    PreparationTaskAssigned,
    PreparationTaskDone,
    PublicationEnded,
    PublicationStarted,
    RequestAnswered,
    SecretaryAppointed,
    SpeakerCalled,
    SpeakerRegistered,
)
from shared.policy.schema import Trait


class Task(msgspec.Struct, frozen=True):
    """A part of the preparation and the body that it was given to."""

    name: str
    agency: str
    done: bool = False


class ConferenceEnd(msgspec.Struct, frozen=True):
    """A conference as far as the replies to what was raised there depend on it."""

    audience: str
    cancelled: Fact | None
    closed: Fact | None
    concluded: Fact | None


class Conference(msgspec.Struct, frozen=True, dict=True):
    """The state on which the next deed is judged."""

    jurisdiction: str
    begun_on: date
    proposed: bool = False
    requested: bool = False
    accepted: bool | None = None
    kind: str = ""
    audience: str = ""
    planned_on: date | None = None
    first_days: tuple[date, ...] = ()
    last_day: date | None = None
    office: str = ""
    station: str = ""
    tasks: tuple[Task, ...] = ()
    opened_on: date | None = None
    cancelled: bool = False
    closed_on: date | None = None
    secretary: bool = False
    registered: tuple[str, ...] = ()
    speaking_for: Mapping[str, tuple[str, ...]] = {}
    called: tuple[str, ...] = ()
    minutes: bool = False
    reviewed: bool = False
    concluded: bool = False
    concluded_on: date | None = None
    traits: tuple[Trait, ...] = ()
    public: tuple[tuple[str, str], ...] = ()

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts behind the state, annulled ones too; outside the fields, so that views do not repeat them."""
        found: tuple[Fact, ...] = self.__dict__.get("facts_behind", ())
        return found

    @functools.cached_property
    def end(self) -> "ConferenceEnd":
        """The facts on which the clocks of replies depend."""
        facts = by_effect(standing(self.facts))

        def first(kind: type[DatedEvent]) -> Fact | None:
            return next((fact for fact in facts if isinstance(fact.event, kind)), None)

        return ConferenceEnd(
            self.audience, first(ConferenceCancelled), first(ConferenceClosed), first(ConclusionNoticeIssued)
        )

    @property
    def first_day(self) -> date | None:
        """The first day as planned now."""
        return self.first_days[-1] if self.first_days else None

    def task(self, name: str) -> Task | None:
        """The task of that name."""
        return next((task for task in self.tasks if task.name == name), None)


def conference_ids(facts: Sequence[Fact]) -> tuple[UUID, ...]:
    """The petitions that the facts of a conference name."""
    found: list[UUID] = []
    for fact in facts:
        match fact.event:
            case ConferenceProposed():
                found.extend(fact.event.petition_ids)
            case SpeakerRegistered(petition_id=petition_id) if petition_id is not None:
                found.append(petition_id)
            case ConclusionNoticeIssued():
                found.extend(line.petition_id for line in fact.event.assignments)
            case _:
                pass
    return tuple(dict.fromkeys(found))


def fold_conference(facts: Sequence[Fact]) -> Conference | None:
    """The conference in its standing facts; None where there is neither proposal nor plan."""
    conference = None
    for fact in standing(facts):
        conference = evolve_conference(conference, fact.event)
    if conference is not None:
        conference.__dict__["facts_behind"] = tuple(facts)
    return conference


def evolve_conference(conference: Conference | None, event: DatedEvent) -> Conference | None:
    """The state after one more deed."""
    match event:
        case ConferenceProposed():
            return Conference(event.jurisdiction, event.effective_on, proposed=True, kind=event.kind)
        case DialogueRequested():
            return Conference(event.jurisdiction, event.effective_on, requested=True, audience=event.audience)
        case ConferencePlanned():
            return _planned(conference or Conference(event.jurisdiction, event.effective_on), event)
        case _:
            return None if conference is None else _evolve(conference, event)


def conference_after(conference: Conference, fact: Fact) -> Conference:
    """The state after one more fact, which stays behind it as if it had been recorded."""
    evolved = evolve_conference(conference, fact.event)
    assert evolved is not None
    after = msgspec.structs.replace(evolved)
    after.__dict__["facts_behind"] = (*conference.facts, fact)
    return after


def _planned(conference: Conference, event: ConferencePlanned) -> Conference:
    return msgspec.structs.replace(
        conference,
        jurisdiction=event.jurisdiction,
        kind=event.kind,
        planned_on=event.effective_on,
        first_days=(event.first_day,),
        last_day=event.last_day,
        office=event.office,
        station=event.station,
        audience=event.audience,
    )


def _evolve(conference: Conference, event: DatedEvent) -> Conference:
    change = msgspec.structs.replace
    match event:
        case ConferenceProposalDecided() | RequestAnswered():
            return change(conference, accepted=event.accepted)
        case ConferenceRescheduled():
            days = (*conference.first_days, event.first_day)
            return change(conference, first_days=days, last_day=event.last_day)
        case ConferenceCancelled():
            return change(conference, cancelled=True)
        case PreparationTaskAssigned():
            return change(conference, tasks=(*conference.tasks, Task(event.task, event.agency)))
        case PreparationTaskDone():
            tasks = tuple(change(t, done=True) if t.name == event.task else t for t in conference.tasks)
            return change(conference, tasks=tasks)
        case ConferenceOpened():
            return change(conference, opened_on=event.effective_on)
        case SecretaryAppointed():
            return change(conference, secretary=True)
        case SpeakerRegistered():
            speaking = {**conference.speaking_for, event.speaker: event.petitioner_ids}
            return change(conference, registered=(*conference.registered, event.speaker), speaking_for=speaking)
        case SpeakerCalled():
            return change(conference, called=(*conference.called, event.speaker))
        case MinutesAdopted():
            return change(conference, minutes=True)
        case ConferenceClosed():
            return change(conference, closed_on=event.effective_on)
        case InternalReviewHeld():
            return change(conference, reviewed=True)
        case ConclusionNoticeIssued():
            return change(conference, concluded=True, concluded_on=event.effective_on)
        case ComplexityDetermined():
            return change(conference, traits=(*conference.traits, event.variant))
        case PublicationStarted():
            return change(conference, public=(*conference.public, (event.what, event.channel)))
        case PublicationEnded():
            gone = (event.what, event.channel)
            return change(conference, public=tuple(each for each in conference.public if each != gone))
        case _:
            return conference
