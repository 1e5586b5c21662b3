"""Replaying a source's history in memory up to a point, and the digest of the state that it gives."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from services.followup.application.applying import apply_event, decoded
from services.followup.application.state_digest import StatePoint, engine_digest
from services.followup.domain.deadlines.engine import DeadlineEngine
from shared.events import Recorded
from shared.identifiers import FIRST_YEAR, LAST_YEAR

_POINT = re.compile(r"(\d+)(?:@(.+))?")


class InvalidPoint(ValueError):
    """A point in a history that is none; the message says which forms there are."""


class Until(msgspec.Struct, frozen=True):
    """Up to which position, to which instant; either may be left open."""

    position: int | None = None
    instant: datetime | None = None


class SourceLog(Protocol):
    """A source's log from its beginning; once it was read to its end it says to which instant it is complete."""

    complete_to: datetime | None

    def pages(self) -> AsyncIterator[Sequence[Recorded]]:
        """The events in order, some at a time."""
        ...


class Replayed(msgspec.Struct):
    """The state at a point."""

    engine: DeadlineEngine
    point: StatePoint
    parked: int = 0

    @property
    def digest(self) -> str:
        """The digest of the state."""
        return engine_digest(self.engine, self.point)


def parse_until(text: str) -> Until:
    """`POSITION`, `POSITION@INSTANT` or `INSTANT`; an instant has an offset. Raises InvalidPoint."""
    found = _POINT.fullmatch(text)
    position = int(found[1]) if found else None
    written = found[2] if found else text
    if written is None:
        return Until(position)
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise InvalidPoint(f"{text!r}: give POSITION, POSITION@INSTANT or INSTANT, as 1200@2019-10-04T09:00:00+07:00")
    return Until(position, instant)


async def replay(history: SourceLog, until: Until) -> Replayed:
    """Fold the events of pages up to a point. A position alone means its event's stamp as horizon.

    Raises InvalidPoint where the history does not reach the point, SourceStopped where it cannot be folded.
    """
    engine, last, parked = DeadlineEngine(""), None, 0
    async for page in history.pages():
        for event in page:
            if (until.position is not None and event.position > until.position) or (
                until.position is None and until.instant is not None and event.recorded_at > until.instant
            ):
                return _ended(engine, last, until, parked)
            if last is None:
                engine = DeadlineEngine(event.source)
            parked += apply_event(engine, event, decoded(event)) is not None
            last = event
    if until.instant is not None and (history.complete_to is None or until.instant > history.complete_to):
        raise InvalidPoint(f"the source is complete only to {history.complete_to}: what comes later is not known yet")
    return _ended(engine, last, until, parked)


def _ended(engine: DeadlineEngine, last: Recorded | None, until: Until, parked: int) -> Replayed:
    if last is None:
        raise InvalidPoint("there is no event up to this point")
    if until.position is not None and last.position != until.position:
        raise InvalidPoint(f"the history ends at position {last.position}, before {until.position}")
    engine.advance(until.instant or last.recorded_at)
    horizon = engine.horizon
    assert horizon is not None
    return Replayed(engine, StatePoint(last.source, last.epoch, last.position, horizon), parked)
