"""Applies one event to the engine, or parks it. Folds petitions again from their first facts."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from services.followup.application.ports import CaseRecord, ParkedRecord, SourceStopped
from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.due_dates import UncountableDuty
from services.followup.domain.facts import Fact, fact_of
from shared.events import EVENTS, Recorded, Undecodable
from shared.events.petition import PetitionMerged, PetitionRaised, PetitionScheduled


def decoded(event: Recorded) -> Fact | Undecodable:
    """Decode an event: the fact, or why it cannot be read. Raises UnknownTopic."""
    try:
        return fact_of(event)
    except Undecodable as error:
        return error


def apply_event(engine: DeadlineEngine, event: Recorded, fact: Fact | Undecodable) -> ParkedRecord | None:
    """Apply one event; return None, or how it was parked.

    A petition's event that fails is parked, and the petition's later events wait behind it. Raises SourceStopped for
    any other failing event: everything after it could be wrong.
    """
    petition_id = petition_of(engine, event, fact)
    waits_for = _blocked_by(engine, petition_id, fact)
    if waits_for is not None and petition_id is not None:
        _park(engine, petition_id)
        return ParkedRecord(event, petition_id, f"waits for {waits_for}")
    try:
        if isinstance(fact, Undecodable):
            raise fact
        engine.apply(fact)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        if petition_id is None:
            raise SourceStopped(f"position {event.position}, {event.topic}: {why}") from error
        _park(engine, petition_id)
        return ParkedRecord(event, petition_id, why)
    return None


def petition_of(engine: DeadlineEngine, event: Recorded, fact: Fact | Undecodable) -> UUID | None:
    """Return the petition that an event belongs to; None for the regulation and conferences."""
    kind = fact.meta.aggregate if isinstance(fact, Fact) else EVENTS[event.topic].AGGREGATE
    return event.originator_id if kind == "petition" or engine.cases.is_petition(event.originator_id) else None


def links_of(petition_id: UUID, fact: Fact | Undecodable) -> list[tuple[UUID, UUID, bool]]:
    """Return what an event ties a petition to: a conference, or the petition into which it was merged.

    Each link is (other, petition, merged).
    """
    match fact.event if isinstance(fact, Fact) else None:
        case PetitionScheduled(conference_id=conference_id) | PetitionRaised(conference_id=conference_id):
            return [(conference_id, petition_id, False)]
        case PetitionMerged(into=into):
            return [(into, petition_id, True)]
        case _:
            return []


def _blocked_by(engine: DeadlineEngine, petition_id: UUID | None, fact: Fact | Undecodable) -> UUID | None:
    if petition_id in engine.parked:
        return petition_id
    into = fact.event.into if isinstance(fact, Fact) and isinstance(fact.event, PetitionMerged) else None
    return into if into in engine.parked else None


def _park(engine: DeadlineEngine, petition_id: UUID) -> None:
    before = set(engine.parked)
    engine.park(petition_id)
    engine.dirty |= engine.parked - before  # their rows must show that their timers wait


class Refolded(msgspec.Struct):
    """A petition and those merged with it after all their facts; or why they still cannot be folded."""

    raised: list[DeadlineState] = []  # every deadline
    cases: list[CaseRecord] = []
    emitted: list[Emitted] = []  # every deadline event since the first fact, by their instants
    uncountable: dict[UUID, list[UncountableDuty]] = {}  # of each petition, what cannot be counted
    failure: str = ""  # the position and the error; empty when they were folded


def refold(
    source: str, context: Iterable[Fact], petitions: Mapping[UUID, Iterable[Recorded]], horizon: datetime | None
) -> Refolded:
    """Fold petitions from their first facts up to a horizon, with the timers that fall in between.

    `context` holds the facts of the regulation and of the petitions' conferences. Petitions touch each other by mergers
    alone, so a petition with all that are merged with it gives what folding everything gives.
    """
    engine = DeadlineEngine(source)
    steps: list[tuple[int, Recorded | Fact]] = [(fact.position, fact) for fact in context]
    steps += [(recorded.position, recorded) for events in petitions.values() for recorded in events]
    for position, step in sorted(steps, key=lambda each: each[0]):
        try:
            engine.apply(step if isinstance(step, Fact) else fact_of(step))
        except Exception as error:
            return Refolded(failure=f"position {position}: {type(error).__name__}: {error}")
    if horizon is not None:
        engine.advance(horizon)
    return Refolded(
        raised=[r for p in petitions for r in engine.raised_of(p)],
        cases=[record for p in petitions if (record := record_of(engine, p)) is not None],
        emitted=sorted(
            (e for e in engine.emitted if e.event.subject_id in petitions), key=lambda e: (e.event.at, e.version)
        ),
        uncountable=uncountable_of(engine, petitions),
    )


def uncountable_of(engine: DeadlineEngine, subject_ids: Iterable[UUID]) -> dict[UUID, list[UncountableDuty]]:
    """Return the duties of some subjects that cannot be counted; none for a subject of which all can be."""
    return {subject_id: list(engine.cases.uncountable.get(subject_id, {}).values()) for subject_id in subject_ids}


def record_of(engine: DeadlineEngine, subject_id: UUID) -> CaseRecord | None:
    """Return a subject's row with its deadlines; None when it has no case."""
    row = engine.case_row(subject_id)
    return CaseRecord(row, tuple(engine.raised_of(subject_id))) if row is not None else None
