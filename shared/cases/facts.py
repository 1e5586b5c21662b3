"""Recorded facts as the rules see them: which of them stand, and in which order they took effect."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Protocol, TypeVar
from uuid import UUID

from shared.events import Event
from shared.events.any_stream import RecordAnnulled


class RecordedFact(Protocol):
    """An event with its place in the log. Each service has a struct of its own for it."""

    @property
    def event(self) -> Event:
        """What was recorded."""
        ...

    @property
    def event_id(self) -> UUID:
        """The id by which an annulment names the record."""
        ...

    @property
    def position(self) -> int:
        """The place in the log."""
        ...

    @property
    def recorded_at(self) -> datetime:
        """When it was recorded."""
        ...

    @property
    def on(self) -> date:
        """The day on which it took effect."""
        ...


F = TypeVar("F", bound=RecordedFact)
F_co = TypeVar("F_co", bound=RecordedFact, covariant=True)


def annulled_ids(facts: Iterable[RecordedFact]) -> set[UUID]:
    """The records that were taken back."""
    return {fact.event.event_id for fact in facts if isinstance(fact.event, RecordAnnulled)}


def standing(facts: Iterable[F]) -> list[F]:
    """The facts that no annulment took back, in the order recorded; the annulments themselves are left out."""
    known = list(facts)
    annulled = annulled_ids(known)
    if not annulled:
        return known
    return [f for f in known if f.event_id not in annulled and not isinstance(f.event, RecordAnnulled)]


def by_effect(facts: Iterable[F]) -> list[F]:
    """Facts in the order in which they took effect; on the same day, in the order recorded."""
    known = list(facts)
    return sorted(known, key=lambda f: (f.on, f.position)) if len(known) > 1 else known
