"""An act is decided part after part, each as a command by itself, on a history in which the parts before it stand."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from services.intake.application.command import Command
from services.intake.application.composite.given_act import GivenAct, of_part
from services.intake.application.deciding import CommandDecider, Decided
from services.intake.application.ports import CaseHistory, EventPlace, Ids, StoredKey
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import AnyFact
from services.intake.domain.facts import unrecorded
from shared.events import PetitionReference
from shared.events.petition import PetitionMerged, PetitionRaised, PetitionScheduled
from shared.identifiers import normalised


class DecidedPart(msgspec.Struct, frozen=True):
    """A part as a command by itself, and what it comes to."""

    command: Command
    decided: Decided


class DecidedAct(msgspec.Struct, frozen=True):
    """What an act comes to. `expected` holds the version in the store of every aggregate that any part rests on."""

    parts: tuple[DecidedPart, ...]
    expected: dict[UUID, int]


class ActDecider:
    """Decides acts."""

    def __init__(self, regulation_cache: RegulationCache, history: CaseHistory, new_id: Ids) -> None:
        self._regulation_cache, self._history, self._new_id = regulation_cache, history, new_id

    async def decide(self, act: GivenAct) -> DecidedAct:
        """What each part comes to on the state that the parts before it leave. Raises Refused, with the part."""
        known, working = self._regulation_cache.snapshot(), WorkingHistory(self._history)
        decider = CommandDecider(self._regulation_cache, working, self._new_id)
        await working.facts(_targets(act))  # all at once, not one for each part
        parts: list[DecidedPart] = []
        expected: dict[UUID, int] = {}
        for number, part in enumerate(act.parts):
            with of_part(number):
                command = part.command(act.caller, [each.decided.facts[0].originator_id for each in parts])
                decided = await decider.decide(command, known)
            for originator, version in decided.expected.items():
                expected[originator] = working.stored_versions.get(originator, version)
            working.add(command, decided)
            parts.append(DecidedPart(command, decided))
            await asyncio.sleep(0)  # others take their turn: there may be hundreds of parts
        return DecidedAct(tuple(parts), expected)


class WorkingHistory:
    """The history as it will be once what is decided so far is recorded. What the store tells is read once."""

    def __init__(self, history: CaseHistory) -> None:
        self._history = history
        #: The version in the store of each aggregate that was read or created; 0 where it does not exist.
        self.stored_versions: dict[UUID, int] = {}
        self._facts: dict[UUID, list[AnyFact]] = {}
        self._begun: dict[UUID, EventPlace] = {}
        self._petitions_at: dict[UUID, list[UUID]] = {}
        self._mergers: dict[UUID, list[UUID]] = {}
        self._decided = 0

    async def facts(self, originators: Iterable[UUID]) -> Mapping[UUID, Sequence[AnyFact]]:
        """The facts of each aggregate, those that are only decided last."""
        wanted = list(originators)
        if missing := [each for each in wanted if each not in self._facts]:
            for originator, facts in (await self._history.facts(missing)).items():
                self._facts[originator] = list(facts)
                self.stored_versions[originator] = facts[-1].version if facts else 0
        return {originator: self._facts[originator] for originator in wanted}

    async def place(self, originator_id: UUID, version: int) -> EventPlace:
        """Where one event stands; of those that are only decided, the first of a case."""
        if version == 1 and (begun := self._begun.get(originator_id)) is not None:
            return begun
        return await self._history.place(originator_id, version)

    async def petitions_at(self, conference_id: UUID) -> Sequence[UUID]:
        """The petitions ever scheduled for or raised at a conference."""
        return [*await self._history.petitions_at(conference_id), *self._petitions_at.get(conference_id, ())]

    async def merged_into(self, petition_ids: Iterable[UUID]) -> Sequence[UUID]:
        """The petitions ever merged into these."""
        wanted = list(petition_ids)
        added = [merged for survivor in wanted for merged in self._mergers.get(survivor, ())]
        return [*await self._history.merged_into(wanted), *added]

    async def keys_owned_by(self, owner_id: str) -> Sequence[StoredKey]:
        """Every sealing key of a petitioner."""
        return await self._history.keys_owned_by(owner_id)

    def add(self, command: Command, decided: Decided) -> None:
        """Take what a part comes to for recorded."""
        for fact in decided.facts:
            originator, event = fact.originator_id, fact.event
            self.stored_versions.setdefault(originator, 0)
            facts = self._facts.setdefault(originator, [])
            version = facts[-1].version + 1 if facts else 1
            reference = PetitionReference(*command.reference) if version == 1 and command.reference else None
            facts.append(
                msgspec.structs.replace(unrecorded(event, self._decided), version=version, reference=reference)
            )
            self._decided += 1
            if version == 1:
                source = command.reference[0] if command.reference else normalised(command.body.source)
                place = (originator, 1, 0, datetime.max.replace(tzinfo=UTC), event.TOPIC, fact.aggregate)
                self._begun[originator] = EventPlace(*place, fact.jurisdiction, command.caller.name, source)
            match event:
                case PetitionScheduled() | PetitionRaised():
                    self._petitions_at.setdefault(event.conference_id, []).append(originator)
                case PetitionMerged():
                    self._mergers.setdefault(event.into, []).append(originator)
                case _:
                    pass  # the other events tie no petition to another case


def _targets(act: GivenAct) -> set[UUID]:
    """The cases that the parts name by their ids."""
    found: set[UUID] = set()
    for part in act.parts:
        if not part.codec.route.creates:
            try:
                found.add(UUID(normalised(part.target)))
            except ValueError:
                continue  # another part, or no id: the part is refused in its turn
    return found
