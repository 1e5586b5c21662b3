"""An act is decided whole, sealed, appended at once; a retry gets its first answer."""

import contextlib
from collections.abc import Sequence

import msgspec

from services.intake.application.append_builder import Recorder
from services.intake.application.attempts import settled
from services.intake.application.command import CommandOutcome, check_caller
from services.intake.application.command_handler import first_answer, outcome_of
from services.intake.application.composite.act_append import ActAppends
from services.intake.application.composite.act_decider import ActDecider, DecidedAct
from services.intake.application.composite.act_result import ActOutcome
from services.intake.application.composite.given_act import GivenAct, of_part
from services.intake.application.errors import (
    KeyReused,
    PartlyRecorded,
    ReferenceAnnulled,
    ReferenceDiffers,
    ReferenceUsed,
)
from services.intake.application.known_reference import KnownReferences
from services.intake.application.ports import EventPlace, EventStore, History, Ids, Seals
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import Refused
from shared.event_store.append import Append, Appended
from shared.event_store.errors import IdempotencyReplay, KeyRecord, ReferenceExists
from shared.identifiers import local_day, normalised

_sorted = msgspec.json.Encoder(order="sorted")


class ActHandler:
    """Takes composite acts from every door."""

    def __init__(
        self,
        regulation_cache: RegulationCache,
        history: History,
        writer: EventStore,
        seals: Seals,
        recorder: Recorder,
        new_id: Ids,
        references: KnownReferences,
    ) -> None:
        self._regulation_cache = regulation_cache
        self._history = history
        self._writer = writer
        self._seals = seals
        self._decider = ActDecider(regulation_cache, history, new_id)
        self._appends = ActAppends(recorder, new_id)
        self._references = references

    async def execute(self, act: GivenAct) -> ActOutcome:
        """Decide and record an act, whole or not at all. Raises Refused, StoreUnavailable, Overloaded."""
        for number, part in enumerate(act.parts):
            with of_part(number):
                check_caller(part.command(act.caller))
        _check_references(act)
        epoch = self._history.epoch
        fingerprint = self._fingerprint(act) if act.key else b""

        async def attempt() -> ActOutcome:
            decided = await self._decider.decide(act)
            append = await self._appends.append(act, decided, fingerprint)
            return self._done(decided, append, await self._writer.append(append))

        try:
            for part in act.parts:
                earlier = part.command(act.caller).earlier_reference
                if earlier is not None and await self._history.reference(*earlier) is not None:
                    return await self._known(act, fingerprint, epoch)
            return await settled(self._regulation_cache, attempt)
        except IdempotencyReplay as replay:
            return await self._replayed(act, fingerprint, replay.record, epoch)
        except ReferenceExists:
            return await self._known(act, fingerprint, epoch)
        except Refused as refusal:
            return await self._first_answer_or(refusal, act, fingerprint, epoch)

    async def _first_answer_or(self, refusal: Refused, act: GivenAct, fingerprint: bytes, epoch: str) -> ActOutcome:
        """A retry of a done act gets its first answer, whatever refuses it now."""
        if act.key and (record := await self._history.key_record(act.caller.name, act.key)) is not None:
            return await self._replayed(act, fingerprint, record, epoch)
        if all(part.command(act.caller).reference for part in act.parts):
            with contextlib.suppress(PartlyRecorded, ReferenceAnnulled, ReferenceDiffers, ReferenceUsed):
                return await self._known(act, fingerprint, epoch)
        raise refusal

    async def _known(self, act: GivenAct, fingerprint: bytes, epoch: str) -> ActOutcome:
        """What was recorded under the references of an act, if that is all of it and says the same.

        Nothing of an act is recorded where something of it is known already: it would be done by half.
        """
        found = await self._places_of_references(act)
        places = [place for place in found if place is not None]
        if len(places) < len(found):
            first = next((number for number, place in enumerate(found) if place is not None), 0)
            raise PartlyRecorded(f"parts[{first}].external_id")
        cases = [place.originator_id for place in places]
        for number, (part, place) in enumerate(zip(act.parts, places, strict=True)):
            with of_part(number):
                await self._references.require_same(part.command(act.caller, cases), place)
        if act.key:
            await self._references.keep_key(act.caller.name, act.key, fingerprint, places[0])
        await self._history.confirm(None, epoch)
        return _answer(places, known_reference=True)

    async def _replayed(self, act: GivenAct, fingerprint: bytes, record: KeyRecord, epoch: str) -> ActOutcome:
        """The first answer again, once a fail-over cannot take back what it told."""
        if record.fingerprint != fingerprint:
            raise KeyReused
        await self._history.confirm(None, epoch)
        if await self._history.is_known_reference(act.caller.name, act.key):
            found = await self._places_of_references(act)
            return _answer([place for place in found if place is not None], known_reference=True)
        return _answer(await self._history.places_from(record.position, len(act.parts)))

    async def _places_of_references(self, act: GivenAct) -> list[EventPlace | None]:
        """Where the record of each part's reference stands; None of a part that has none, or one that is new."""
        found: list[EventPlace | None] = []
        for part in act.parts:
            command = part.command(act.caller)
            place = None
            for reference in (command.earlier_reference, command.reference):
                if place is None and reference is not None:
                    place = await self._history.reference(*reference)
            found.append(place)
        return found

    def _fingerprint(self, act: GivenAct) -> bytes:
        """Keyed, as that of a command; fields in any order are the same, parts in another order are another act."""
        parts = [
            [part.codec.route.path, normalised(part.target), msgspec.Raw(_sorted.encode(part.body))]
            for part in act.parts
        ]
        return self._seals.fingerprint(f"{act.definition.path}\x1f".encode() + _sorted.encode(parts))

    def _done(self, decided: DecidedAct, append: Append, appended: Appended) -> ActOutcome:
        self._regulation_cache.learn_day(local_day(appended.recorded_at))
        outcomes, offset = list[CommandOutcome](), 0
        for part in decided.parts:
            position = appended.first_position + offset
            outcomes.append(outcome_of(part.decided, append.events[offset], position, appended.recorded_at))
            offset += len(part.decided.facts)
        return ActOutcome(recorded_at=appended.recorded_at, parts=tuple(outcomes))


def _check_references(act: GivenAct) -> None:
    """Each reference is that of one record. Raises ReferenceUsed."""
    seen: set[tuple[str, str]] = set()
    for number, part in enumerate(act.parts):
        if (reference := part.command(act.caller).reference) in seen:
            raise ReferenceUsed(f"parts[{number}].external_id")
        if reference is not None:
            seen.add(reference)


def _answer(places: Sequence[EventPlace], *, known_reference: bool = False) -> ActOutcome:
    parts = tuple(first_answer(place) for place in places)
    return ActOutcome(recorded_at=max(part.recorded_at for part in parts), parts=parts, known_reference=known_reference)
