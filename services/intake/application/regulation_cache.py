"""What this process knows without asking: the regulation, the versions of its aggregates, the store's day."""

import asyncio
from datetime import date
from uuid import UUID

from services.intake.application.ports import History
from services.intake.application.stream_ids import regulation_id
from services.intake.domain import AnyFact, Regulation, fold_regulation
from shared.events.any_stream import RecordAnnulled


class RegulationCache:
    """A cache that may be stale and is never trusted: every append checks the versions that it gave out."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.facts: list[AnyFact] = []
        self._position = 0
        self._lock = asyncio.Lock()
        self.regulation: Regulation = fold_regulation(())
        self.versions: dict[UUID, int] = {}
        self.today: date = date.min
        #: How often something that decisions rest on has changed: tells one state of this knowledge from another.
        self.changes = 0

    async def refresh(self) -> bool:
        """Read what was recorded since; whether anything that decisions rest on changed."""
        async with self._lock:
            today = await self._history.today()
            facts, head = await self._history.regulation_after(self._position)
            changed = bool(facts) or today > self.today
            self.changes += changed
            self.learn_day(today)
            self._position = head
            if facts:
                self.facts.extend(facts)
                self.regulation = fold_regulation(self.facts)
                for fact in facts:
                    self.versions[self._stream_of(fact)] = fact.version
            return changed

    def _stream_of(self, fact: AnyFact) -> UUID:
        """The aggregate of a fact of the regulation; an annulment is in that of the record that it takes back."""
        event = fact.event
        if isinstance(event, RecordAnnulled):
            event = next(known.event for known in self.facts if known.event_id == event.event_id)
        originator = regulation_id(event)
        assert originator is not None
        return originator

    def learn_day(self, day: date) -> None:
        """The store's clock moves forwards only: the latest day seen is the best guess."""
        self.today = max(self.today, day)
