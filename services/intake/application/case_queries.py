"""What intake tells of a case: its public and internal record, and, through one logged door, its content."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from services.intake.application.errors import NotFound
from services.intake.application.ports import EventPlace, History, StoredKey
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import (
    AnyFact,
    Caller,
    Conference,
    Petition,
    check_reading_answer,
    fold_conference,
    fold_petition,
    inherited,
    may_read_content,
    may_see,
)
from shared.events import public_data
from shared.identifiers import is_within, kept_forms

C = TypeVar("C", Petition, Conference)


class Sealed(Protocol):
    """A stored event with something sealed in it."""

    @property
    def event_id(self) -> UUID: ...


class Contents(Protocol):
    """Sealed bytes, and the record of each reading."""

    async def record_reading(self, caller: str, on_behalf_of: str, subject_id: UUID) -> None: ...
    async def sealed_of(self, *originator_ids: UUID) -> Sequence[Any]: ...


class Opener(Protocol):
    """Opens what can still be opened."""

    def opened(self, row: Any, keys: Mapping[UUID, StoredKey]) -> dict[str, Any]: ...


class EventContent(msgspec.Struct, frozen=True, kw_only=True):
    """What still opens of one event's sealed fields."""

    event_id: UUID
    topic: str
    content: dict[str, Any]


class CaseQueries:
    """Answers questions, each within what the caller may see."""

    def __init__(self, regulation_cache: RegulationCache, history: History, contents: Contents, opener: Opener) -> None:
        self.regulation_cache = regulation_cache
        self._history = history
        self._contents = contents
        self._opener = opener

    async def petition(self, caller: Caller, petition_id: UUID) -> tuple[Petition, Sequence[AnyFact]]:
        """A petition and its facts, none of which a fail-over takes back. Raises NotFound, NotConfirmed."""
        epoch = self._history.epoch
        facts = (await self._history.facts([petition_id]))[petition_id]
        petition = fold_petition(facts) if facts and facts[0].event.AGGREGATE == "petition" else None
        # Whose case it is, is itself something that not everyone may know: out of reach looks like not there.
        if petition is None or not await self._is_seen(caller, petition, facts):
            raise NotFound(None, "petition")
        await self._history.confirm(facts[-1].position, epoch)
        return petition, facts

    async def recorded_petition(self, caller: Caller, petition_id: UUID) -> Sequence[AnyFact]:
        """The facts of a petition, also of one whose receipt was annulled. Raises NotFound, NotConfirmed."""
        epoch = self._history.epoch
        facts = (await self._history.facts([petition_id]))[petition_id]
        is_petition = bool(facts) and facts[0].event.AGGREGATE == "petition"
        petition = fold_petition(facts) or fold_petition(facts[:1]) if is_petition else None
        if petition is None or not await self._is_seen(caller, petition, facts):
            raise NotFound(None, "petition")
        await self._history.confirm(facts[-1].position, epoch)
        return facts

    def check_reading_answer(self, caller: Caller, facts: Sequence[AnyFact]) -> None:
        """Refuse the sealed words of an answer to who may not read them. Raises NotAllowed."""
        petition, known = fold_petition(facts) or fold_petition(facts[:1]), self.regulation_cache
        assert petition is not None
        check_reading_answer(caller, self._of_heirs(caller, inherited(petition, known.regulation, known.today)))

    async def _is_seen(self, caller: Caller, case: Petition | Conference, facts: Sequence[AnyFact]) -> bool:
        """Whether a caller sees a case; the bodies are read anew before it is said that there is none."""
        if self._sees(caller, case, facts):
            return True
        return await self.regulation_cache.refresh() and self._sees(caller, case, facts)

    def _sees(self, caller: Caller, case: Petition | Conference, facts: Sequence[AnyFact]) -> bool:
        return may_see(caller, case, facts, self.regulation_cache.regulation, self.regulation_cache.today)

    async def conference(self, caller: Caller, conference_id: UUID) -> tuple[Conference, Sequence[AnyFact]]:
        """A conference and its facts, as of a petition. Raises NotFound, NotConfirmed."""
        epoch = self._history.epoch
        facts = (await self._history.facts([conference_id]))[conference_id]
        conference = fold_conference(facts) if facts and facts[0].event.AGGREGATE == "conference" else None
        if conference is None or not await self._is_seen(caller, conference, facts):
            raise NotFound(None, "conference")
        await self._history.confirm(facts[-1].position, epoch)
        return conference, facts

    async def referred(self, source: str, external_id: str) -> EventPlace | None:
        """The event that an external reference belongs to."""
        for kept in itertools.product(kept_forms(source), kept_forms(external_id)):
            if (place := await self._history.reference(*kept)) is not None:
                return place
        return None

    async def petition_content(self, caller: Caller, on_behalf_of: str, petition_id: UUID) -> list[EventContent]:
        """Everything sealed of a petition that still opens, by event. Raises NotFound, NotAllowed."""
        await self.begin_reading_petition(caller, on_behalf_of, petition_id)
        return await self._content(petition_id)

    async def conference_content(self, caller: Caller, on_behalf_of: str, conference_id: UUID) -> list[EventContent]:
        """The same of a conference: minutes, speakers' words, the chair's reasons. Raises NotFound, NotAllowed."""
        await self.begin_reading_conference(caller, on_behalf_of, conference_id)
        return await self._content(conference_id)

    async def begin_reading_petition(self, caller: Caller, on_behalf_of: str, petition_id: UUID) -> None:
        """Record that a caller reads what is sealed of a petition, before it does. Raises NotFound, NotAllowed."""
        petition, _ = await self.petition(caller, petition_id)
        await self.regulation_cache.refresh()
        known = self.regulation_cache
        may_read_content(caller, self._of_heirs(caller, inherited(petition, known.regulation, known.today)))
        await self._contents.record_reading(caller.name, on_behalf_of, petition_id)

    async def begin_reading_conference(self, caller: Caller, on_behalf_of: str, conference_id: UUID) -> None:
        """Record that a caller reads what is sealed of a conference, before it does. Raises NotFound, NotAllowed."""
        conference, _ = await self.conference(caller, conference_id)
        may_read_content(caller, self._of_heirs(caller, conference))
        await self._contents.record_reading(caller.name, on_behalf_of, conference_id)

    def _of_heirs(self, caller: Caller, case: C) -> C:
        """The case, for callers beyond its jurisdiction as that of whoever has taken over from it."""
        if is_within(case.jurisdiction, caller.jurisdiction):
            return case
        known = self.regulation_cache
        heir = known.regulation.successor_of_jurisdiction(case.jurisdiction, known.today)
        return msgspec.structs.replace(case, jurisdiction=heir)

    async def _content(self, subject_id: UUID) -> list[EventContent]:
        """What is sealed, once the reading is recorded."""
        rows = await self._contents.sealed_of(subject_id)
        keys = {key.key_id: key for key in await self._history.keys_of([subject_id])}
        return [
            EventContent(event_id=row.event_id, topic=row.topic, content=self._opener.opened(row, keys)) for row in rows
        ]


class FactView(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded fact without what is sealed. `data` are the fields of its event, by the schema of its topic."""

    event_id: UUID
    topic: str
    version: int
    position: int
    recorded_at: datetime
    data: dict[str, Any]


def public_fact(fact: AnyFact) -> FactView:
    """A fact without what is sealed."""
    return FactView(
        event_id=fact.event_id,
        topic=fact.event.TOPIC,
        version=fact.version,
        position=fact.position,
        recorded_at=fact.recorded_at,
        data=public_data(fact.event),
    )
