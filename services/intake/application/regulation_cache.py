"""What this process knows without asking: the regulation, the versions of its aggregates, the store's day."""

import asyncio
from collections.abc import Mapping
from datetime import date
from uuid import UUID

import msgspec

from services.intake.application.ports import History
from services.intake.application.stream_ids import regulation_id
from services.intake.domain import AnyFact, Regulation, fold_regulation
from shared.events.any_stream import RecordAnnulled
from shared.events.person import PersonEvent


class RegulationSnapshot(msgspec.Struct, frozen=True):
    """What was known at one moment. A refresh does not change it, so that a decision rests on one state alone."""

    regulation: Regulation
    versions: Mapping[UUID, int]
    today: date
    attributes: frozenset[str] = frozenset()


class RegulationCache:
    """A cache that may be stale and is never trusted: every append checks the versions that it gave out."""

    def __init__(self, history: History, attributes: frozenset[str] = frozenset()) -> None:
        self._history = history
        #: The names of attributes of petitions that the configuration declares.
        self.attributes = attributes
        self.facts: list[AnyFact] = []
        #: The event up to which it was read. Another one at its position is another history: the store was restored.
        self._position = 0
        self._event_id: UUID | None = None
        self._lock = asyncio.Lock()
        self.regulation: Regulation = fold_regulation(())
        self.versions: dict[UUID, int] = {}
        self.today: date = date.min
        #: How often something that decisions rest on has changed: tells one state of this knowledge from another.
        self.changes = 0

    def snapshot(self) -> RegulationSnapshot:
        """What is known now."""
        return RegulationSnapshot(self.regulation, self.versions, self.today, self.attributes)

    async def refresh(self) -> bool:
        """Read what was recorded since; whether anything that decisions rest on changed."""
        async with self._lock:
            today = await self._history.today()
            restored = await self._history.event_id_at(self._position) != self._event_id
            since = 0 if restored else self._position
            facts, head = await self._history.regulation_after(since)
            unread = restored or head > since
            event_id = await self._history.event_id_at(head) if unread else self._event_id
            # From here on nobody else takes a turn: who sees `changes` sees what has changed.
            changed = restored or bool(facts) or today > self.today
            self.changes += changed
            if restored:
                self.facts, self.versions, self.regulation, self.today = [], {}, fold_regulation(()), date.min
            self.learn_day(today)
            self._position, self._event_id = head, event_id
            if facts:
                self.facts.extend(facts)
                self.regulation = fold_regulation(self.facts)
                # A dict of its own: a decision under way still expects the versions of the regulation that it reads.
                self.versions = self.versions | {self._stream_of(fact): fact.version for fact in facts}
            return changed

    async def read(self) -> None:
        """Refresh it for whoever is told of it: nothing of it is taken back by a fail-over. Raises NotConfirmed."""
        epoch = self._history.epoch
        await self.refresh()
        await self._history.confirm(self.facts[-1].position if self.facts else 0, epoch)

    async def lies_within(self, jurisdiction: str, place: str) -> bool:
        """Whether a jurisdiction's cases are those of a place; it is read anew before it is said that they are not."""

        def lies() -> bool:
            return self.regulation.lies_within(jurisdiction, place, self.today)

        return lies() or (await self.refresh() and lies())

    def _stream_of(self, fact: AnyFact) -> UUID:
        """The aggregate of a fact of the regulation; an annulment is in that of the record that it takes back."""
        event = fact.event
        if isinstance(event, RecordAnnulled):
            event = next(known.event for known in self.facts if known.event_id == event.event_id)
        if isinstance(event, PersonEvent):
            return self.regulation.people.person_of(event)
        originator = regulation_id(event)
        assert originator is not None
        return originator

    def learn_day(self, day: date) -> None:
        """The store's clock moves forwards only: the latest day seen is the best guess."""
        self.today = max(self.today, day)
